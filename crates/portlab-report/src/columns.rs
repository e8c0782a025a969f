//! What the table shows.

use portlab_stats::{
    record::{Cell, Round, Setup},
    summary::Measure,
    units,
};

/// One column of figures.
pub(crate) struct Column {
    title: &'static str,
    /// The title in a chat, where a message is a delivery and a latency is a fan-out.
    in_a_chat: &'static str,
    pub(crate) measure: Measure,
    pub(crate) better: Better,
    pub(crate) write: fn(f64) -> String,
    /// Whether it says nothing about the server when the generator was the limit.
    pub(crate) is_the_generators: bool,
    /// When there is no room for all columns, the one with the lowest rank goes first.
    pub(crate) rank: u8,
}

impl Column {
    /// The title in a table of what `setup` says.
    pub(crate) fn title(&self, setup: &Setup) -> &'static str {
        if is_chat(setup) {
            self.in_a_chat
        } else {
            self.title
        }
    }

    /// Whether it is the rate, behind which it is shown that the generator was the limit.
    pub(crate) fn is_the_rate(&self) -> bool {
        self.title == RATE.title
    }
}

/// Whether the members of a chat were the load.
pub(crate) fn is_chat(setup: &Setup) -> bool {
    setup.service == "chat"
}

/// Which of two figures is the better one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Better {
    Lower,
    Higher,
    /// Neither: it is a fact.
    Neither,
}

/// The columns, from left to right.
pub(crate) static COLUMNS: &[Column] = &[
    RATE,
    Column {
        title: "p50",
        in_a_chat: "fan-out p50",
        measure: |round| round.latency_p50_ns as f64,
        better: Better::Lower,
        write: units::nanos,
        is_the_generators: true,
        rank: 5,
    },
    Column {
        title: "p99",
        in_a_chat: "fan-out p99",
        measure: |round| quantile(round, 100, round.latency_p99_ns),
        better: Better::Lower,
        write: units::nanos,
        is_the_generators: true,
        rank: 8,
    },
    Column {
        title: "p99.9",
        in_a_chat: "fan-out p99.9",
        measure: |round| quantile(round, 1_000, round.latency_p999_ns),
        better: Better::Lower,
        write: units::nanos,
        is_the_generators: true,
        rank: 3,
    },
    CPU,
    Column {
        title: "switches",
        in_a_chat: "switches",
        measure: |round| round.context_switches_per_message,
        better: Better::Lower,
        write: units::three_digits,
        is_the_generators: false,
        rank: 6,
    },
    Column {
        title: "memory",
        in_a_chat: "memory",
        measure: |round| round.peak_pss_bytes as f64,
        better: Better::Lower,
        write: units::bytes,
        is_the_generators: false,
        rank: 7,
    },
    Column {
        title: "threads",
        in_a_chat: "threads",
        measure: |round| round.threads as f64,
        better: Better::Neither,
        write: |count| format!("{count:.0}"),
        is_the_generators: false,
        rank: 2,
    },
    Column {
        title: "procs",
        in_a_chat: "procs",
        measure: |round| round.processes as f64,
        better: Better::Neither,
        write: |count| format!("{count:.0}"),
        is_the_generators: false,
        rank: 1,
    },
];

/// What was dealt with per second.
pub(crate) const RATE: Column = Column {
    title: "msgs/s",
    in_a_chat: "deliveries/s",
    measure: |round| round.messages_per_s,
    better: Better::Higher,
    write: units::short,
    is_the_generators: true,
    rank: 9,
};

/// The column that a ranking goes by.
pub(crate) const CPU: Column = Column {
    title: "CPU/msg",
    in_a_chat: "CPU/delivery",
    measure: |round| round.server_cpu_us_per_message,
    better: Better::Lower,
    write: |micros| units::nanos(micros * 1e3),
    is_the_generators: false,
    rank: 10,
};

/// A quantile, unless there were fewer than `least` latencies to take it from: then it would be the
/// longest latency under another name.
fn quantile(round: &Round, least: u64, nanos: u64) -> f64 {
    if round.latency_count.unwrap_or(round.messages) < least {
        f64::NAN
    } else {
        nanos as f64
    }
}

/// How much went wrong in all rounds of a cell.
pub(crate) fn errors(cell: &Cell) -> u64 {
    cell.rounds.iter().map(|round| round.errors).sum()
}
