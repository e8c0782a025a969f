//! Processes with a loop each and one listener: who accepts, at low load and in a burst, and what a crash ends.

use std::{
    io,
    net::SocketAddr,
    time::{Duration, Instant},
};

use portlab_lab::Server;
use portlab_sys::{
    meter::children,
    process::status,
    sockets::{State, held_by},
    spawn::signal_pid,
    threads::state,
};
use portlab_words::table::columns;
use rustix::process::Signal;

use crate::{
    cast::{
        Client, PATIENCE,
        client::{are_in_line, ask_at_once},
        kernel::{accepted, sockets_at, sockets_once, until},
    },
    stage::{Exit, LessonStep, Seen, Stage},
};

/// The processes with a loop.
const WORKERS: usize = 3;
/// How many clients come.
const CLIENTS: usize = 30;
/// How long a handler takes.
const BLOCK: Duration = Duration::from_millis(20);
/// The time of all handlers, one after another.
const IN_LINE: Duration = Duration::from_millis(600);
/// The least that each worker has after a burst. In equal parts, it would have twice as many.
const LEAST: usize = CLIENTS / WORKERS / 2;

pub(super) fn play(stage: &mut Stage<'_>) -> Result<(), Exit> {
    stage.set("clients", CLIENTS);
    stage.set("block", BLOCK.as_millis());
    stage.set("in_line", IN_LINE.as_millis());
    let server = start(stage)?;
    let workers = workers_of(server.pid())?;
    family(stage, &server, &workers)?;

    let mut step = stage.step("quiet")?;
    let (clients, woken) = one_at_a_time(server.addr(), &workers)?;
    let shares = shares(&workers, server.addr().port(), CLIENTS)?;
    let busiest = busiest(&shares);
    let most = shares[busiest].len();
    let others: u64 = sum_but(busiest, &woken);
    let shown = shares_and_woken(&step, &workers, &shares, &woken);
    step.set("shares", shown);
    step.set("busiest", workers[busiest]);
    step.set("most", most);
    step.set("woken", others);
    step.seen("one", most > CLIENTS * 2 / 3);
    step.seen("slept", others < CLIENTS as u64);
    in_python(&mut step)?;
    step.end()?;

    let mut step = stage.step("full")?;
    let of_busiest = |it: &Client| it.addr().is_ok_and(|it| shares[busiest].contains(&it));
    let (mut own, _others): (Vec<_>, Vec<_>) = clients.into_iter().partition(of_busiest);
    let before = times_woken(&workers);
    let answers = ask_at_once(&mut own, "hello")?;
    let woken = since(&before, &times_woken(&workers));
    let others = sum_but(busiest, &woken);
    step.set("last", answers.last().map_or(0, Duration::as_millis));
    step.set("others_woken", others);
    let is_in_line = answers.len() == most && are_in_line(&answers, BLOCK);
    step.seen("line", is_in_line);
    step.seen("idle", others < WORKERS as u64);
    step.end()?;

    let mut step = stage.step("burst")?;
    let server = start(&step)?;
    let workers = workers_of(server.pid())?;
    let mut burst = Burst::of(&server, &workers)?;
    // A busy machine may be slow. One burst that was shared is enough as a proof.
    for _ in 1..5 {
        if !burst.is_shared() {
            drop(burst);
            burst = Burst::of(&server, &workers)?;
        }
    }
    step.set("bursts", bars(&workers, &burst.shares));
    step.set("after", burst.after.as_millis());
    step.seen("all", burst.shares.iter().all(|it| it.len() >= LEAST));
    step.seen("sooner", burst.after < IN_LINE);
    step.end()?;

    killed(stage, &server, &workers, burst)
}

/// A server of three workers, whose handler takes [`BLOCK`].
fn start(stage: &Stage<'_>) -> Result<Server, Exit> {
    let (workers, work) = (
        WORKERS.to_string(),
        format!("block:{}ms", BLOCK.as_millis()),
    );
    let options = [
        "--model",
        "prefork-loop",
        "--workers",
        &workers,
        "--work",
        &work,
    ];
    Ok(stage.server(&options)?)
}

