//! Small records in which findings and cautions are tried.

use portlab_stats::{
    fixture::{cell, record, with_rounds},
    measure::Measure,
    record::{Cell, Counts, Failed, NotRun, Pinning, Rate, Record, Round, Workload},
};
use portlab_words::Text;

/// Costs of a server that may need half or twice as much as one of 4 µs.
pub(super) const UNSURE: [f64; 7] = [2.0, 8.0, 4.1, 3.0, 9.0, 4.4, 3.9];

/// `cell` with `change` in the first rounds.
pub(super) fn first(many: usize, mut cell: Cell, change: impl Fn(&mut Round)) -> Cell {
    cell.rounds[..many].iter_mut().for_each(change);
    cell
}

/// A record of `cells` with `change` in each round.
pub(super) fn with(cells: Vec<Cell>, change: impl Fn(&mut Round)) -> Record {
    let cells = cells.into_iter().map(|cell| with_rounds(cell, &change));
    record(cells.collect())
}

/// A record of `cells` with `change` in its workload.
pub(super) fn of(cells: Vec<Cell>, change: impl Fn(&mut Workload)) -> Record {
    let mut record = record(cells);
    change(&mut record.workloads[0]);
    record
}

pub(super) fn ranked_by(measure: Measure, cells: Vec<Cell>) -> Record {
    of(cells, |workload| workload.ranked_by = measure)
}

/// A record of servers, each with what a message costs, measured so often.
pub(super) fn costing(rounds: usize, servers: &[(&str, f64)]) -> Record {
    let cells = servers.iter();
    record(
        cells
            .map(|(name, us)| cell(name, &vec![*us; rounds]))
            .collect(),
    )
}

/// The same at several numbers of connections, in seven rounds.
pub(super) fn sweeping(points: &[(usize, &[(&str, f64)])]) -> Record {
    let cells = points.iter().flat_map(|(connections, servers)| {
        let cells = servers.iter();
        cells.map(|(name, us)| at(*connections, cell(name, &[*us; 7])))
    });
    record(cells.collect())
}

pub(super) fn pair(a: f64, b: f64, rounds: usize) -> Vec<Cell> {
    vec![cell("a", &vec![a; rounds]), cell("b", &vec![b; rounds])]
}

pub(super) fn at(connections: usize, mut cell: Cell) -> Cell {
    cell.point.connections = connections;
    cell
}

/// A server that serves so few connections at a time that it was not run.
pub(super) fn starved(model: &str, places: usize) -> Cell {
    let why = match places {
        1 => NotRun::ServesOne,
        more => NotRun::ServesFewer(more),
    };
    Cell {
        not_run: Some(why),
        ..cell(model, &[])
    }
}

/// A server that was measured in some rounds and failed in others.
pub(super) fn failing(model: &str, measured: usize, failed: usize) -> Cell {
    let failure = |round| Failed {
        round: round + 9,
        reason: Text::new("no answer.", "没有应答。"),
        unmetered: None,
    };
    Cell {
        failures: (0..failed).map(failure).collect(),
        ..cell(model, &vec![4.0; measured])
    }
}

/// `cell`, which makes so many context switches per message.
pub(super) fn switching(cell: Cell, switches: f64) -> Cell {
    with_rounds(cell, |round| {
        round.context_switches_per_message = Some(switches);
    })
}

/// Four servers with these context switches per message.
pub(super) fn switched(switches: [f64; 4], rounds: usize) -> Record {
    let named = [("a", 4.0), ("b", 4.1), ("c", 7.0), ("d", 7.6)];
    let cells = named.into_iter().zip(switches);
    let cells = cells.map(|((name, us), many)| switching(cell(name, &vec![us; rounds]), many));
    record(cells.collect())
}

/// A server in an open loop: so many messages were due in a second, and so many were answered.
pub(super) fn open(model: &str, (due, answered): (f64, f64), unsent: u64, rounds: usize) -> Cell {
    let mut cell = with_rounds(cell(model, &vec![4.0; rounds]), |round| {
        round.offered_per_s = Some(due);
        round.messages_per_s = answered;
        round.messages = (answered * round.elapsed_ms / 1e3) as u64;
        (round.due_not_sent, round.pacing_lag_p99_ns) = (Some(unsent), Some(10));
    });
    cell.point.rate = Some(Rate::PerS(due));
    cell
}

/// A server with so many workers that answered so many messages a second, round by round.
pub(super) fn answering(model: &str, workers: usize, rates: &[f64]) -> Cell {
    let mut cell = cell(model, &vec![9.0; rates.len()]);
    cell.workers = workers;
    for (round, rate) in cell.rounds.iter_mut().zip(rates) {
        round.messages_per_s = *rate;
    }
    cell
}

/// Servers whose handlers do `work`.
pub(super) fn handling(work: &str, cells: Vec<Cell>) -> Record {
    of(cells, |workload| workload.work = work.into())
}

/// Servers with short connections.
pub(super) fn short(cells: Vec<Cell>) -> Record {
    of(cells, |workload| workload.counts = Counts::Connections)
}

/// `cell`, whose p99 is so many microseconds where its p50 is 1,000, with so many workers.
pub(super) fn tailed(cell: Cell, p99_us: u64, workers: usize) -> Cell {
    let cell = with_rounds(cell, |round| {
        round.latency_p50_ns = 1_000_000;
        round.latency_p99_ns = p99_us * 1_000;
    });
    Cell { workers, ..cell }
}

/// `cell`, which needs so much memory for each of 100 connections, with so many threads and processes.
pub(super) fn heavy(cell: Cell, kib_each: u64, threads: u64, processes: u64) -> Cell {
    with_rounds(cell, |round| {
        round.peak_pss_bytes = 1_000_000 + kib_each * 1024 * 100;
        (round.threads, round.processes) = (threads, processes);
    })
}

/// `cell`, whose heavy connection gets so many messages a second, and whose 99 others get 1,000 each and wait so long.
pub(super) fn sharing(cell: Cell, heavy_per_s: f64, p99_us: u64) -> Cell {
    with_rounds(cell, |round| {
        round.heavy_messages_per_s = Some(heavy_per_s);
        round.messages_per_s = 99_000.0;
        round.latency_p99_ns = p99_us * 1_000;
    })
}

/// The lightest server, and others that need more, in three rounds.
pub(super) fn weighed(others: &[(&str, u64, u64, u64)]) -> Record {
    let light = heavy(cell("event-loop", &[4.0; 3]), 1, 1, 1);
    let others = others.iter();
    let others = others.map(|&(model, kib, threads, processes)| {
        heavy(cell(model, &[9.0; 3]), kib, threads, processes)
    });
    record([light].into_iter().chain(others).collect())
}

pub(super) fn named(kernel: &str) -> Record {
    let mut record = record(pair(4.0, 9.0, 7));
    record.environment.kernel = kernel.into();
    record
}

pub(super) fn pinned(pinning: Pinning) -> Record {
    let mut record = record(pair(4.0, 9.0, 7));
    record.environment.pinning = pinning;
    record
}

/// Servers and generator each on processors of their own.
pub(super) fn apart(server_cpus: usize) -> Pinning {
    Pinning::Apart {
        server_cpus: (0..server_cpus).collect(),
        generator_cpus: vec![9],
    }
}

pub(super) fn ended(complete: bool, cells: Vec<Cell>) -> Record {
    Record {
        complete,
        ..record(cells)
    }
}
