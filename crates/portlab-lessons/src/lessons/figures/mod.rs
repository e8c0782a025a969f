//! Processes, threads and coroutines in figures that are measured during the lesson.
//!
//! Each server runs in a process of its own and is metered from outside; rounds are interleaved, and
//! medians are shown. `portlab compare` does the same with more care.

mod beside;

use std::{io, net::SocketAddr};

use anstyle::Style;
use portlab_lab::Server;
use portlab_sys::meter::{anonymous_bytes, usage};
use portlab_words::{
    Text,
    table::{Span, lay_out},
};

use self::beside::{Measured, side_by_side};
use crate::{
    cast::{
        Client,
        client::{ask_at_once, connect_all},
    },
    stage::{Exit, Seen, Stage},
};

/// The models that stand for processes, threads and coroutines.
const MODELS: [&str; 3] = ["fork", "threads", "tasks-single"];

/// Idle clients per server.
const CLIENTS: usize = 50;
/// How many rounds are measured.
const ROUNDS: usize = 5;
/// Clients per round that connect, send one word and disconnect.
const SHORT: usize = 60;
/// Clients with long connections, and the words of each per round.
const TALKERS: usize = 8;
const WORDS: usize = 100;

pub(super) fn play(stage: &mut Stage<'_>) -> Result<(), Exit> {
    let mut servers = Vec::new();
    for model in MODELS {
        servers.push(stage.server(&["--model", model])?);
    }

    stage.set("clients", CLIENTS);
    let mut step = stage.step("counts")?;
    let before = each(&servers, |it| anonymous_bytes(it.pid()))?;
    let clients = each(&servers, |it| connected(it.addr(), CLIENTS))?;
    let counts = each(&servers, |it| usage(it.pid()))?;
    let after = each(&servers, |it| anonymous_bytes(it.pid()))?;
    drop(clients);
    let head = step.lang().pick(["processes", "threads"], ["进程", "线程"]);
    let rows = counts
        .each_ref()
        .map(|it| [it.processes.to_string(), it.threads.to_string()]);
    step.set("counts", shown(head, rows));
    let clients = CLIENTS as u64;
    step.seen("processes", counts[0].processes == clients + 1);
    let are_threads = (counts[1].processes, counts[1].threads) == (1, clients + 1);
    step.seen("threads", are_threads);
    let is_one_thread = (counts[2].processes, counts[2].threads) == (1, 1);
    step.seen("coroutines", is_one_thread);
    step.end()?;

    let mut step = stage.step("memory")?;
    let per_client = |at: usize| after[at].saturating_sub(before[at]) as f64 / CLIENTS as f64;
    let bytes = [0, 1, 2].map(per_client);
    let head = [step.lang().pick("KiB per client", "每个客户端 KiB")];
    let rows = shown(head, bytes.map(|it| [format!("{:.1}", it / 1024.0)]));
    step.set("memory", rows);
    step.seen("order", Seen::if_shown(is_descending(bytes)));
    step.end()?;

    stage.set("short", ROUNDS * SHORT);
    let mut step = stage.step("births")?;
    let costs = in_turns(&servers, |addr| {
        for _ in 0..SHORT {
            exchange_word(&mut connected(addr, 1)?)?;
        }
        Ok(SHORT)
    })?;
    let cpu = costs.map(|cost| cost.cpu_us);
    let head = [step
        .lang()
        .pick("µs of CPU per client", "每个客户端的 CPU 微秒")];
    step.set("births", shown(head, cpu.map(|it| [format!("{it:.0}")])));
    let is_most = Seen::if_shown(cpu[0] > cpu[1] && cpu[0] > cpu[2]);
    step.seen("processes", is_most);
    step.end()?;

    let switches = messages(stage, &servers)?;
    let measured = Measured {
        bytes,
        cpu_us: cpu,
        switches,
    };
    side_by_side(stage, &servers, &measured)
}