/// The workers of a server, when all of them wait.
fn workers_of(server: i32) -> io::Result<Vec<i32>> {
    let wait = |found: &io::Result<Vec<i32>>| {
        let found = found.as_ref();
        found.map_or(true, |it| it.len() == WORKERS && are_asleep(it))
    };
    until(PATIENCE, || children(server), wait)
}

fn are_asleep(workers: &[i32]) -> bool {
    workers.iter().all(|&pid| state(pid) == Some('S'))
}

/// The processes, and the listening socket that they share.
fn family(stage: &mut Stage<'_>, server: &Server, workers: &[i32]) -> Result<(), Exit> {
    let mut step = stage.step("family")?;
    let sockets = sockets_at(server.addr().port())?;
    let mut sockets = sockets.iter();
    let listener = sockets.find(|it| it.state == State::Listen);
    let listener = listener.map_or(0, |it| it.inode);
    let all = [&[server.pid()], workers].concat();
    let has_it = |pid: i32| held_by(&[pid]).inodes.contains(&listener);
    let head = ["PID", "PPID", "Listener"].map(str::to_owned);
    let rows = all.iter().map(|&pid| {
        let socket = has_it(pid).then(|| format!("socket:[{listener}]"));
        let ppid = status(pid, "PPid").unwrap_or_default();
        [pid.to_string(), ppid, socket.unwrap_or_default()]
    });
    let rows: Vec<_> = [head].into_iter().chain(rows).collect();
    step.set("family", columns(&rows, 2));
    step.set("pid", server.pid());
    step.set("listener", listener);
    let are_children = rows[2..].iter().all(|it| it[1] == rows[1][0]);
    step.seen("workers", workers.len() == WORKERS && are_children);
    step.seen("shared", all.iter().all(|&pid| has_it(pid)));
    step.end()
}

/// Clients that connect and get an answer, each when all workers wait; and how often each worker was woken for that.
fn one_at_a_time(door: SocketAddr, workers: &[i32]) -> io::Result<(Vec<Client>, Vec<u64>)> {
    let before = times_woken(workers);
    let clients = (0..CLIENTS).map(|_| {
        until(PATIENCE, || are_asleep(workers), |wait| *wait);
        let mut client = Client::connect(door)?;
        client.send("hello")?;
        client.receive()?;
        Ok(client)
    });
    let clients = clients.collect::<io::Result<Vec<_>>>()?;
    until(PATIENCE, || are_asleep(workers), |wait| *wait);
    Ok((clients, since(&before, &times_woken(workers))))
}

/// The addresses of each worker's clients, when all `size` connections have been accepted.
fn shares(workers: &[i32], port: u16, size: usize) -> io::Result<Vec<Vec<SocketAddr>>> {
    let sockets = sockets_once(port, |them| accepted(port, them) == size)?;
    let of_worker = |&pid: &i32| {
        let held = held_by(&[pid]).inodes;
        let own = sockets.iter().filter(|it| it.state == State::Established);
        let own = own.filter(|it| it.local.port() == port && held.contains(&it.inode));
        own.map(|it| it.remote).collect()
    };
    Ok(workers.iter().map(of_worker).collect())
}

/// The place of the worker with the most clients.
fn busiest(shares: &[Vec<SocketAddr>]) -> usize {
    let places = 0..shares.len();
    places.max_by_key(|&at| shares[at].len()).unwrap_or(0)
}

/// How often each process has waited, and was woken.
fn times_woken(workers: &[i32]) -> Vec<u64> {
    let count = |&pid: &i32| status(pid, "voluntary_ctxt_switches")?.parse().ok();
    workers.iter().map(|pid| count(pid).unwrap_or(0)).collect()
}

fn since(before: &[u64], now: &[u64]) -> Vec<u64> {
    let pairs = before.iter().zip(now);
    pairs
        .map(|(before, now)| now.saturating_sub(*before))
        .collect()
}

fn sum_but(place: usize, counts: &[u64]) -> u64 {
    counts.iter().sum::<u64>() - counts[place]
}

