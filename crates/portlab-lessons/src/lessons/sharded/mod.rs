//! Loops that share a port: how the kernel divides clients among them, and what a stalled loop keeps back.

use std::io;

use portlab_lab::Server;
use portlab_sys::sockets::{Socket, State};
use portlab_words::table::columns;

use crate::{
    cast::{
        Client, PATIENCE,
        client::connect_all,
        kernel::{
            accepted, side_of_server, sockets_at, sockets_once, threads_once, threads_shown,
            unread_from, until,
        },
    },
    stage::{Exit, Stage},
};

/// How many loops share the port.
const SHARDS: usize = 4;
/// Two clients for each of them, if clients were dealt like cards.
const FEW: usize = 8;
/// How often so few clients connect. All of them being dealt evenly has a chance of 1 to 18,000.
const ROUNDS: usize = 3;
/// So many that each loop gets a quarter of them, give or take [`SLACK`]. A loop that gets more or less has a chance of 1 to
/// some millions.
const MANY: usize = 1000;
const SLACK: u64 = 75;
/// How many clients come while a loop is stalled. All of them going to one of two loops has a chance of 1 to 500,000.
const LATE: usize = 20;

pub(super) fn play(stage: &mut Stage<'_>) -> Result<(), Exit> {
    let shards = SHARDS.to_string();
    stage.set("few", FEW);
    stage.set("many", MANY);
    stage.set("late", LATE);

    let mut step = stage.step("loops")?;
    let mut server = step.server(&["--model", "sharded", "--workers", &shards])?;
    let port = server.addr().port();
    let listeners = listeners(sockets_at(port)?);
    let threads = threads_once(server.pid(), |them| them.len() == SHARDS)?;
    step.set("pid", server.pid());
    step.set("port", port);
    step.set("listeners", side_of_server(port, &listeners));
    step.set("threads", threads_shown(&threads));
    step.seen("listeners", listeners.len() == SHARDS);
    step.seen("threads", threads.len() == SHARDS);
    step.end()?;

    let mut step = stage.step("few")?;
    let mut rounds = Vec::new();
    for _ in 0..ROUNDS {
        rounds.push(divide(&mut server, FEW)?);
    }
    step.set("rounds", by_shard(&rounds));
    step.seen("all", rounds.iter().all(|it| sum(it) == FEW as u64));
    let even = vec![(FEW / SHARDS) as u64; SHARDS];
    step.seen("uneven", rounds.iter().any(|it| *it != even));
    step.end()?;

    let mut step = stage.step("many")?;
    let divided = divide(&mut server, MANY)?;
    let quarter = (MANY / SHARDS) as u64;
    step.set("divided", by_shard(std::slice::from_ref(&divided)));
    step.set("least", quarter - SLACK);
    step.set("most", quarter + SLACK);
    step.seen(
        "even",
        divided.iter().all(|it| it.abs_diff(quarter) <= SLACK),
    );
    step.end()?;

    let mut step = stage.step("stalled")?;
    let server = step.server(&["--model", "sharded", "--workers", "2", "--work", WORK])?;
    let late = come_late(&server)?;
    let stranded = late.queues.iter().sum::<usize>();
    step.set("queues", late.table);
    step.set("stranded", stranded);
    step.set("taken", late.accepted);
    step.seen("stranded", stranded > 0 && late.queues.contains(&0));
    step.seen(
        "others",
        late.accepted > 0 && late.accepted + stranded == LATE,
    );
    step.end()?;

    let mut step = stage.step("one_queue")?;
    let server = step.server(&["--model", "prefork-loop", "--workers", "2", "--work", WORK])?;
    let late = come_late(&server)?;
    step.set("queue", late.table);
    step.set("all_taken", late.accepted);
    step.seen("one", late.queues.len() == 1);
    step.seen("taken", late.accepted == LATE);
    step.end()
}

/// A handler that is busy until the step has ended.
const WORK: &str = "block:10m";

/// Lets `count` clients connect and close. Returns how many of them each loop has accepted.
fn divide(server: &mut Server, count: usize) -> io::Result<Vec<u64>> {
    let before = server.accepted_by_worker()?;
    // In groups, so that the lesson needs few descriptors.
    for first in (0..count).step_by(AT_ONCE) {
        connect_all(server.addr(), AT_ONCE.min(count - first))?;
    }
    let all = sum(&before) + count as u64;
    let counts = || server.accepted_by_worker();
    let have_come =
        |counts: &io::Result<Vec<u64>>| counts.as_ref().map_or(true, |it| sum(it) == all);
    let after = until(PATIENCE, counts, have_come)?;
    Ok(after
        .iter()
        .zip(before)
        .map(|(after, before)| after - before)
        .collect())
}

const AT_ONCE: usize = 100;

fn sum(counts: &[u64]) -> u64 {
    counts.iter().sum()
}

/// A row for each round: how many clients each loop has accepted.
fn by_shard(rounds: &[Vec<u64>]) -> String {
    let head: [_; SHARDS] = std::array::from_fn(|at| format!("loop-{}", at + 1));
    let row = |counts: &Vec<u64>| -> [_; SHARDS] {
        std::array::from_fn(|at| counts.get(at).map_or_else(String::new, u64::to_string))
    };
    let rows = [head].into_iter().chain(rounds.iter().map(row));
    columns(&rows.collect::<Vec<_>>(), 2)
}

fn listeners(mut sockets: Vec<Socket>) -> Vec<Socket> {
    sockets.retain(|it| it.state == State::Listen);
    sockets
}

/// What became of clients that came while a loop was stalled.
struct Late {
    /// The listening sockets.
    table: String,
    /// How many clients wait in the queue of each of them.
    queues: Vec<usize>,
    /// How many are accepted.
    accepted: usize,
}

/// Stalls one of two loops, and lets [`LATE`] clients connect.
fn come_late(server: &Server) -> io::Result<Late> {
    let (door, port) = (server.addr(), server.addr().port());
    let mut first = Client::connect(door)?;
    first.send("hello")?;
    let own = first.addr()?;
    // The loop has read the word, and is in the handler.
    sockets_once(port, |all| {
        accepted(port, all) == 1 && unread_from(own, all) == 0
    })?;
    let _late = connect_all(door, LATE)?;
    let sockets = sockets_once(port, |all| {
        accepted(port, all) + queues(all).iter().sum::<usize>() == 1 + LATE
    })?;
    let accepted = accepted(port, &sockets).saturating_sub(1);
    let queues = queues(&sockets);
    let table = side_of_server(port, &listeners(sockets));
    Ok(Late {
        table,
        queues,
        accepted,
    })
}

/// How many clients wait in the queue of each listening socket.
fn queues(sockets: &[Socket]) -> Vec<usize> {
    let listeners = sockets.iter().filter(|it| it.state == State::Listen);
    listeners.map(|it| it.unread as usize).collect()
}
