//! Readiness against completion: the system calls for fifty messages, and whose buffers a request uses.

use std::{cell::RefCell, io};

use portlab_sys::{
    calls::{self, Calls},
    meter::anonymous_bytes,
    uring::{Options, Uring, uring},
};

use crate::{
    cast::{
        Client,
        client::{ask_at_once, connect_all},
        kernel::{accepted, sockets_once},
    },
    stage::{Exit, Stage},
};

/// How many clients send at once.
const MANY: usize = 50;
/// How many clients send nothing.
const SILENT: usize = 300;

pub(super) fn play(stage: &mut Stage<'_>) -> Result<(), Exit> {
    let options = Options::default();
    let may_use_uring = uring() == Uring::Ready;
    stage.set("many", MANY);
    stage.set("silent", SILENT);
    stage.set("buffers", options.buffers);
    stage.set("buffer", options.buffer_bytes);

    let mut step = stage.step("ready")?;
    let calls = calls_of(&step, "event-loop")?;
    let of = |name| count(calls.as_ref(), name);
    step.set("calls", shown(calls.as_ref()));
    step.set("received", of("recvfrom"));
    step.set("sent", of("sendto"));
    let is_two_each = calls
        .is_some()
        .then(|| of("recvfrom") >= MANY && of("sendto") >= MANY);
    step.seen("two", is_two_each);
    step.end()?;

    let mut step = stage.step("done")?;
    let calls = match may_use_uring {
        true => calls_of(&step, "uring")?,
        false => None,
    };
    let all: usize = calls.iter().flat_map(|it| it.values()).sum();
    step.set("calls_by_ring", shown(calls.as_ref()));
    step.set("all_by_ring", all);
    step.set("enters", count(calls.as_ref(), "io_uring_enter"));
    step.seen("few", calls.is_some().then_some(all < MANY / 4));
    step.end()?;

    let mut step = stage.step("buffers")?;
    let per_connection = match may_use_uring {
        true => Some(memory_of_silent_clients(&step)?),
        false => None,
    };
    step.set("per_connection", per_connection.unwrap_or_default());
    let is_less = |bytes: u64| bytes < u64::from(options.buffer_bytes);
    step.seen("less", per_connection.map(is_less));
    step.end()
}

/// The system calls of a server of `model` for [`MANY`] messages that are there at once; `None` if this machine doesn't allow
/// to look at them.
fn calls_of(stage: &Stage<'_>, model: &str) -> Result<Option<Calls>, Exit> {
    let server = stage.server(&["--model", model])?;
    let mut clients = connect_all(server.addr(), MANY)?;
    // After an answer, the connection is accepted.
    ask_at_once(&mut clients, "first")?;
    let clients = RefCell::new(clients);
    let each =
        |act: fn(&mut Client) -> io::Result<()>| clients.borrow_mut().iter_mut().try_for_each(act);
    let mut sent = Ok(());
    let counted = calls::count(
        server.pid(),
        || sent = each(|client| client.send("hello")),
        || each(|client| client.receive().map(drop)),
    );
    Ok(match counted {
        Ok((received, calls)) => {
            sent.and(received)?;
            Some(calls)
        }
        Err(_) => None,
    })
}

/// How many bytes of memory the server of completions has taken for each of [`SILENT`] clients.
fn memory_of_silent_clients(stage: &Stage<'_>) -> Result<u64, Exit> {
    let server = stage.server(&["--model", "uring"])?;
    // What the first connection allocates is there for the others, too.
    ask_at_once(&mut connect_all(server.addr(), 1)?, "first")?;
    let before = anonymous_bytes(server.pid())?;
    let _silent = connect_all(server.addr(), SILENT)?;
    let port = server.addr().port();
    sockets_once(port, |them| accepted(port, them) >= SILENT)?;
    let grown = anonymous_bytes(server.pid())?.saturating_sub(before);
    Ok(grown / SILENT as u64)
}

fn count(calls: Option<&Calls>, name: &str) -> usize {
    let count = calls.and_then(|calls| calls.get(name));
    count.copied().unwrap_or_default()
}

/// A line for each call, those that were made most often first.
fn shown(calls: Option<&Calls>) -> String {
    let mut lines: Vec<_> = calls.into_iter().flatten().collect();
    lines.sort_by_key(|(name, count)| (usize::MAX - **count, **name));
    let line = |(name, count): (&&str, &usize)| format!("{name:<16} {count:>4}\n");
    lines
        .into_iter()
        .map(line)
        .collect::<String>()
        .trim_end()
        .to_owned()
}
