//! The switchboard of processes: in a process of its own, the broker.
//!
//! Processes share no memory, so the hub of a service lives in one that does nothing else, and every
//! other has a line to it. Posts go up the line and mail comes down; a line that ends, be it by the
//! death of its process, is taken off the switchboard. The broker waits for nobody: what a process
//! doesn't take waits in a mailbox of its own.

mod line;
mod process;

use std::{
    io::{self, Write},
    time::Instant,
};

use portlab_service::Service;
use portlab_sys::{
    alone::Alone,
    children::{Children, Forked, Pid, Reaped, leave},
    seqpacket::Seqpacket,
};

pub(crate) use self::line::Line;
pub use self::line::fuzz;
use crate::{
    mailbox::{Counts, Overflow},
    trace,
};

/// The broker of a forking server, as its parent sees it. A service without a hub has none: then
/// nothing is started, and nobody gets a line.
pub(crate) struct Broker {
    service: &'static dyn Service,
    overflow: Overflow,
    running: Option<Running>,
}

struct Running {
    pid: Pid,
    /// New lines are passed through it; at its end the broker says what has become of all mail.
    control: Seqpacket,
}

impl Broker {
    /// Forks the broker of `service`, if that has a hub.
    ///
    /// # Errors
    /// When there is no room for a process, or no descriptor.
    pub(crate) fn start(
        service: &'static dyn Service,
        overflow: Overflow,
        children: &mut Children,
        alone: &Alone,
    ) -> io::Result<Self> {
        let mut broker = Self {
            service,
            overflow,
            running: None,
        };
        broker.run(children, alone)?;
        Ok(broker)
    }

    fn run(&mut self, children: &mut Children, alone: &Alone) -> io::Result<()> {
        let Some(hub) = self.service.hub() else {
            return Ok(());
        };
        let (control, far) = Seqpacket::pair()?;
        match children.fork(alone)? {
            Forked::Parent(pid) => self.running = Some(Running { pid, control }),
            Forked::Child(_) => {
                drop(control);
                trace::is_the_broker();
                leave(process::run(hub, self.overflow, far).is_ok())
            }
        }
        Ok(())
    }

    /// Its process.
    pub(crate) fn pid(&self) -> Option<Pid> {
        self.running.as_ref().map(|running| running.pid)
    }

    /// How many processes it adds to the server.
    pub(crate) fn processes(&self) -> usize {
        usize::from(self.running.is_some())
    }

    /// A line to the broker, for a process that is about to be forked.
    ///
    /// # Errors
    /// When there is no descriptor left, or the broker has just died.
    pub(crate) fn line(&self) -> io::Result<Option<Line>> {
        let Some(running) = &self.running else {
            return Ok(None);
        };
        let (near, far) = Seqpacket::pair()?;
        running.control.send_fd(&far)?;
        Ok(Some(Line::new(near, self.overflow)))
    }

    /// Looks whether the broker is among the `dead`; says so, and starts another. The rooms are lost,
    /// and so is everybody's line.
    ///
    /// # Errors
    /// As for [`Broker::start`].
    pub(crate) fn replace_if_dead(
        &mut self,
        dead: &[Reaped],
        children: &mut Children,
        alone: &Alone,
    ) -> io::Result<bool> {
        let died = |running: &Running| dead.iter().any(|reaped| reaped.pid == running.pid);
        if !self.running.as_ref().is_some_and(died) {
            return Ok(false);
        }
        self.running = None;
        let _ = writeln!(
            io::stderr(),
            "portlab: the broker has died, and the rooms with it; another is started"
        );
        self.run(children, alone)?;
        Ok(true)
    }

    /// In a forked child: the parent's end of the control is not its business.
    pub(crate) fn let_go(&mut self) {
        self.running = None;
    }

    /// Ends all `children`, the broker among them, by `deadline`. Returns how many did not end well,
    /// and what has become of all mail.
    pub(crate) fn end(self, children: &mut Children, deadline: Instant) -> (u64, Option<Counts>) {
        let control = self.running.map(|running| running.control);
        // No more lines will come: when those that there are have ended, so may the broker.
        if let Some(control) = &control {
            let _ = control.finish();
        }
        let unwell = children.end(deadline);
        let counts = control.map(|control| line::last_word(&control));
        (unwell, counts)
    }
}
