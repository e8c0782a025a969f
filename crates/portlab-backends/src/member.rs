//! One connection of a service with a hub, driven by blocking calls.
//!
//! A thread can block in one call only, and a member of a chat waits for two things: its peer, and
//! the others. The textbook gives it a second thread, that only writes. Here it blocks in `poll(2)`,
//! which waits for both at once, and the rest is the state machine of `nonblocking.rs`, with a
//! thread, or a process, to itself.

use std::{io, os::fd::BorrowedFd, time::Instant};

use mio::net::TcpStream;
use portlab_service::{Cut, Parting, Service};
use portlab_sys::{
    clock::timespec,
    stop::{self, Interruptible},
};
use rustix::{
    event::{PollFd, PollFlags, poll},
    io::Errno,
};

use crate::{
    blocking::perform,
    door::Caller,
    inbox::Inbox,
    nonblocking::{Conn, Scratch, Step},
    switchboard::Word,
    trace::{self, What},
};

/// How whoever drives a connection reaches the hub.
pub(crate) trait Desk {
    /// Readable when mail may have come.
    fn bell(&self) -> BorrowedFd<'_>;

    /// The bell has rung: silences it, and takes in what has come.
    ///
    /// # Errors
    /// When the hub has gone.
    fn fetch(&mut self) -> io::Result<()>;

    /// Lets `look` see the mail that has come.
    fn with_inbox<T>(&mut self, look: impl FnOnce(&mut dyn Inbox) -> T) -> T;

    /// Tells the hub something.
    fn say(&mut self, word: Word);
}

/// Serves one connection to its end, and takes it off the switchboard.
///
/// Per message that is a `poll` and a `read`; per piece of mail a `poll`, a look at the bell and a
/// `write`.
pub(crate) fn drive(caller: Caller, service: &dyn Service, desk: &mut impl Desk) {
    if caller.stream.set_nonblocking(true).is_err() {
        return desk.say(Word::Gone(Parting::Lost));
    }
    let stream = Interruptible::new(TcpStream::from_std(caller.stream));
    let session = service.open(caller.span.id(), caller.peer);
    let mut conn = Conn::new(stream, session, caller.span, caller.admission);
    let mut scratch = Scratch::new();
    let mut leaves_at = None;
    let mut step = Step::Yield;
    loop {
        for post in scratch.outbox.posts() {
            desk.say(Word::Post(post));
        }
        step = match step {
            Step::Done => break,
            // A connection that goes on without waiting takes in its mail meanwhile.
            Step::Yield if leaves_at.is_none() && conn.has_more() && desk.fetch().is_err() => {
                lose_hub(&mut conn, &mut scratch)
            }
            Step::Yield => advance(&mut conn, &mut scratch, desk),
            Step::Work(work) => {
                perform(work);
                conn.work_done()
            }
            Step::Leave(time) => {
                leaves_at = Some(Instant::now() + time);
                // It hears nothing any more, and the others needn't wait to be told.
                take_leave(&conn, desk);
                advance(&mut conn, &mut scratch, desk)
            }
            Step::Idle => {
                scratch.outbox.sleep();
                let waiting = trace::start();
                let limit = leaves_at.or(conn.deadline());
                let waited = wait(&mut conn, desk.bell(), limit, leaves_at.is_some());
                waiting.end(What::Wait, 0);
                match waited {
                    Err(_) => break,
                    Ok(Event::TimeIsUp) if leaves_at.is_some() => conn.work_done(),
                    Ok(Event::TimeIsUp) => advance(&mut conn, &mut scratch, desk),
                    Ok(Event::Peer) => advance(&mut conn, &mut scratch, desk),
                    Ok(Event::Bell) if desk.fetch().is_err() => lose_hub(&mut conn, &mut scratch),
                    Ok(Event::Bell) => advance(&mut conn, &mut scratch, desk),
                }
            }
        };
    }
    take_leave(&conn, desk);
}

/// The hub has gone. A server that stops loses it with everything else, and says nothing of it.
fn lose_hub(conn: &mut Conn, scratch: &mut Scratch) -> Step {
    match stop::is_set() {
        true => Step::Done,
        false => conn.cut(Cut::HubLost, scratch),
    }
}

/// Tells the hub that the connection has ended; told twice, it doesn't mind.
fn take_leave(conn: &Conn, desk: &mut impl Desk) {
    // When all go, nobody is left to be told.
    if !stop::is_set() {
        desk.say(Word::Gone(conn.how()));
    }
}

fn advance(conn: &mut Conn, scratch: &mut Scratch, desk: &mut impl Desk) -> Step {
    desk.with_inbox(|inbox| conn.advance(scratch, Some(inbox)))
}

/// What was waited for.
enum Event {
    Peer,
    /// The bell, and perhaps the peer as well.
    Bell,
    TimeIsUp,
}

/// Waits for the peer, for mail unless the connection `leaves`, or until `limit`.
fn wait(
    conn: &mut Conn,
    bell: BorrowedFd<'_>,
    limit: Option<Instant>,
    leaves: bool,
) -> io::Result<Event> {
    let wanted = match (conn.is_blocked(), conn.is_at_end()) {
        // Nothing is read before the last answer has left.
        (true, _) => PollFlags::OUT,
        (false, false) => PollFlags::IN | PollFlags::RDHUP,
        // The end would be readable for ever.
        (false, true) => PollFlags::empty(),
    };
    // While a connection rests, its end would be readable all the time.
    let rests = conn.rests();
    let is_watched = conn.is_blocked() || !rests;
    let left = limit.map(|limit| limit.saturating_duration_since(Instant::now()));
    let timeout = left.map(timespec);
    loop {
        let mut fds = [
            PollFd::from_borrowed_fd(bell, PollFlags::IN),
            PollFd::from_borrowed_fd(conn.fd(), wanted),
        ];
        // A connection that leaves hears nothing any more.
        let fds = match (leaves, is_watched) {
            (true, _) => &mut fds[1..],
            (false, true) => &mut fds[..],
            (false, false) => &mut fds[..1],
        };
        match poll(fds, timeout.as_ref()) {
            Ok(0) => return Ok(Event::TimeIsUp),
            Ok(_) => {}
            Err(Errno::INTR) => continue,
            Err(errno) => return Err(errno.into()),
        }
        let rung = !leaves && !fds[0].revents().is_empty();
        let seen = match fds {
            [_, socket] => socket.revents(),
            [socket] if leaves => socket.revents(),
            _ => PollFlags::empty(),
        };
        if !seen.is_empty() {
            conn.is_ready(seen.intersects(PollFlags::RDHUP | PollFlags::HUP | PollFlags::ERR));
        }
        return Ok(if rung { Event::Bell } else { Event::Peer });
    }
}
