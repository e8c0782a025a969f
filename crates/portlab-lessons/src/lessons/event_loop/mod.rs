//! The event loop, and a handler that blocks it.

use std::{io, time::Duration};

use portlab_lab::{Server, ServerError};

use crate::{
    cast::{
        Client,
        client::{are_in_line, ask_at_once, bars, connect_all},
        kernel::{accepted, are_asleep, sockets_once, threads_once, threads_shown},
    },
    stage::{Exit, Stage},
};

/// How many clients the loop serves.
const MANY: usize = 100;
/// How many ask at once while the handler takes its time.
const ASKERS: usize = 5;
/// How long a handler takes.
const BLOCK: Duration = Duration::from_millis(200);
/// The time of all handlers, one after another.
const IN_LINE: Duration = Duration::from_millis(1000);
/// Clients that send nothing, more than there are workers.
const SILENT: usize = 20;

pub(super) fn play(stage: &mut Stage<'_>) -> Result<(), Exit> {
    let mut step = stage.step("hundred")?;
    let server = step.server(&["--model", "event-loop"])?;
    let mut clients = connect_all(server.addr(), MANY)?;
    let port = server.addr().port();
    let sockets = sockets_once(port, |them| accepted(port, them) == MANY)?;
    let answers = ask_at_once(&mut clients, "hello")?;
    let threads = threads_once(server.pid(), are_asleep)?;
    step.set("pid", server.pid());
    step.set("threads", threads_shown(&threads));
    step.set("connections", accepted(port, &sockets));
    step.set("answers", answers.len());
    step.set("all_after", last(&answers).as_millis());
    step.seen("one", threads.len() == 1);
    step.seen("connected", accepted(port, &sockets) == MANY);
    step.seen("answered", answers.len() == MANY);
    step.end()?;

    let mut step = stage.step("blocks")?;
    let server = loop_with(&step, "event-loop", "block:200ms")?;
    let blocked = ask_at_once(&mut connect_all(server.addr(), ASKERS)?, "hello")?;
    step.set("blocked", bars(&blocked, 40));
    step.set("last_blocked", last(&blocked).as_millis());
    step.seen("line", is_in_line(&blocked));
    let in_python = at_the_students_loop(&mut step)?;
    step.seen("python", in_python.as_deref().map(is_in_line));
    let in_python = in_python.unwrap_or_default();
    step.set("last_in_python", last(&in_python).as_millis());
    step.end()?;

    stage.set("in_line", IN_LINE.as_millis());
    let mut step = stage.step("timer")?;
    let server = loop_with(&step, "event-loop", "wait:200ms")?;
    let waited = at_best(&mut connect_all(server.addr(), ASKERS)?)?;
    let threads = threads_once(server.pid(), |them| them.len() == 1)?;
    step.set("waited", bars(&waited, 40));
    step.set("last_waited", last(&waited).as_millis());
    step.seen("together", is_together(&waited));
    step.seen("one", threads.len() == 1);
    step.end()?;

    stage.set("silent", SILENT);
    let mut step = stage.step("jobs")?;
    let server = loop_with(&step, "loop-pool", "block:200ms")?;
    let _silent = connect_all(server.addr(), SILENT)?;
    let on_pool = at_best(&mut connect_all(server.addr(), ASKERS)?)?;
    let threads = threads_once(server.pid(), |them| {
        them.len() == 1 + ASKERS && are_asleep(them)
    })?;
    let port = server.addr().port();
    let sockets = sockets_once(port, |them| accepted(port, them) == SILENT)?;
    step.set("workers", threads_shown(&threads));
    step.set("last_on_pool", last(&on_pool).as_millis());
    step.seen("together", is_together(&on_pool));
    step.seen("workers", threads.len() == 1 + ASKERS);
    step.seen("silent", accepted(port, &sockets) == SILENT);
    step.end()
}

/// A server whose handler takes [`BLOCK`]. If the model has a pool, the pool has a thread for each client that asks.
fn loop_with(stage: &Stage<'_>, model: &str, work: &str) -> Result<Server, ServerError> {
    let workers = ASKERS.to_string();
    let mut options = vec!["--model", model, "--work", work];
    if model == "loop-pool" {
        options.extend(["--workers", &workers]);
    }
    stage.server(&options)
}

/// Whether all clients have their answers, one after another.
fn is_in_line(answers: &[Duration]) -> bool {
    answers.len() == ASKERS && are_in_line(answers, BLOCK)
}

/// Whether all clients have their answers, and sooner than answers one after another can come.
fn is_together(answers: &[Duration]) -> bool {
    answers.len() == ASKERS && last(answers) < IN_LINE
}

/// As [`ask_at_once`], repeated up to five times while the answers take as long as one after another, because a busy machine
/// may be slow. One fast attempt is enough as a proof.
fn at_best(clients: &mut [Client]) -> io::Result<Vec<Duration>> {
    let mut best = ask_at_once(clients, "hello")?;
    for _ in 1..5 {
        if is_together(&best) {
            break;
        }
        best = ask_at_once(clients, "hello")?;
    }
    Ok(best)
}

fn last(answers: &[Duration]) -> Duration {
    answers.last().copied().unwrap_or_default()
}

/// The answers to five clients of the student's loop, whose handler sleeps; `None` without Python.
fn at_the_students_loop(stage: &mut Stage<'_>) -> io::Result<Option<Vec<Duration>>> {
    let Some(server) = stage.student("loop.py", &[])? else {
        return Ok(None);
    };
    let mut clients = connect_all(server.door()?, ASKERS)?;
    ask_at_once(&mut clients, "hello").map(Some)
}
