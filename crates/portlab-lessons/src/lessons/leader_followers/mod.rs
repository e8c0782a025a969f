//! Threads that take turns to wait, beside a loop that hands its work over: compared by counts of the kernel.

use std::{fs, io};

use portlab_lab::Server;
use portlab_sys::{sockets::Socket, threads};
use portlab_words::table::columns;

use crate::{
    cast::{
        Client,
        client::connect_all,
        kernel::{are_asleep, queued, side_of_server, sockets_once, threads_once, unread_from},
    },
    stage::{Exit, LessonStep, Stage},
};

/// How many messages a client sends, one after another.
const MESSAGES: u64 = 100;
/// The threads of `leader-followers` by default.
const THREADS: usize = 16;

pub(super) fn play(stage: &mut Stage<'_>) -> Result<(), Exit> {
    stage.set("messages", MESSAGES);
    stage.set("threads", THREADS);

    let mut step = stage.step("handed")?;
    let handed = counted(&step, "loop-pool")?;
    handed.show(&mut step, "loop_pool");
    step.set("wake_ups", handed.writes.unwrap_or(0));
    step.seen("each", handed.writes.map(|writes| writes >= MESSAGES));
    step.end()?;

    let mut step = stage.step("turns")?;
    let turns = counted(&step, "leader-followers")?;
    turns.show(&mut step, "leader_followers");
    let ran = turns.runs.iter().filter(|(_, runs)| *runs > 0).count();
    step.set("ran", ran);
    step.set("slept", THREADS - ran.min(THREADS));
    step.seen("none", turns.writes.map(|writes| writes == 0));
    step.seen("several", ran >= 2);
    step.seen("few", ran <= THREADS / 2);
    step.end()?;

    let mut step = stage.step("claim")?;
    // The handler of the first message ends after the step.
    let options = ["--model", "leader-followers", "--work"];
    let server = step.server(&[&options[..], &["block:30s"]].concat())?;
    let port = server.addr().port();
    let mut client = Client::connect(server.addr())?;
    let own = client.addr()?;
    client.send("one")?;
    let is_read = |all: &[Socket]| is_accepted(all, port) && unread_from(own, all) == 0;
    let sockets = sockets_once(port, is_read)?;
    let is_taken = is_read(&sockets);
    client.send("two")?;
    let sockets = sockets_once(port, |all| unread_from(own, all) == 3)?;
    step.set("unread", side_of_server(port, &sockets));
    step.seen("kept", is_taken && unread_from(own, &sockets) == 3);
    let server = step.server(&[&options[..], &["block:20ms"]].concat())?;
    step.seen("order", answers(&server, ["one", "two"])? == "onetwo");
    step.end()?;

    let mut step = stage.step("all")?;
    let alone = while_all_work(&step, "leader-followers")?;
    let beside = while_all_work(&step, "loop-pool")?;
    step.set("alone", alone.sockets);
    step.set("beside", beside.sockets);
    step.seen("waits", alone.queued == 1);
    step.seen("accepted", beside.queued == 0);
    step.end()
}

/// What a server did for [`MESSAGES`] messages of one client, as the kernel has counted it.
struct Counted {
    /// Calls of `write`; a socket is written to by `sendto`. `None` on a machine whose kernel doesn't count them.
    writes: Option<u64>,
    /// How often each thread began to run, by its name.
    runs: Vec<(String, u64)>,
}

/// Lets a client send its messages, each of which is work for a thread of the model.
fn counted(step: &LessonStep<'_, '_>, model: &str) -> Result<Counted, Exit> {
    let workers = match model {
        "loop-pool" => "2",
        _ => &THREADS.to_string(),
    };
    let options = ["--model", model, "--workers", workers, "--work", "cpu:20us"];
    let server = step.server(&options)?;
    let mut client = Client::connect(server.addr())?;
    // The threads have begun, and sleep.
    exchange(&mut client)?;
    threads_once(server.pid(), are_asleep)?;
    let (writes, runs) = (writes(&server), runs(&server)?);
    for _ in 0..MESSAGES {
        exchange(&mut client)?;
    }
    threads_once(server.pid(), are_asleep)?;
    let after = self::runs(&server)?;
    let during = after.into_iter().map(|(tid, name, all)| {
        let before = runs.iter().find(|(known, ..)| *known == tid);
        (name, all - before.map_or(0, |(.., before)| *before))
    });
    Ok(Counted {
        writes: self::writes(&server)
            .zip(writes)
            .map(|(after, before)| after - before),
        runs: during.collect(),
    })
}

