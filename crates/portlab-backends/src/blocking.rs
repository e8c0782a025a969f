//! One connection, driven by blocking calls: what a process or a thread of its own does with it.

use std::{
    io::{self, Write},
    thread,
};

use portlab_service::{Next, Service, Work};
use portlab_sys::{clock::burn, stop::Interruptible};
use rustix::buffer::spare_capacity;

use crate::{
    READ_BUFFER,
    broker::Line,
    door::Caller,
    exchange::Exchange,
    guarded::{Event, Outbox},
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
        // A peer that breaks off (reset, broken pipe) ends its connection and concerns nobody else.
        None => drop(converse(caller, service)),
        // Without a descriptor for its bell, it is turned away.
        Some(exchange) => drop(exchange.desk(caller.span.id()).map(|mut desk| {
            member::drive(caller, service, &mut desk);
        })),
    }
}

/// The same in a process of its own, which has a line to the hub if there is one.
pub(crate) fn drive_on_line(caller: Caller, service: &dyn Service, line: Option<&Line>) {
    match line {
        None => drop(converse(caller, service)),
        Some(line) => {
            let mut desk = line.desk(caller.span.id());
            member::drive(caller, service, &mut desk);
        }
    }
}

fn converse(caller: Caller, service: &dyn Service) -> io::Result<()> {
    let Caller { stream, peer, span } = caller;
    span.turn();
    // Whoever drives a connection has it watched: in a forking model that is the child.
    let stream = Interruptible::new(stream);
    let mut session = service.open(span.id(), peer);
    let mut outbox = Outbox::default();
    // Room that is never written to costs no memory: an idle connection has touched none of it.
    let mut input = Vec::with_capacity(READ_BUFFER);
    let mut event = Event::Open;
    loop {
        let Ok(flow) = outbox.call(&mut *session, event) else {
            return Ok(());
        };
        perform(flow.work);
        let writing = trace::call();
        (&*stream).write_all(&outbox.out)?;
        writing.end(What::Write, outbox.out.len());
        outbox.sent();
        if flow.next == Next::Close {
            return Ok(());
        }
        input.clear();
        let reading = trace::call();
        let read =
            rustix::io::retry_on_intr(|| rustix::io::read(&*stream, spare_capacity(&mut input)));
        reading.end(What::Read, read.unwrap_or(0));
        event = match read {
            Ok(0) => Event::Eof,
            Ok(_) => Event::Data(&input),
            Err(errno) => return Err(errno.into()),
        };
    }
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
