//! The event loop, and the handler that blocks it.

use std::{io, time::Duration};

use portlab_lab::{Server, ServerError};

use crate::{
    cast::{
        Client,
        client::{are_in_line, ask_at_once, bars, crowd},
        kernel::{accepted, are_asleep, sockets_once, threads_once, threads_shown},
    },
    lesson::{Lesson, Part},
    stage::{Exit, Stage},
};

pub(super) const LESSON: Lesson = Lesson {
    name: "event-loop",
    part: Part::Models,
    en: include_str!("en.md"),
    zh: include_str!("zh.md"),
    files: &[
        ("mod.rs", include_str!("mod.rs")),
        ("loop.py", include_str!("loop.py")),
    ],
    examples: &[
        ("pid", "4711"),
        ("threads", "TID   Name     State\n4711  portlab  S"),
        ("connections", "100"),
        ("answers", "100"),
        ("all_after", "4"),
        (
            "blocked",
            "1  ████████ 203 ms\n\
             2  ████████████████ 405 ms\n\
             3  ████████████████████████ 606 ms\n\
             4  ████████████████████████████████ 807 ms\n\
             5  ████████████████████████████████████████ 1009 ms",
        ),
        ("last_blocked", "1009"),
        ("in_line", "1000"),
        ("last_in_python", "1007"),
        (
            "waited",
            "1  ████████████████████████████████████████ 203 ms\n\
             2  ████████████████████████████████████████ 203 ms\n\
             3  ████████████████████████████████████████ 204 ms\n\
             4  ████████████████████████████████████████ 204 ms\n\
             5  ████████████████████████████████████████ 204 ms",
        ),
        ("last_waited", "204"),
        (
            "crew",
            "TID   Name     State\n\
             4732  portlab  S\n\
             4734  pool-0   S\n\
             4735  pool-1   S\n\
             4736  pool-2   S\n\
             4737  pool-3   S\n\
             4738  pool-4   S",
        ),
        ("last_on_pool", "205"),
        ("silent", "20"),
    ],
    examples_zh: &[],
    play,
};

/// How many clients one loop serves.
const MANY: usize = 100;
/// How many ask at once while the handler takes its time.
const ASKERS: usize = 5;
/// How long a handler takes.
const BLOCK: Duration = Duration::from_millis(200);
/// All of those, one after the other.
const IN_LINE: Duration = Duration::from_millis(1000);
/// Clients who say nothing, more than there are workers.
const SILENT: usize = 20;

fn play(stage: &mut Stage<'_>) -> Result<(), Exit> {
    let mut act = stage.step("hundred")?;
    let server = act.stage().server(&["--model", "event-loop"])?;
    let mut clients = crowd(server.addr(), MANY)?;
    let port = server.addr().port();
    let sockets = sockets_once(port, |them| accepted(port, them) == MANY)?;
    let answers = ask_at_once(&mut clients, "hello")?;
    let threads = threads_once(server.pid(), are_asleep)?;
    act.set("pid", server.pid());
    act.set("threads", threads_shown(&threads));
    act.set("connections", accepted(port, &sockets));
    act.set("answers", answers.len());
    act.set("all_after", last(&answers).as_millis());
    act.seen("one", threads.len() == 1);
    act.seen("connected", accepted(port, &sockets) == MANY);
    act.seen("answered", answers.len() == MANY);
    act.end()?;

    let mut act = stage.step("blocks")?;
    let server = loop_with(act.stage(), "event-loop", "block:200ms")?;
    let blocked = ask_at_once(&mut crowd(server.addr(), ASKERS)?, "hello")?;
    act.set("blocked", bars(&blocked, 40));
    act.set("last_blocked", last(&blocked).as_millis());
    act.seen("line", is_in_line(&blocked));
    let in_python = at_the_students_loop(act.stage())?;
    act.seen("python", in_python.as_deref().map(is_in_line));
    let in_python = in_python.unwrap_or_default();
    act.set("last_in_python", last(&in_python).as_millis());
    act.end()?;

    stage.set("in_line", IN_LINE.as_millis());
    let mut act = stage.step("timer")?;
    let server = loop_with(act.stage(), "event-loop", "wait:200ms")?;
    let waited = at_best(&mut crowd(server.addr(), ASKERS)?)?;
    let threads = threads_once(server.pid(), |them| them.len() == 1)?;
    act.set("waited", bars(&waited, 40));
    act.set("last_waited", last(&waited).as_millis());
    act.seen("together", is_together(&waited));
    act.seen("one", threads.len() == 1);
    act.end()?;

    stage.set("silent", SILENT);
    let mut act = stage.step("jobs")?;
    let server = loop_with(act.stage(), "loop-pool", "block:200ms")?;
    let _silent = crowd(server.addr(), SILENT)?;
    let on_pool = at_best(&mut crowd(server.addr(), ASKERS)?)?;
    let threads = threads_once(server.pid(), |them| {
        them.len() == 1 + ASKERS && are_asleep(them)
    })?;
    let port = server.addr().port();
    let sockets = sockets_once(port, |them| accepted(port, them) == SILENT)?;
    act.set("crew", threads_shown(&threads));
    act.set("last_on_pool", last(&on_pool).as_millis());
    act.seen("together", is_together(&on_pool));
    act.seen("crew", threads.len() == 1 + ASKERS);
    act.seen("silent", accepted(port, &sockets) == SILENT);
    act.end()
}

/// A server whose handler takes its time; a pool, where there is one, has a thread for each who asks.
fn loop_with(stage: &Stage<'_>, model: &str, work: &str) -> Result<Server, ServerError> {
    let workers = ASKERS.to_string();
    let mut options = vec!["--model", model, "--work", work];
    if model == "loop-pool" {
        options.extend(["--workers", &workers]);
    }
    stage.server(&options)
}

/// Whether all who asked have their answers, and stood in line for them.
fn is_in_line(answers: &[Duration]) -> bool {
    answers.len() == ASKERS && are_in_line(answers, BLOCK)
}

/// Whether all have their answers, the last one sooner than any line would have let it.
fn is_together(answers: &[Duration]) -> bool {
    answers.len() == ASKERS && last(answers) < IN_LINE
}

/// As [`ask_at_once`], but again when that took as long as a line would, as it does when a busy machine
/// stalls; five times at most. Once together is proof enough: in line it can't be so.
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

/// Five clients at the student's loop, whose handler sleeps; `None` when there is no Python.
fn at_the_students_loop(stage: &mut Stage<'_>) -> io::Result<Option<Vec<Duration>>> {
    let Some(server) = stage.student("loop.py", &[])? else {
        return Ok(None);
    };
    let mut clients = crowd(server.door()?, ASKERS)?;
    ask_at_once(&mut clients, "hello").map(Some)
}
