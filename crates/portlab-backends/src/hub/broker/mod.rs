//! The hub of processes: in a process of its own, the broker.
//!
//! Processes share no memory, so the hub of a service is in a process of its own, and every other
//! process has a line to it. Posts go to the broker on the line, and mail comes back. When a line ends, for example
//! because its process was killed, its connection leaves the hub. The broker waits for no process: mail that a process
//! doesn't take waits in a mailbox. The parent waits for a busy broker up to a second, and not again until the broker
//! takes a line. While the broker is stopped, full or being started again, the next process gets no line.

mod counts;
mod line;
mod lines;
mod process;

use std::{
    io,
    time::{Duration, Instant},
};

use portlab_service::Service;
use portlab_sys::{
    alone::Alone,
    children::{Children, Forked, Pid, Reaped, leave},
    limits,
    seqpacket::Seqpacket,
};
use portlab_words::{Text, tr};

use self::counts::SharedCounts;
pub use self::line::fuzz;
pub(crate) use self::{line::Line, lines::Lines};
use crate::{
    hub::mailbox::{Counts, Overflow},
    log::print,
    trace,
};

/// The broker of a forking server, kept by the parent. If the service has no hub, no broker is started, and no process
/// gets a line.
pub(crate) struct Broker {
    service: &'static dyn Service,
    overflow: Overflow,
    /// `None` for a service without a hub.
    counts: Option<SharedCounts>,
    running: Option<Running>,
    /// When another broker is to be started, while none runs.
    due: Option<Instant>,
    pause: Duration,
}

struct Running {
    pid: Pid,
    control: Seqpacket,
    most: usize,
    since: Instant,
    /// The broker did not take the last line within [`TAKE_LINE`].
    is_stuck: bool,
}

/// Descriptors that the broker needs besides its lines, and some more for lines that have just ended.
const SPARE: usize = 6;
/// The first broker that dies is replaced at once, later ones after a pause that doubles from the first of these to the
/// second.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// How long the parent waits, once, until a busy broker takes a line.
const TAKE_LINE: Duration = Duration::from_secs(1);

const NO_BROKER: Text = Text::new(
    "the broker, which holds the rooms, is being started again",
    "管理聊天室的中介进程（broker）正在重新启动",
);
const BUSY: Text = Text::new(
    "the broker takes no lines now: it is stopped or too busy",
    "中介进程（broker）现在不接收线路：它被暂停了，或者太忙",
);

impl Broker {
    /// Forks the broker of `service`, if the service has a hub.
    ///
    /// # Errors
    /// When the system has no process or no descriptor left.
    pub(crate) fn start(
        service: &'static dyn Service,
        overflow: Overflow,
        children: &mut Children,
        alone: &Alone,
    ) -> io::Result<Self> {
        let has_hub = service.hub().is_some();
        let mut broker = Self {
            service,
            overflow,
            counts: has_hub.then(SharedCounts::new).transpose()?,
            running: None,
            due: None,
            pause: Duration::ZERO,
        };
        broker.run(children, alone)?;
        Ok(broker)
    }

    fn run(&mut self, children: &mut Children, alone: &Alone) -> io::Result<()> {
        let (Some(hub), Some(counts)) = (self.service.hub(), self.counts) else {
            return Ok(());
        };
        let (control, far) = Seqpacket::pair()?;
        let free = limits::free_descriptors()?;
        match children.fork(alone)? {
            Forked::Parent(pid) => {
                self.running = Some(Running {
                    pid,
                    control,
                    most: free.saturating_sub(SPARE),
                    since: Instant::now(),
                    is_stuck: false,
                });
            }
            Forked::Child(_) => {
                drop(control);
                trace::mark_as_broker();
                let ran = process::run(hub, self.overflow, counts, far);
                if let Err(error) = &ran {
                    let why = Text::system(error);
                    print(&tr!(
                        "the broker can't go on: {why}",
                        "中介进程（broker）无法继续：{why:#}"
                    ));
                }
                leave(ran.is_ok())
            }
        }
        Ok(())
    }

    pub(crate) fn pid(&self) -> Option<Pid> {
        self.running.as_ref().map(|running| running.pid)
    }