fn shares_and_woken(
    stage: &Stage<'_>,
    workers: &[i32],
    shares: &[Vec<SocketAddr>],
    woken: &[u64],
) -> String {
    let head = stage.lang().pick(
        ["PID", "connections", "woken"],
        ["PID", "连接", "被唤醒（次）"],
    );
    let rows = (0..workers.len()).map(|at| {
        let (pid, woken) = (workers[at].to_string(), woken[at].to_string());
        [pid, shares[at].len().to_string(), woken]
    });
    let rows = [head.map(str::to_owned)].into_iter().chain(rows);
    columns(&rows.collect::<Vec<_>>(), 2)
}

/// A bar for each worker's connections.
fn bars(workers: &[i32], shares: &[Vec<SocketAddr>]) -> String {
    let rows = workers.iter().zip(shares).map(|(pid, share)| {
        let bar = "█".repeat(share.len());
        format!("{pid}  {bar} {}", share.len())
    });
    rows.collect::<Vec<_>>().join("\n")
}

/// The same clients at the student's server.
fn in_python(step: &mut LessonStep<'_, '_>) -> io::Result<()> {
    let Some(server) = step.student("prefork.py", &[])? else {
        step.seen("python", Seen::NotHere);
        return Ok(());
    };
    let door = server.door()?;
    let workers = workers_of(server.pid())?;
    let (_clients, _) = one_at_a_time(door, &workers)?;
    let shares = shares(&workers, door.port(), CLIENTS)?;
    let most = shares[busiest(&shares)].len();
    step.set("python_most", most);
    step.seen("python", most > CLIENTS * 2 / 3);
    Ok(())
}

/// Clients that came and asked at the same moment.
struct Burst {
    clients: Vec<Client>,
    shares: Vec<Vec<SocketAddr>>,
    /// When the last answer came.
    after: Duration,
}

impl Burst {
    fn of(server: &Server, workers: &[i32]) -> io::Result<Self> {
        until(PATIENCE, || are_asleep(workers), |wait| *wait);
        let since = Instant::now();
        let clients = (0..CLIENTS).map(|_| {
            let mut client = Client::connect(server.addr())?;
            client.send("hello")?;
            Ok(client)
        });
        let mut clients = clients.collect::<io::Result<Vec<_>>>()?;
        for client in &mut clients {
            client.receive()?;
        }
        let after = since.elapsed();
        let shares = shares(workers, server.addr().port(), CLIENTS)?;
        Ok(Self {
            clients,
            shares,
            after,
        })
    }

    fn is_shared(&self) -> bool {
        self.shares.iter().all(|it| it.len() >= LEAST) && self.after < IN_LINE
    }
}

/// One worker is killed.
fn killed(
    stage: &mut Stage<'_>,
    server: &Server,
    workers: &[i32],
    burst: Burst,
) -> Result<(), Exit> {
    let Burst {
        clients, shares, ..
    } = burst;
    let victim = busiest(&shares);
    stage.set("victim", workers[victim]);
    let mut step = stage.step("killed")?;
    let is_own = |it: &Client| it.addr().is_ok_and(|it| shares[victim].contains(&it));
    let (mut own, mut others): (Vec<_>, Vec<_>) = clients.into_iter().partition(is_own);
    signal_pid(workers[victim], Signal::KILL)?;
    // A reset is an end as well.
    let ends = own.iter_mut().map(Client::receive);
    let has_ended =
        |it: io::Result<Option<String>>| it.map_or(true, |it| it.as_deref() == Some(""));
    let ended = ends.map(has_ended).filter(|it| *it).count();
    let answers = ask_at_once(&mut others, "hello")?.len();
    let is_filled = |found: &io::Result<Vec<i32>>| {
        let found = found.as_ref();
        found.map_or(true, |it| {
            it.len() == WORKERS && !it.contains(&workers[victim])
        })
    };
    let now = until(PATIENCE, || children(server.pid()), is_filled)?;
    let new = now.iter().find(|pid| !workers.contains(pid));
    step.set("ended", ended);
    step.set("answers", answers);
    step.set("new", new.copied().unwrap_or_default());
    step.seen("ended", ended == shares[victim].len());
    step.seen("others", answers == CLIENTS - shares[victim].len());
    step.seen("filled", now.len() == WORKERS && new.is_some());
    step.end()
}
