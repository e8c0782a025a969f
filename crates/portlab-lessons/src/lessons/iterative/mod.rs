//! One client makes an iterative server deaf.

use std::{io, time::Duration};

use portlab_sys::sockets::Socket;

use crate::{
    cast::{
        Client,
        kernel::{
            accepted, are_asleep, queued, side_of_server, sockets_once, threads_once,
            threads_shown, unread_from,
        },
    },
    lesson::{Lesson, Part},
    stage::{Exit, Stage},
};

pub(super) const LESSON: Lesson = Lesson {
    name: "iterative",
    part: Part::Models,
    en: include_str!("en.md"),
    zh: include_str!("zh.md"),
    files: &[
        ("mod.rs", include_str!("mod.rs")),
        ("iterative.py", include_str!("iterative.py")),
    ],
    examples: &[
        ("pid", "4711"),
        ("port", "40231"),
        ("first", "127.0.0.1:51334"),
        ("second", "127.0.0.1:51336"),
        (
            "one",
            "State        Recv-Q  Peer             Process\n\
             LISTEN       0       *                4711/portlab\n\
             ESTABLISHED  0       127.0.0.1:51334  4711/portlab",
        ),
        (
            "waits",
            "State        Recv-Q  Peer             Process\n\
             LISTEN       1       *                4711/portlab\n\
             ESTABLISHED  0       127.0.0.1:51334  4711/portlab\n\
             ESTABLISHED  0       127.0.0.1:51336  -",
        ),
        (
            "unread",
            "State        Recv-Q  Peer             Process\n\
             LISTEN       1       *                4711/portlab\n\
             ESTABLISHED  0       127.0.0.1:51334  4711/portlab\n\
             ESTABLISHED  5       127.0.0.1:51336  -",
        ),
        ("patience", "300"),
        ("answer", "hello"),
        (
            "served",
            "State        Recv-Q  Peer             Process\n\
             LISTEN       0       *                4711/portlab\n\
             ESTABLISHED  0       127.0.0.1:51336  4711/portlab",
        ),
        ("python_answer", "hello"),
        (
            "threads",
            "TID   Name     State\n\
             4720  portlab  S\n\
             4723  portlab  S\n\
             4724  portlab  S",
        ),
        ("main", "4720"),
        ("beside", "hello"),
    ],
    examples_zh: &[],
    play,
};

/// How long an answer is waited for that should not come.
const PATIENCE: Duration = Duration::from_millis(300);

fn play(stage: &mut Stage<'_>) -> Result<(), Exit> {
    stage.set("patience", PATIENCE.as_millis());

    let mut act = stage.step("first")?;
    let server = act.stage().server(&["--model", "iterative"])?;
    let (door, port) = (server.addr(), server.addr().port());
    let first = Client::call(door)?;
    let one = sockets_once(port, |them| accepted(port, them) == 1)?;
    let threads = threads_once(server.pid(), are_asleep)?;
    act.set("pid", server.pid());
    act.set("port", port);
    act.set("first", first.addr()?);
    act.set("one", side_of_server(port, &one));
    act.seen("accepted", accepted(port, &one) == 1);
    act.seen("asleep", threads.len() == 1 && are_asleep(&threads));
    act.end()?;

    let mut act = stage.step("second")?;
    let mut second = Client::call(door)?;
    let waits = sockets_once(port, |them| queued(port, them) == 1)?;
    act.set("second", second.addr()?);
    act.set("waits", side_of_server(port, &waits));
    act.seen("connected", is_established(&second, &waits)?);
    act.seen("queue", queued(port, &waits) == 1);
    act.seen("nobodys", accepted(port, &waits) == 1);
    act.end()?;

    let mut act = stage.step("hello")?;
    second.say("hello")?;
    let heard = second.hear_within(PATIENCE)?;
    let own = second.addr()?;
    let unread = sockets_once(port, |them| unread_from(own, them) == 5)?;
    act.set("unread", side_of_server(port, &unread));
    act.seen("silent", heard.is_none());
    act.seen("kept", unread_from(own, &unread) == 5);
    act.seen("queue", queued(port, &unread) == 1);
    act.end()?;

    let mut act = stage.step("leaves")?;
    drop(first);
    let answer = second.hear()?.unwrap_or_default();
    let served = sockets_once(port, |them| queued(port, them) == 0)?;
    act.set("served", side_of_server(port, &served));
    act.seen("answered", answer == "hello");
    act.set("answer", answer);
    act.seen("queue", queued(port, &served) == 0);
    let in_python = the_same_in_python(act.stage())?;
    act.seen("python", in_python.as_ref().map(|it| it == "hello"));
    act.set("python_answer", in_python.unwrap_or_default());
    act.end()?;

    let mut act = stage.step("threads")?;
    let server = act.stage().server(&["--model", "threads"])?;
    let _silent = Client::call(server.addr())?;
    let mut second = Client::call(server.addr())?;
    second.say("hello")?;
    let answer = second.hear()?.unwrap_or_default();
    let threads = threads_once(server.pid(), |them| them.len() == 3 && are_asleep(them))?;
    act.set("threads", threads_shown(&threads));
    act.set("main", server.pid());
    act.seen("served", answer == "hello");
    act.set("beside", answer);
    act.seen("counted", threads.len() == 3);
    act.end()
}

/// Whether the kernel counts both ends of a client's connection as established.
fn is_established(client: &Client, sockets: &[Socket]) -> io::Result<bool> {
    let own = client.addr()?;
    let ends = sockets
        .iter()
        .filter(|it| it.local == own || it.remote == own);
    Ok(ends.filter(|it| it.state_name() == "ESTABLISHED").count() == 2)
}

/// The student's server: what its second client hears when the first has left, provided that the
/// second was connected and unheard before. `None` when this machine has no Python.
fn the_same_in_python(stage: &mut Stage<'_>) -> io::Result<Option<String>> {
    let Some(server) = stage.student("iterative.py", &[])? else {
        return Ok(None);
    };
    let door = server.door()?;
    let port = door.port();
    let first = Client::call(door)?;
    sockets_once(port, |them| accepted(port, them) == 1)?;
    let mut second = Client::call(door)?;
    second.say("hello")?;
    let own = second.addr()?;
    let is_unheard = |them: &[Socket]| queued(port, them) == 1 && unread_from(own, them) == 5;
    let was_unheard = is_unheard(&sockets_once(port, is_unheard)?);
    drop(first);
    let answer = second.hear()?.unwrap_or_default();
    Ok(Some(answer).filter(|_| was_unheard).or(Some(String::new())))
}