    /// How many processes it adds to the server.
    pub(crate) fn processes(&self) -> usize {
        usize::from(self.running.is_some())
    }

    /// Makes a line to the broker, for a process that is about to be forked, while `lines` processes have one. Waits
    /// for a busy broker up to a second. If the broker took no line in that time, the next calls don't wait until the
    /// broker has taken a line again.
    ///
    /// # Errors
    /// When no descriptor is left, or when the broker can't take a line now.
    pub(crate) fn line(&mut self, lines: usize) -> io::Result<Option<Line>> {
        let Some(counts) = self.counts else {
            return Ok(None);
        };
        let Some(running) = &mut self.running else {
            return Err(temporary(NO_BROKER));
        };
        let most = running.most;
        if lines >= most {
            let files = limits::open_files();
            return Err(io::Error::other(tr!(
                "the broker may have {files} open files, and has room for {most} of these processes; raise the \
                 limit (ulimit -n)",
                "中介进程（broker）最多打开 {files} 个文件，只能容纳 {most} 个进程；请提高限制（ulimit -n）"
            )));
        }
        let (near, far) = Seqpacket::pair()?;
        let patience = match running.is_stuck {
            true => Duration::ZERO,
            false => TAKE_LINE,
        };
        let passed = running.control.send_fd_within(&far, patience);
        let would_block = |error: &io::Error| error.kind() == io::ErrorKind::WouldBlock;
        running.is_stuck = passed.as_ref().is_err_and(would_block);
        passed.map_err(|error| match would_block(&error) {
            true => temporary(BUSY),
            // The broker has just died.
            false => temporary(NO_BROKER),
        })?;
        Ok(Some(Line::new(near, self.overflow, counts)))
    }

    /// If the broker is among the `dead`, starts another one, now or after a pause. Returns whether the broker was among
    /// them: then the rooms are lost, and the line of each process has ended.
    pub(crate) fn restart_if_dead(
        &mut self,
        dead: &[Reaped],
        children: &mut Children,
        alone: &Alone,
    ) -> bool {
        let now = Instant::now();
        let is_dead = |running: &mut Running| dead.iter().any(|reaped| reaped.pid == running.pid);
        let died = self.running.take_if(is_dead);
        if let Some(died) = &died {
            if now - died.since > LONGEST_PAUSE {
                self.pause = Duration::ZERO;
            }
            self.wait_longer(now);
            print(&Text::new(
                "the broker has died, and its rooms are lost; another broker is started",
                "中介进程（broker）意外结束，聊天室也随之丢失；正在启动新的",
            ));
        }
        if self.due.is_some_and(|due| due <= now) {
            self.due = None;
            if let Err(error) = self.run(children, alone) {
                let why = Text::system(&error);
                print(&tr!(
                    "can't start another broker: {why}",
                    "无法启动新的中介进程（broker）：{why:#}"
                ));
                self.wait_longer(now);
            }
        }
        died.is_some()
    }

    fn wait_longer(&mut self, now: Instant) {
        self.due = Some(now + self.pause);
        self.pause = (self.pause * 2).clamp(FIRST_PAUSE, LONGEST_PAUSE);
    }

    /// How long the parent may wait before it calls [`Broker::restart_if_dead`] again; `None` without a limit.
    pub(crate) fn patience(&self) -> Option<Duration> {
        self.due
            .map(|due| due.saturating_duration_since(Instant::now()))
    }

    /// In a forked child: closes the parent's end of the control.
    pub(crate) fn close_control(&mut self) {
        self.running = None;
    }

    /// Ends all `children`, the broker among them, by `deadline`. Returns how many had to be killed or failed, and the
    /// counts of all mail.
    pub(crate) fn end(self, children: &mut Children, deadline: Instant) -> (u64, Option<Counts>) {
        // The broker ends when the control socket and the last line have ended.
        if let Some(Running { control, .. }) = &self.running {
            let _ = control.finish();
        }
        let unwell = children.end(deadline);
        (unwell, self.counts.map(SharedCounts::read))
    }
}

/// An error that ends by itself.
fn temporary(why: Text) -> io::Error {
    io::Error::new(io::ErrorKind::ResourceBusy, why)
}
