//! One connection, driven by blocking calls: for a process or a thread that serves one connection at a time.

use std::{
    io::{self, Write},
    net::{Shutdown, TcpStream},
    time::Instant,
};

use portlab_service::{Cut, Service};
use portlab_sys::{
    stop::Interruptible,
    tally::{self, Count},
};
use rustix::{
    buffer::spare_capacity,
    event::{PollFd, PollFlags, poll},
    io::Errno,
    time::Timespec,
};

use super::{
    closing::{LINGER, count_cut},
    deadlines::Deadlines,
    held::{After, Held, send_more},
    outbox::{Outbox, SessionEvent, lookup},
    waiting,
    work::{find, perform},
};
use crate::{
    READ_BUFFER,
    door::Connection,
    hub::{broker::Line, locked::LockedHub, thread::ThreadClient},
    log::not_served,
    trace::{self, What},
};

/// Serves a connection until its session ends it, its peer closes or resets it, or the server stops.
///
/// Without a hub that takes two system calls per message, `read` and `write`. The thread blocks in these calls and in
/// the waits of the session, so that the state of the connection is on its stack, and the code reads from top to bottom.
/// With a hub, mail may come at any time, and [`waiting`] drives the connection.
pub(crate) fn serve(connection: Connection, service: &dyn Service, hub: Option<&LockedHub>) {
    match hub {
        None => serve_alone(connection, service),
        Some(hub) => match ThreadClient::new(hub, connection.span.id()) {
            Ok(mut client) => waiting::serve(connection, service, &mut client),
            Err(error) => {
                not_served(
                    "can't connect a connection to the hub",
                    "无法把连接接到中枢（hub）",
                    &error,
                );
            }
        },
    }
}

/// The same in a process of its own, which has a line to the broker if the service has a hub.
pub(crate) fn serve_on_line(connection: Connection, service: &dyn Service, line: Option<&Line>) {
    match line {
        None => serve_alone(connection, service),
        Some(line) => {
            let mut client = line.client(connection.span.id());
            waiting::serve(connection, service, &mut client);
        }
    }
}

fn serve_alone(connection: Connection, service: &dyn Service) {
    // If the peer resets the connection, only this connection ends.
    if drive(connection, service).is_err() {
        tally::add(Count::Broken, 1);
    }
}

fn drive(connection: Connection, service: &dyn Service) -> io::Result<()> {
    if let Some(time) = connection.admission.terms.limits.idle {
        // A peer that reads nothing is idle, too.
        connection.stream.set_write_timeout(Some(time))?;
    }
    connection.span.turn();
    // From here on the stop signal shuts the socket in this process: in a forking model, in the child.
    let stream = Interruptible::new(connection.stream);
    // Given back before the socket closes: what is bound last is dropped first.
    let admission = connection.admission;
    let mut deadlines = Deadlines::new(&admission.terms.limits);
    let mut session = service.open(connection.span.id(), connection.peer);
    let mut outbox = Outbox::default();
    // Pages that are never written to cost no memory: an idle connection has touched none of them.
    let mut input = Vec::with_capacity(READ_BUFFER);
    let files = admission.terms.files;
    let mut found;
    let mut held = None;
    let mut at_end = false;
    let mut event = SessionEvent::Open;
    loop {
        let is_input = event.is_input();
        let Ok(flow) = outbox.call(&mut *session, event, files) else {
            return Ok(());
        };
        if is_input {
            deadlines.handled(&*session, outbox.posted());
        }
        perform(flow.work);
        let after = After::of(flow.next, &mut held)?;
        deadlines.moved();
        let file = held.as_deref_mut();
        if let Err(error) = answer(&stream, &outbox.out, after, file, &mut deadlines) {
            return cut_if_idle(error);
        }
        outbox.sent();
        match after {
            After::Close if at_end => return Ok(()),
            After::Close => {
                linger(&stream, &mut input);
                return Ok(());
            }
            After::More | After::Body => {
                event = SessionEvent::More;
                continue;
            }
            After::Lookup => {
                let Ok(asked) = lookup(&*session) else {
                    return Ok(());
                };
                (found, held) = find(files, asked);
                event = SessionEvent::Found(&found);
                continue;
            }
            After::Continue => {}
        }
        input.clear();
        if let Some(why) = wait(&stream, &mut deadlines) {
            let _ = outbox.call(&mut *session, SessionEvent::Cut(why), files);
            let _ = (&*stream).write(&outbox.out);
            count_cut(why);
            linger(&stream, &mut input);
            return Ok(());
        }
        let reading = trace::call(What::Read);
        let read =
            rustix::io::retry_on_intr(|| rustix::io::read(&*stream, spare_capacity(&mut input)));
        reading.end(read.unwrap_or(0));
        event = match read? {
            0 => {
                at_end = true;
                SessionEvent::Eof
            }
            length => {
                tally::add(Count::BytesIn, length as u64);
                deadlines.moved();
                SessionEvent::Data(&input)
            }
        };
    }
}