/// Measures the cost of a message on long connections. Returns the switches per message.
fn messages(stage: &mut Stage<'_>, servers: &[Server]) -> Result<[f64; MODELS.len()], Exit> {
    stage.set("sent", ROUNDS * TALKERS * WORDS);
    let mut step = stage.step("messages")?;
    let mut talkers = each(servers, |it| connected(it.addr(), TALKERS))?;
    let mut turns = 0..;
    let costs = in_turns(servers, |_| {
        let turn: usize = turns.next().unwrap_or(0);
        for _ in 0..WORDS {
            exchange_word(&mut talkers[turn % MODELS.len()])?;
        }
        Ok(WORDS * TALKERS)
    })?;
    let head = step.lang().pick(
        ["µs of CPU per message", "switches per message"],
        ["每条消息的 CPU 微秒", "每条消息的切换次数"],
    );
    let rows = costs.map(|it| [format!("{:.1}", it.cpu_us), format!("{:.2}", it.switches)]);
    step.set("messages", shown(head, rows));
    let switches = costs.map(|cost| cost.switches);
    let [fork, threads, tasks] = switches;
    step.seen("fewer", Seen::if_shown(tasks < fork && tasks < threads));
    step.end()?;
    Ok(switches)
}

/// The cost of one unit of work for a server.
#[derive(Clone, Copy, Debug)]
struct Cost {
    cpu_us: f64,
    switches: f64,
}

/// Lets `work` load each server in turn, in several rounds. Returns the cost of a unit of work for each server, the median
/// of the rounds.
fn in_turns(
    servers: &[Server],
    mut work: impl FnMut(SocketAddr) -> io::Result<usize>,
) -> io::Result<[Cost; MODELS.len()]> {
    let mut rounds = MODELS.map(|_| Vec::new());
    for _ in 0..ROUNDS {
        for (server, costs) in servers.iter().zip(&mut rounds) {
            let before = usage(server.pid())?;
            let units = work(server.addr())? as f64;
            let after = usage(server.pid())?;
            let cpu = after.cpu.saturating_sub(before.cpu);
            let switches = after
                .context_switches
                .saturating_sub(before.context_switches);
            costs.push(Cost {
                cpu_us: cpu.as_secs_f64() * 1e6 / units,
                switches: switches as f64 / units,
            });
        }
    }
    Ok(rounds.map(|costs| Cost {
        cpu_us: median(costs.iter().map(|cost| cost.cpu_us)),
        switches: median(costs.iter().map(|cost| cost.switches)),
    }))
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<_> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Connects clients, and lets each exchange a word, which shows that the server has accepted it.
fn connected(addr: SocketAddr, clients: usize) -> io::Result<Vec<Client>> {
    let mut connected = connect_all(addr, clients)?;
    exchange_word(&mut connected)?;
    Ok(connected)
}

/// Each client sends a word, then each receives its echo.
fn exchange_word(clients: &mut [Client]) -> io::Result<()> {
    if ask_at_once(clients, "hello")?.len() == clients.len() {
        return Ok(());
    }
    Err(io::Error::other(Text::new(
        "the server sent no echo, or other bytes than it received",
        "服务端没有发回数据，或者发回的字节和收到的不一样",
    )))
}

/// A value for each server, in the order of [`MODELS`].
fn each<T: std::fmt::Debug>(
    servers: &[Server],
    of: impl FnMut(&Server) -> io::Result<T>,
) -> io::Result<[T; MODELS.len()]> {
    let all: Vec<T> = servers.iter().map(of).collect::<io::Result<_>>()?;
    Ok(all.try_into().expect("there is a server per model"))
}

/// A row of figures per model.
fn shown<const N: usize>(head: [&str; N], rows: [[String; N]; MODELS.len()]) -> String {
    let line = |name: &str, cells: [String; N]| {
        let name = Span::to_the_left(name, Style::new());
        let cells = cells.map(|cell| Span::new(cell, Style::new()));
        [name].into_iter().chain(cells).collect::<Vec<_>>()
    };
    let head = line("", head.map(str::to_owned));
    let rows = MODELS.iter().zip(rows);
    let rows = rows.map(|(name, cells)| line(name, cells));
    let rows: Vec<_> = [head].into_iter().chain(rows).collect();
    lay_out(&rows).trim_end().to_owned()
}

fn is_descending(values: [f64; 3]) -> bool {
    values[0] > values[1] && values[1] > values[2]
}
