//! One connection, served by code that waits: from its first byte to its last, in one function.
//!
//! Where [`drive`] runs decides what waiting is. On a thread, `poll(2)` blocks the thread; on a coroutine
//! (`fibers/context.rs`), the coroutine is suspended, and its thread runs others. That is the [`Context`]; the function is
//! the same.
//!
//! A thread can block in one call only, and a member of a chat waits for two things: bytes of its peer, and mail from
//! other members. The textbook starts a second thread for each connection, which only writes. Here the thread blocks in
//! `poll`, which waits for both at once; the rest is the state machine of `readiness/conn.rs`, with a thread, a process or
//! a coroutine to itself.

use std::{io, time::Instant};

use mio::net::TcpStream;
use portlab_service::{CloseReason, Cut, Service};
use portlab_sys::{
    clock::timespec,
    stop::{self, Interruptible},
};
use rustix::{
    event::{PollFd, PollFlags, poll},
    io::Errno,
};

use super::{
    readiness::conn::{Conn, Scratch, Step},
    work::{Done, Job},
};
use crate::{
    door::Connection,
    hub::{
        inbox::{HubClient, Inbox},
        state::HubEvent,
    },
    trace::{self, What},
};

/// Where [`drive`] runs.
pub(crate) trait Context {
    /// Lets `conn` go on as `go` says, and gives the hub what the session has posted. The buffers and the inbox are lent
    /// for this call, which never waits: a connection that waits holds neither.
    fn call(
        &mut self,
        conn: &mut Conn,
        go: impl FnOnce(&mut Conn, &mut Scratch, Option<&mut dyn Inbox>) -> Step + Send,
    ) -> Step;

    /// Does a job. Work that waits blocks a thread, and suspends a coroutine.
    fn perform(&mut self, job: Job) -> Done;

    /// Lets others have their turn, and returns at once if there are none.
    fn give_way(&mut self, conn: &mut Conn) -> io::Result<WokenBy>;

    /// Waits until the socket is ready, mail has come or the time is `until`. It may return sooner.
    ///
    /// # Errors
    /// When the system can't wait.
    fn wait(&mut self, conn: &mut Conn, until: Option<Instant>) -> io::Result<WokenBy>;

    /// Tells the hub that the connection has ended: from now on it gets no mail. A second call has no effect.
    fn leave_hub(&mut self, conn: &Conn);
}

/// Why a connection goes on.
pub(crate) enum WokenBy {
    /// Its peer, its mail or the time.
    Event,
    /// The hub's process has ended.
    LostHub,
}

/// Serves a connection to its end, and takes it out of the hub.
pub(crate) fn drive(conn: &mut Conn, context: &mut impl Context) {
    let mut lingers_until = None;
    let mut step = advance(conn, context);
    loop {
        let woken = match step {
            Step::Done => break,
            Step::Yield => context.give_way(conn),
            Step::Idle => context.wait(conn, lingers_until.or(conn.deadline())),
            Step::Job(job) => {
                let done = context.perform(job);
                step = context.call(conn, |conn, scratch, _| conn.job_done(done, scratch));
                continue;
            }
            Step::Linger(time) => {
                lingers_until = Some(Instant::now() + time);
                // A connection that lingers gets no more mail, so it leaves the hub at once.
                context.leave_hub(conn);
                Ok(WokenBy::Event)
            }
        };
        step = match woken {
            Err(_) => break,
            // At a stop that is expected, and the peer gets no message about it.
            Ok(WokenBy::LostHub) if stop::is_set() => break,
            Ok(WokenBy::LostHub) => {
                context.call(conn, |conn, scratch, _| conn.cut(Cut::HubLost, scratch))
            }
            Ok(WokenBy::Event) if lingers_until.is_some_and(|until| until <= Instant::now()) => {
                break;
            }
            Ok(WokenBy::Event) => advance(conn, context),
        };
    }
    context.leave_hub(conn);
}

fn advance(conn: &mut Conn, context: &mut impl Context) -> Step {
    context.call(conn, |conn, scratch, inbox| conn.advance(scratch, inbox))
}