/// Sends an answer, and the part of the file that follows it.
fn answer(
    mut stream: &TcpStream,
    out: &[u8],
    after: After,
    mut file: Option<&mut Held>,
    deadlines: &mut Deadlines,
) -> io::Result<()> {
    if !out.is_empty() {
        let writing = trace::call(What::Write);
        let mut sent = 0;
        while sent < out.len() {
            let result = match after {
                // The answer and the first bytes of the file share a packet.
                After::Body => send_more(stream, &out[sent..]),
                _ => stream.write(&out[sent..]),
            };
            sent += unless_idle(result, deadlines)?;
        }
        writing.end(out.len());
        tally::add(Count::BytesOut, out.len() as u64);
    }
    while let Some(file) = &mut file
        && file.left() > 0
    {
        unless_idle(file.send(stream, AT_ONCE), deadlines)?;
    }
    Ok(())
}

/// A signal ends a call that sends, and the write timeout begins anew. So the deadline decides whether the peer is idle.
fn unless_idle(result: io::Result<usize>, deadlines: &mut Deadlines) -> io::Result<usize> {
    match &result {
        Ok(_) => deadlines.moved(),
        Err(error) if error.kind() == io::ErrorKind::Interrupted => {
            return match deadlines.overdue() {
                Some(_) => Err(io::ErrorKind::WouldBlock.into()),
                None => Ok(0),
            };
        }
        Err(_) => {}
    }
    result
}

/// Gives the peer time to take the last bytes and to close. Its input is read and thrown away: if a socket closes with
/// unread input, the kernel resets the connection, and the reset may overtake the last bytes.
fn linger(stream: &TcpStream, input: &mut Vec<u8>) {
    let until = Instant::now() + LINGER;
    // If the peer has reset the connection, there is nothing to wait for.
    let closed = stream.shutdown(Shutdown::Write);
    let mut goes_on = closed
        .and_then(|()| stream.set_read_timeout(Some(LINGER)))
        .is_ok();
    while goes_on && Instant::now() < until {
        input.clear();
        let read = rustix::io::retry_on_intr(|| rustix::io::read(stream, spare_capacity(input)));
        goes_on = read.is_ok_and(|length| length > 0);
    }
}

/// How many bytes of a file one call sends: they are counted after it.
const AT_ONCE: usize = 16 * READ_BUFFER;

/// If a time limit runs, waits for input. Returns why the connection is to be closed if the limit has passed.
fn wait(stream: &TcpStream, deadlines: &mut Deadlines) -> Option<Cut> {
    while let Some(at) = deadlines.next() {
        let left = at.saturating_duration_since(Instant::now());
        let timeout = Timespec::try_from(left).ok();
        let mut fds = [PollFd::new(stream, PollFlags::IN)];
        match poll(&mut fds, timeout.as_ref()) {
            Ok(0) => match deadlines.overdue() {
                None => {}
                why => return why,
            },
            Err(Errno::INTR) => {}
            // The next read reports what is wrong.
            Ok(_) | Err(_) => return None,
        }
    }
    None
}

/// If a write lasted longer than the idle timeout, the peer reads nothing: counts the connection as idle.
fn cut_if_idle(error: io::Error) -> io::Result<()> {
    match error.kind() {
        io::ErrorKind::WouldBlock => {
            count_cut(Cut::Idle);
            Ok(())
        }
        _ => Err(error),
    }
}
