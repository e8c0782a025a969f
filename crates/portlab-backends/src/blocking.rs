//! One connection, driven by blocking calls: what a process or a thread of its own does with it.

use std::{
    io::{self, Write},
    thread,
};

use portlab_service::{Flow, Next, Service, Work};
use portlab_sys::{clock::burn, stop::Interruptible};
use rustix::buffer::spare_capacity;

use crate::{
    READ_BUFFER,
    door::Caller,
    guarded::{Event, Outbox},
};

/// Serves `caller` until its session ends, its peer breaks off, or the server is told to stop.
///
/// Two system calls per message: `read` and `write`. The thread sleeps inside them, and inside the
/// session's waits, so everything about the connection is on its stack and in program order.
pub(crate) fn drive(caller: Caller, service: &dyn Service) {
    // A peer that breaks off (reset, broken pipe) ends its connection and concerns nobody else.
    let _ = converse(caller, service);
}

fn converse(caller: Caller, service: &dyn Service) -> io::Result<()> {
    let Caller { stream, peer, id } = caller;
    // Whoever drives a connection has it watched: in a forking model that is the child.
    let stream = Interruptible::new(stream);
    let mut session = service.open(id, peer);
    let mut outbox = Outbox::default();
    // Room that is never written to costs no memory: an idle connection has touched none of it.
    let mut input = Vec::with_capacity(READ_BUFFER);
    let mut event = Event::Open;
    loop {
        let Ok(flow) = outbox.call(&mut *session, event) else {
            return Ok(());
        };
        perform(flow);
        (&*stream).write_all(&outbox.out)?;
        outbox.sent();
        if flow.next == Next::Close {
            return Ok(());
        }
        input.clear();
        event = match rustix::io::retry_on_intr(|| {
            rustix::io::read(&*stream, spare_capacity(&mut input))
        }) {
            Ok(0) => Event::Eof,
            Ok(_) => Event::Data(&input),
            Err(errno) => return Err(errno.into()),
        };
    }
}

/// Whoever runs the handler does all of its work, whatever its kind: it is the only one here.
fn perform(flow: Flow) {
    match flow.work {
        Work::None => {}
        Work::Wait(time) | Work::Block(time) => thread::sleep(time),
        Work::Cpu(time) => burn(time),
    }
}