/// Sends two messages, and returns both answers as they came.
fn answers(server: &Server, messages: [&str; 2]) -> io::Result<String> {
    let mut client = Client::connect(server.addr())?;
    for message in messages {
        client.send(message)?;
    }
    let mut received = String::new();
    while received.len() < messages.concat().len() {
        match client.receive()? {
            Some(part) if !part.is_empty() => received += &part,
            _ => break,
        }
    }
    Ok(received)
}

fn exchange(client: &mut Client) -> io::Result<()> {
    client.send("hello")?;
    client.receive().map(drop)
}

/// How many calls of `write` all threads of the server have made (`syscw` in `proc(5)`).
fn writes(server: &Server) -> Option<u64> {
    let counts = fs::read_to_string(format!("/proc/{}/io", server.pid())).ok()?;
    let line = counts.lines().find_map(|line| line.strip_prefix("syscw: "));
    line?.parse().ok()
}

/// The threads of the server: number, name, and how often each has waited.
fn runs(server: &Server) -> io::Result<Vec<(i32, String, u64)>> {
    let pid = server.pid();
    let waits = |tid| {
        let status = fs::read_to_string(format!("/proc/{pid}/task/{tid}/status"));
        let status = status.unwrap_or_default();
        let mut lines = status.lines();
        let count = lines.find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
        count.and_then(|it| it.trim().parse().ok()).unwrap_or(0)
    };
    let all = threads::threads(pid)?.into_iter();
    Ok(all.map(|it| (it.tid, it.name, waits(it.tid))).collect())
}

impl Counted {
    fn show(&self, step: &mut LessonStep<'_, '_>, name: &str) {
        let lang = step.lang();
        let head = [lang.pick("Thread", "线程"), lang.pick("Waits", "等待次数")].map(str::to_owned);
        let (busy, idle): (Vec<_>, Vec<_>) = self.runs.iter().partition(|(_, runs)| *runs > 0);
        let mut rows = vec![head];
        rows.extend(
            busy.iter()
                .map(|(name, runs)| [name.clone(), runs.to_string()]),
        );
        if !idle.is_empty() {
            let others = lang.pick("the other", "其余");
            let threads = lang.pick("threads", "个线程");
            rows.push([format!("{others} {} {threads}", idle.len()), "0".to_owned()]);
        }
        step.set(name, columns(&rows, 2));
    }
}

/// What a client met whose server has each of its two threads in a handler.
struct Met {
    /// How many clients wait to be accepted.
    queued: u32,
    sockets: String,
}

fn while_all_work(step: &LessonStep<'_, '_>, model: &str) -> Result<Met, Exit> {
    // The step ends before the handlers do.
    let server = step.server(&["--model", model, "--workers", "2", "--work", "block:30s"])?;
    let port = server.addr().port();
    let mut asking = connect_all(server.addr(), 2)?;
    let mut addrs = Vec::new();
    for client in &mut asking {
        client.send("hello")?;
        addrs.push(client.addr()?);
    }
    // Both messages have been read, so both handlers run.
    sockets_once(port, |all| {
        is_accepted(all, port) && addrs.iter().all(|&addr| unread_from(addr, all) == 0)
    })?;
    let third = Client::connect(server.addr())?;
    let own = third.addr()?;
    let is_here = |all: &[Socket]| all.iter().any(|it| it.remote == own);
    let wanted = u32::from(model == "leader-followers");
    let sockets = sockets_once(port, |all| is_here(all) && queued(port, all) == wanted)?;
    Ok(Met {
        queued: queued(port, &sockets),
        sockets: side_of_server(port, &sockets),
    })
}

/// Whether no client waits to be accepted.
fn is_accepted(all: &[Socket], port: u16) -> bool {
    queued(port, all) == 0
}
