//! A thread pool whose workers are occupied by silent clients.

use std::{
    io,
    time::{Duration, Instant},
};

use portlab_lab::Server;
use portlab_sys::meter;

use crate::{
    cast::{
        Client,
        client::connect_all,
        kernel::{
            accepted, are_asleep, queued, side_of_server, sockets_once, threads_once,
            threads_shown, unread_from,
        },
    },
    stage::{Exit, LessonStep, Seen, Stage},
};

/// How long to wait for an answer that should not come.
const PATIENCE: Duration = Duration::from_millis(300);

pub(super) fn play(stage: &mut Stage<'_>) -> Result<(), Exit> {
    stage.set("patience", PATIENCE.as_millis());

    let mut step = stage.step("full")?;
    let server = step.server(&["--model", "pool", "--workers", "2"])?;
    let port = server.addr().port();
    let mut silent = connect_all(server.addr(), 2)?;
    let sockets = sockets_once(port, |them| accepted(port, them) == 2)?;
    let threads = threads_once(server.pid(), |them| them.len() == 3 && are_asleep(them))?;
    let workers = threads.iter().filter(|it| it.name.starts_with("pool-"));
    step.set("pid", server.pid());
    step.set("threads", threads_shown(&threads));
    step.seen("accepted", accepted(port, &sockets) == 2);
    step.seen("workers", workers.count() == 2);
    step.seen("asleep", are_asleep(&threads));
    step.end()?;

    let mut step = stage.step("third")?;
    let mut third = Client::connect(server.addr())?;
    step.set("third", third.addr()?);
    let silence = unheard(&mut third, &server)?;
    step.set("waits", silence.sockets);
    step.set("cpu", format!("{:.1}", silence.cpu.as_secs_f64() * 1e3));
    step.seen("silent", silence.is_silent);
    step.seen("kept", silence.is_kept);
    step.seen("queue", silence.is_accepted);
    step.seen("idle", silence.cpu < PATIENCE / 2);
    step.end()?;

    let mut step = stage.step("leaves")?;
    silent.pop();
    let answer = third.receive()?.unwrap_or_default();
    step.seen("answered", answer == "hello");
    step.set("answer", answer);
    step.end()?;

    let mut step = stage.step("more")?;
    let server = step.server(&["--model", "pool", "--workers", "4"])?;
    let _silent = connect_all(server.addr(), 3)?;
    let mut fourth = Client::connect(server.addr())?;
    fourth.send("hello")?;
    let answer = fourth.receive()?.unwrap_or_default();
    // From here on, the fourth client is silent too.
    let mut fifth = Client::connect(server.addr())?;
    let silence = unheard(&mut fifth, &server)?;
    step.seen("helps", answer == "hello");
    step.seen("again", silence.is_silent && silence.is_kept);
    step.set("fourth_answer", answer);
    step.set("more", silence.sockets);
    step.end()?;

    let mut step = stage.step("timeout")?;
    with_an_idle_timeout(&mut step)?;
    step.end()
}

/// The observations while a client got no answer.
struct Silence {
    /// No answer came.
    is_silent: bool,
    /// The client's bytes have come, and the server hasn't read them.
    is_kept: bool,
    /// The client waits in the program, not in the kernel's queue.
    is_accepted: bool,
    /// The processor time that the server used meanwhile.
    cpu: Duration,
    /// The server's side of the port.
    sockets: String,
}

/// Lets `client` send a word to a server whose workers are all occupied.
fn unheard(client: &mut Client, server: &Server) -> io::Result<Silence> {
    let (own, port) = (client.addr()?, server.addr().port());
    client.send("hello")?;
    let sockets = sockets_once(port, |them| {
        unread_from(own, them) == 5 && queued(port, them) == 0
    })?;
    let before = meter::usage(server.pid())?.cpu;
    let heard = client.receive_within(PATIENCE)?;
    Ok(Silence {
        is_silent: heard.is_none(),
        is_kept: unread_from(own, &sockets) == 5,
        is_accepted: queued(port, &sockets) == 0,
        cpu: meter::usage(server.pid())?.cpu.saturating_sub(before),
        sockets: side_of_server(port, &sockets),
    })
}

/// Two silent clients and one that sends, at the student's server, which closes silent connections.
fn with_an_idle_timeout(step: &mut LessonStep<'_, '_>) -> io::Result<()> {
    let Some(server) = step.student("pool.py", &[])? else {
        step.seen("third", Seen::NotHere);
        step.seen("cut", Seen::NotHere);
        return Ok(());
    };
    let door = server.door()?;
    let mut silent = connect_all(door, 2)?;
    let mut third = Client::connect(door)?;
    let since = Instant::now();
    third.send("hello")?;
    let answer = third.receive()?.unwrap_or_default();
    step.set("timeout_after", since.elapsed().as_millis());
    step.seen("third", answer == "hello");
    step.set("timeout_answer", answer);
    let mut are_cut = true;
    for client in &mut silent {
        are_cut &= client.receive()?.as_deref() == Some("");
    }
    step.seen("cut", are_cut);
    Ok(())
}
