//! One connection of a service with a hub, driven by blocking calls.
//!
//! A thread can block in one call only, and a member of a chat waits for two things: bytes of its peer, and mail from
//! other members. The textbook starts a second thread for each connection, which only writes. Here the thread blocks in
//! `poll(2)`, which waits for both at once; the rest is the state machine of `readiness/conn.rs`, with a thread or a
//! process to itself.

use std::{io, os::fd::BorrowedFd, time::Instant};

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
    work::Done,
};
use crate::{
    door::Connection,
    hub::{inbox::HubClient, state::HubEvent},
    trace::{self, What},
};

/// Serves one connection to its end, and takes it out of the hub.
///
/// Per message that is a `poll` and a `read`; per piece of mail a `poll`, a look at the bell and a `write`.
pub(crate) fn drive(connection: Connection, service: &dyn Service, hub: &mut impl HubClient) {
    if connection.stream.set_nonblocking(true).is_err() {
        return hub.tell(HubEvent::Gone(CloseReason::Lost));
    }
    let stream = Interruptible::new(TcpStream::from_std(connection.stream));
    let session = service.open(connection.span.id(), connection.peer);
    let mut conn = Conn::new(stream, session, connection.span, connection.admission);
    let mut scratch = Scratch::new(|_| true);
    let mut lingers_until = None;
    let mut step = Step::Yield;
    loop {
        for post in scratch.outbox.posts() {
            hub.tell(HubEvent::Post(post));
        }
        step = match step {
            Step::Done => break,
            // A connection that goes on without waiting takes in its mail meanwhile.
            Step::Yield if lingers_until.is_none() && conn.has_more() && hub.fetch().is_err() => {
                lose_hub(&mut conn, &mut scratch)
            }
            Step::Yield => advance(&mut conn, &mut scratch, hub),
            Step::Job(job) => conn.job_done(job.perform(), &mut scratch),
            Step::Linger(time) => {
                lingers_until = Some(Instant::now() + time);
                // A connection that lingers gets no more mail, so it leaves the hub at once.
                leave_hub(&conn, hub);
                advance(&mut conn, &mut scratch, hub)
            }
            Step::Idle => {
                scratch.outbox.shrink();
                let waiting = trace::start();
                let limit = lingers_until.or(conn.deadline());
                let waited = wait(&mut conn, hub.bell(), limit, lingers_until.is_some());
                waiting.end(What::Wait, 0);
                match waited {
                    Err(_) => break,
                    Ok(WokenBy::Time) if lingers_until.is_some() => {
                        conn.job_done(Done::Work, &mut scratch)
                    }
                    Ok(WokenBy::Bell) if hub.fetch().is_err() => lose_hub(&mut conn, &mut scratch),
                    Ok(_) => advance(&mut conn, &mut scratch, hub),
                }
            }
        };
    }
    leave_hub(&conn, hub);
}

/// The hub's process has ended. At a stop that is expected, and the peer gets no message about it.
fn lose_hub(conn: &mut Conn, scratch: &mut Scratch) -> Step {
    match stop::is_set() {
        true => Step::Done,
        false => conn.cut(Cut::HubLost, scratch),
    }
}

/// Tells the hub that the connection has ended; a second time has no effect.
fn leave_hub(conn: &Conn, hub: &mut impl HubClient) {
    // At a stop all connections end, and the hub need not report each end to the other members.
    if !stop::is_set() {
        hub.tell(HubEvent::Gone(conn.close_reason()));
    }
}

fn advance(conn: &mut Conn, scratch: &mut Scratch, hub: &mut impl HubClient) -> Step {
    hub.with_inbox(|inbox| conn.advance(scratch, Some(inbox)))
}

enum WokenBy {
    Peer,
    /// The bell, and perhaps the peer as well.
    Bell,
    Time,
}

/// Waits for the peer, for mail unless the connection `lingers`, or until `limit`.
fn wait(
    conn: &mut Conn,
    bell: BorrowedFd<'_>,
    limit: Option<Instant>,
    lingers: bool,
) -> io::Result<WokenBy> {
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
    let left = limit.map(|limit| limit.saturating_duration_since(Instant::now()));
    let timeout = left.map(timespec);
    loop {
        let mut fds = [
            PollFd::from_borrowed_fd(bell, PollFlags::IN),
            PollFd::from_borrowed_fd(conn.fd(), wanted),
        ];
        // A connection that lingers gets no more mail.
        let fds = match (lingers, is_watched) {
            (true, _) => &mut fds[1..],
            (false, true) => &mut fds[..],
            (false, false) => &mut fds[..1],
        };
        match poll(fds, timeout.as_ref()) {
            Ok(0) => return Ok(WokenBy::Time),
            Ok(_) => {}
            Err(Errno::INTR) => continue,
            Err(errno) => return Err(errno.into()),
        }
        let rung = !lingers && !fds[0].revents().is_empty();
        let seen = match fds {
            [_, socket] => socket.revents(),
            [socket] if lingers => socket.revents(),
            _ => PollFlags::empty(),
        };
        if !seen.is_empty() {
            conn.is_ready(seen.intersects(PollFlags::RDHUP | PollFlags::HUP | PollFlags::ERR));
        }
        return Ok(if rung { WokenBy::Bell } else { WokenBy::Peer });
    }
}
