//! One silent client stops an iterative server.

use std::{io, time::Duration};

use portlab_sys::sockets::Socket;

use crate::{
    cast::{
        Client, Ends,
        kernel::{
            accepted, are_asleep, queued, side_of_server, sockets_once, threads_once,
            threads_shown, unread_from,
        },
    },
    stage::{Exit, Stage},
};

/// How long to wait for an answer that should not come.
const PATIENCE: Duration = Duration::from_millis(300);

pub(super) fn play(stage: &mut Stage<'_>) -> Result<(), Exit> {
    stage.set("patience", PATIENCE.as_millis());

    let mut step = stage.step("first")?;
    let server = step.server(&["--model", "iterative"])?;
    let (door, port) = (server.addr(), server.addr().port());
    let first = Client::connect(door)?;
    let one = sockets_once(port, |them| accepted(port, them) == 1)?;
    let threads = threads_once(server.pid(), are_asleep)?;
    step.set("pid", server.pid());
    step.set("port", port);
    step.set("first", first.addr()?);
    step.set("one", side_of_server(port, &one));
    step.seen("accepted", accepted(port, &one) == 1);
    step.seen("asleep", threads.len() == 1 && are_asleep(&threads));
    step.end()?;

    let mut step = stage.step("second")?;
    let mut second = Client::connect(door)?;
    let waits = sockets_once(port, |them| queued(port, them) == 1)?;
    step.set("second", second.addr()?);
    step.set("waits", side_of_server(port, &waits));
    let ends = Ends {
        server: door,
        client: second.addr()?,
    };
    let states = ends.states(&waits);
    step.seen("connected", states == [Some("ESTABLISHED"); 2]);
    step.seen("queue", queued(port, &waits) == 1);
    step.seen("no_process", accepted(port, &waits) == 1);
    step.end()?;

    let mut step = stage.step("hello")?;
    second.send("hello")?;
    let heard = second.receive_within(PATIENCE)?;
    let own = second.addr()?;
    let unread = sockets_once(port, |them| unread_from(own, them) == 5)?;
    step.set("unread", side_of_server(port, &unread));
    step.seen("silent", heard.is_none());
    step.seen("kept", unread_from(own, &unread) == 5);
    step.seen("queue", queued(port, &unread) == 1);
    step.end()?;

    let mut step = stage.step("leaves")?;
    drop(first);
    let answer = second.receive()?.unwrap_or_default();
    let served = sockets_once(port, |them| queued(port, them) == 0)?;
    step.set("served", side_of_server(port, &served));
    step.seen("answered", answer == "hello");
    step.set("answer", answer);
    step.seen("queue", queued(port, &served) == 0);
    let in_python = the_same_in_python(&mut step)?;
    step.printed("python", "python_answer", in_python, |it| it == "hello");
    step.end()?;

    let mut step = stage.step("threads")?;
    let server = step.server(&["--model", "threads"])?;
    let _silent = Client::connect(server.addr())?;
    let mut second = Client::connect(server.addr())?;
    second.send("hello")?;
    let answer = second.receive()?.unwrap_or_default();
    let threads = threads_once(server.pid(), |them| them.len() == 3 && are_asleep(them))?;
    step.set("threads", threads_shown(&threads));
    step.set("main", server.pid());
    step.seen("served", answer == "hello");
    step.set("beside", answer);
    step.seen("counted", threads.len() == 3);
    step.end()
}

/// The word that the second client of the student's server receives after the first has left; empty if the second client
/// was not seen waiting before. `None` without Python.
fn the_same_in_python(stage: &mut Stage<'_>) -> io::Result<Option<String>> {
    let Some(server) = stage.student("iterative.py", &[])? else {
        return Ok(None);
    };
    let door = server.door()?;
    let port = door.port();
    let first = Client::connect(door)?;
    sockets_once(port, |them| accepted(port, them) == 1)?;
    let mut second = Client::connect(door)?;
    second.send("hello")?;
    let own = second.addr()?;
    let is_waiting = |them: &[Socket]| queued(port, them) == 1 && unread_from(own, them) == 5;
    let was_waiting = is_waiting(&sockets_once(port, is_waiting)?);
    drop(first);
    let answer = second.receive()?.unwrap_or_default();
    Ok(Some(answer).filter(|_| was_waiting).or(Some(String::new())))
}
