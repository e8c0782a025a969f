//! One connection, driven by blocking calls: what a process or a thread of its own does with it.

use std::{
    io::{self, Write},
    net::TcpStream,
    thread,
    time::Instant,
};

use portlab_service::{Cut, Next, Parting, Service, Work};
use portlab_sys::{
    clock::burn,
    stop::Interruptible,
    tally::{self, Count},
};
use rustix::{
    buffer::spare_capacity,
    event::{PollFd, PollFlags, poll},
    io::Errno,
    time::Timespec,
};

use crate::{
    READ_BUFFER,
    broker::Line,
    deadlines::Deadlines,
    door::Caller,
    exchange::Exchange,
    guarded::{Event, Outbox},
    log::not_served,
    member,
    trace::{self, What},
};

/// Serves `caller` until its session ends, its peer breaks off, or the server is told to stop.
///
/// Two system calls per message: `read` and `write`. The thread sleeps inside them, and inside the
/// session's waits, so everything about the connection is on its stack and in program order.
///
/// Where connections share a hub, mail may come at any time, and [`member`] drives the connection.
pub(crate) fn drive(caller: Caller, service: &dyn Service, exchange: Option<&Exchange>) {
    match exchange {
        None => alone(caller, service),
        // Without a descriptor for its bell, it is turned away.
        Some(exchange) => match exchange.desk(caller.span.id()) {
            Ok(mut desk) => member::drive(caller, service, &mut desk),
            Err(error) => not_served("can't make a member of a caller", &error),
        },
    }
}

/// The same in a process of its own, which has a line to the hub if there is one.
pub(crate) fn drive_on_line(caller: Caller, service: &dyn Service, line: Option<&Line>) {
    match line {
        None => alone(caller, service),
        Some(line) => {
            let mut desk = line.desk(caller.span.id());
            member::drive(caller, service, &mut desk);
        }
    }
}

fn alone(caller: Caller, service: &dyn Service) {
    // A peer that breaks off (reset, broken pipe) ends its connection and concerns no other.
    if converse(caller, service).is_err() {
        tally::add(Count::Broken, 1);
    }
}

fn converse(caller: Caller, service: &dyn Service) -> io::Result<()> {
    if let Some(time) = caller.admission.limits.idle {
        // A peer that takes nothing is idle too.
        caller.stream.set_write_timeout(Some(time))?;
    }
    caller.span.turn();
    // Whoever drives a connection has it watched: in a forking model that is the child.
    let stream = Interruptible::new(caller.stream);
    // Given back before the socket closes: what was bound last is dropped first.
    let admission = caller.admission;
    let mut deadlines = Deadlines::new(admission.limits);
    let mut session = service.open(caller.span.id(), caller.peer);
    let mut outbox = Outbox::default();
    // Room that is never written to costs no memory: an idle connection has touched none of it.
    let mut input = Vec::with_capacity(READ_BUFFER);
    let mut event = Event::Open;
    loop {
        let is_input = event.is_input();
        let Ok(flow) = outbox.call(&mut *session, event) else {
            return Ok(());
        };
        if is_input {
            deadlines.handled(&*session, outbox.posted());
        }
        perform(flow.work);
        let writing = trace::call();
        if let Err(error) = (&*stream).write_all(&outbox.out) {
            return cut_if_idle(error);
        }
        writing.end(What::Write, outbox.out.len());
        tally::add(Count::BytesOut, outbox.out.len() as u64);
        deadlines.moved();
        outbox.sent();
        match flow.next {
            Next::Close => return Ok(()),
            Next::More => {
                event = Event::More;
                continue;
            }
            Next::Continue => {}
        }
        input.clear();
        if let Some(why) = wait(&stream, &mut deadlines) {
            let _ = outbox.call(&mut *session, Event::Cut(why));
            let _ = (&*stream).write(&outbox.out);
            count_cut(why);
            return Ok(());
        }
        let reading = trace::call();
        let read =
            rustix::io::retry_on_intr(|| rustix::io::read(&*stream, spare_capacity(&mut input)));
        reading.end(What::Read, read.unwrap_or(0));
        event = match read {
            Ok(0) => Event::Eof,
            Ok(length) => {
                tally::add(Count::BytesIn, length as u64);
                deadlines.moved();
                Event::Data(&input)
            }
            Err(errno) => return Err(errno.into()),
        };
    }
}

/// Waits for something to read, if there is a time limit. Says why the connection is to be closed, if it
/// is.
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
            // Reading finds out what is wrong.
            Ok(_) | Err(_) => return None,
        }
    }
    None
}

/// Writing takes longer than the idle timeout if the peer takes nothing.
fn cut_if_idle(error: io::Error) -> io::Result<()> {
    match error.kind() {
        io::ErrorKind::WouldBlock => {
            count_cut(Cut::Idle);
            Ok(())
        }
        _ => Err(error),
    }
}

/// Counts a connection that is closed by the server, and says how others are told of its end.
pub(crate) fn count_cut(why: Cut) -> Parting {
    let (count, how) = match why {
        Cut::TooSlow => (Count::TooSlow, Parting::TooSlow),
        Cut::Idle => (Count::Idle, Parting::TimedOut),
        Cut::Unfinished => (Count::Unfinished, Parting::TimedOut),
        Cut::HubLost => (Count::NotServed, Parting::Lost),
    };
    tally::add(count, 1);
    how
}

/// Does all of a handler's work on the calling thread, whatever its kind.
pub(crate) fn perform(work: Work) {
    let working = trace::start();
    match work {
        Work::None => {}
        Work::Wait(time) | Work::Block(time) => {
            thread::sleep(time);
            working.end(What::Wait, 0);
        }
        Work::Cpu(time) => {
            burn(time);
            working.end(What::Handle, 0);
        }
    }
}