/// Serves one connection of a service with a hub on the calling thread.
///
/// Per message that is a `poll` and a `read`; per piece of mail a `poll`, a look at the bell and a `write`.
pub(crate) fn serve(connection: Connection, service: &dyn Service, hub: &mut impl HubClient) {
    if connection.stream.set_nonblocking(true).is_err() {
        return hub.tell(HubEvent::Gone(CloseReason::Lost));
    }
    let stream = Interruptible::new(TcpStream::from_std(connection.stream));
    let session = service.open(connection.span.id(), connection.peer);
    let mut conn = Conn::new(stream, session, connection.span, connection.admission);
    let mut thread = OnThread {
        hub,
        has_left: false,
        scratch: Scratch::new(|_| true),
    };
    drive(&mut conn, &mut thread);
}

/// A thread, or a process with one thread, that a connection has to itself.
struct OnThread<'a, H> {
    hub: &'a mut H,
    /// The connection has left the hub.
    has_left: bool,
    scratch: Scratch,
}

impl<H: HubClient> Context for OnThread<'_, H> {
    fn call(
        &mut self,
        conn: &mut Conn,
        go: impl FnOnce(&mut Conn, &mut Scratch, Option<&mut dyn Inbox>) -> Step,
    ) -> Step {
        let Self { hub, scratch, .. } = self;
        let step = hub.with_inbox(|inbox| go(conn, scratch, Some(inbox)));
        for post in scratch.outbox.posts() {
            hub.tell(HubEvent::Post(post));
        }
        step
    }

    fn perform(&mut self, job: Job) -> Done {
        job.perform()
    }

    /// Other threads run anyway. But a connection that goes on without waiting takes in its mail meanwhile.
    fn give_way(&mut self, conn: &mut Conn) -> io::Result<WokenBy> {
        Ok(match !self.has_left && conn.has_more() {
            true => self.fetch(),
            false => WokenBy::Event,
        })
    }

    fn wait(&mut self, conn: &mut Conn, until: Option<Instant>) -> io::Result<WokenBy> {
        self.scratch.outbox.shrink();
        let waiting = trace::begin(What::Wait);
        let rung = self.poll(conn, until);
        waiting.end(What::Wait, 0);
        Ok(match rung? {
            true => self.fetch(),
            false => WokenBy::Event,
        })
    }

    fn leave_hub(&mut self, conn: &Conn) {
        self.has_left = true;
        // At a stop all connections end, and the hub need not report each end to the other members.
        if !stop::is_set() {
            self.hub.tell(HubEvent::Gone(conn.close_reason()));
        }
    }
}

impl<H: HubClient> OnThread<'_, H> {
    fn fetch(&mut self) -> WokenBy {
        match self.hub.fetch() {
            Ok(()) => WokenBy::Event,
            Err(_) => WokenBy::LostHub,
        }
    }

    /// Waits for the peer, for mail unless the connection has left the hub, or until `until`. Returns whether the bell of
    /// the hub was rung.
    fn poll(&self, conn: &mut Conn, until: Option<Instant>) -> io::Result<bool> {
        let wanted = match (conn.is_blocked(), conn.is_at_end()) {
            // Nothing is read before the last answer has left.
            (true, _) => PollFlags::OUT,
            (false, false) => PollFlags::IN | PollFlags::RDHUP,
            // At the end of its input the socket is always readable, so that `poll` would not wait.
            (false, true) => PollFlags::empty(),
        };
        // The input of a connection that rests is not read, so the socket may be readable all the time.
        let rests = conn.rests();
        let is_watched = conn.is_blocked() || !rests;
        let left = until.map(|until| until.saturating_duration_since(Instant::now()));
        let timeout = left.map(timespec);
        loop {
            let mut fds = [
                PollFd::from_borrowed_fd(self.hub.bell(), PollFlags::IN),
                PollFd::from_borrowed_fd(conn.fd(), wanted),
            ];
            let fds = match (self.has_left, is_watched) {
                (true, _) => &mut fds[1..],
                (false, true) => &mut fds[..],
                (false, false) => &mut fds[..1],
            };
            match poll(fds, timeout.as_ref()) {
                Ok(0) => return Ok(false),
                Ok(_) => {}
                Err(Errno::INTR) => continue,
                Err(errno) => return Err(errno.into()),
            }
            let rung = !self.has_left && !fds[0].revents().is_empty();
            let seen = match fds {
                [_, socket] => socket.revents(),
                [socket] if self.has_left => socket.revents(),
                _ => PollFlags::empty(),
            };
            if !seen.is_empty() {
                conn.is_ready(seen.intersects(PollFlags::RDHUP | PollFlags::HUP | PollFlags::ERR));
            }
            return Ok(rung);
        }
    }
}
