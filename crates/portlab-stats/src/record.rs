//! The record of a comparison: everything that a report may be made from, as it is stored in
//! `results.json`. Every key carries its unit.

use serde::{Deserialize, Serialize};

/// The version of this form. It changes when a reader of the old one would misread the new one.
pub const FORMAT: &str = "portlab-comparison/1";

/// A whole comparison, or as much of it as has been measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// [`FORMAT`].
    pub format: String,
    /// The version of portlab that measured.
    pub portlab_version: String,
    /// The command that was given.
    pub command: String,
    /// When it began, in seconds since 1970 (UTC).
    pub started_unix_s: u64,
    /// Where it ran.
    pub environment: Environment,
    /// What was to be measured.
    pub setup: Setup,
    /// Whether every round of every cell was measured.
    pub complete: bool,
    /// What was measured, in the order in which it is shown.
    pub cells: Vec<Cell>,
}

/// The machine that a comparison ran on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Environment {
    /// The kernel's release.
    pub kernel: String,
    /// The processor's name.
    pub cpu: String,
    /// Processors that could be used.
    pub cores: usize,
    /// The limit of open files.
    pub open_files_limit: u64,
    /// The longest accept queue.
    pub somaxconn: u32,
    /// The first port of outgoing connections.
    pub port_range_first: u16,
    /// The last one.
    pub port_range_last: u16,
}

/// What is the same for every cell.
///
/// In a chat a *message* is a delivery: a member has heard what another said. One that is said in a
/// room of ten is nine, and that is what the server works for. So figures per message are comparable
/// within a record, and between records of one service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Setup {
    /// What was served: `echo`, or `chat`.
    #[serde(default = "echo")]
    pub service: String,
    /// The rooms that a chat's members were in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rooms: Option<usize>,
    /// The work that a handler did for each message, such as `none` or `wait:5ms`.
    pub work: String,
    /// The length of a message.
    pub size_bytes: usize,
    /// Messages in flight on each connection; in a chat, under way in all rooms together.
    pub depth: usize,
    /// Threads that generated load.
    pub load_threads: usize,
    /// How many rounds were to be measured.
    pub rounds: usize,
    /// How long each cell is measured.
    pub duration_ms: u64,
    /// How long it is loaded before.
    pub warmup_ms: u64,
    /// The seed of the order within each round.
    pub seed: u64,
}

/// What was served when there was nothing else.
fn echo() -> String {
    "echo".to_owned()
}

/// One model at one number of connections.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cell {
    /// The model's name.
    pub model: String,
    /// How many connections were held: in a chat, how many members there were.
    pub connections: usize,
    /// How many workers the model had.
    pub workers: usize,
    /// Why the cell can't be run, if it can't.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_run: Option<String>,
    /// What each round measured, in order of rounds.
    pub rounds: Vec<Round>,
    /// Rounds that failed, with the reason.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failures: Vec<Failed>,
}

/// One measurement: a fresh server process, verified, loaded, metered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Round {
    /// Which round, counted from 1.
    pub round: usize,
    /// Messages answered rightly while measuring; in a chat, deliveries.
    pub messages: u64,
    /// How long was measured.
    pub elapsed_ms: f64,
    /// Messages per second of measured time.
    pub messages_per_s: f64,
    /// How many latencies the quantiles are of: in a chat, of those messages that everybody has heard,
    /// which are far fewer than the deliveries. Absent from older records, where it is `messages`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency_count: Option<u64>,
    /// The median latency; in a chat, of the fan-out: until the last who is to hear a message does.
    pub latency_p50_ns: u64,
    /// The latency that 9 of 10 messages did not exceed.
    pub latency_p90_ns: u64,
    /// The latency that 99 of 100 did not exceed.
    pub latency_p99_ns: u64,
    /// The latency that 999 of 1000 did not exceed.
    pub latency_p999_ns: u64,
    /// The longest latency.
    pub latency_max_ns: u64,
    /// CPU time of the server, all of its processes, per message.
    pub server_cpu_us_per_message: f64,
    /// Context switches of the server per message.
    pub context_switches_per_message: f64,
    /// The server's memory at its largest, shared pages divided among their holders.
    pub peak_pss_bytes: u64,
    /// The server's threads, over all processes.
    pub threads: u64,
    /// The server's processes.
    pub processes: u64,
    /// Errors and answers that never came; in a chat, promises that were not kept too.
    pub errors: u64,
    /// The first of them, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_error: Option<String>,
    /// CPU time of the load generator per message.
    pub generator_cpu_us_per_message: f64,
    /// The share, in `[0, 1]`, of its threads' time that the generator was computing.
    pub generator_cpu_share: f64,
}

/// A measurement that could not be made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failed {
    /// Which round, counted from 1.
    pub round: usize,
    /// Why.
    pub reason: String,
}
