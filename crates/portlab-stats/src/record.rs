//! The record of a comparison: everything that a report may be made from, as it is stored in
//! `results.json`. Every key carries its unit.

use portlab_words::Text;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

use crate::measure::Measure;

/// The version of this form. It changes when a reader of the old one would misread the new one;
/// [`read`](crate::read::read) reads the older ones too.
pub const FORMAT: &str = "portlab-comparison/4";

/// A whole comparison, or as much of it as has been measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
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
    /// What is the same for all cells.
    pub setup: Setup,
    /// The entrants, in the order in which they are shown.
    pub entrants: Vec<Entrant>,
    /// The workloads, in the order in which they are shown.
    pub workloads: Vec<Workload>,
    /// Whether each round of each cell was measured, unless its entrant was given up.
    pub complete: bool,
    /// What was measured, in the order in which it is shown.
    pub cells: Vec<Cell>,
    /// What the threads of each entrant did for some milliseconds.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub timelines: Vec<Timeline>,
}

/// The machine that a comparison ran on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Environment {
    /// The kernel's release.
    pub kernel: String,
    /// The processor's name.
    pub cpu: String,
    /// Processors that could be used.
    pub cores: usize,
    /// Which of them server and generator were kept to; or why they were not.
    #[serde(default)]
    pub pinning: Pinning,
    /// The limit of open files.
    pub open_files_limit: u64,
    /// The longest accept queue; 0 when the system didn't tell.
    pub somaxconn: u32,
    /// The first port of outgoing connections.
    pub port_range_first: u16,
    /// The last one.
    pub port_range_last: u16,
}

/// Whether server and generator were kept apart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Pinning {
    /// They were, each on processors of its own, by number.
    Apart {
        /// The server's.
        server_cpus: Vec<usize>,
        /// The generator's.
        generator_cpus: Vec<usize>,
    },
    /// They shared all of them, for this reason.
    Together(Together),
}

/// Why server and generator shared their processors.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Together {
    /// The command said `--pin off`.
    OnRequest,
    /// Only one core may be used.
    OneCore,
    /// The version of portlab that measured didn't pin. Older records don't say more.
    #[default]
    NotYet,
    /// The system refused, with this message.
    Refused(String),
    /// The words of an older record.
    #[serde(untagged)]
    Told(String),
}

impl Default for Pinning {
    fn default() -> Self {
        Self::Together(Together::default())
    }
}

/// What is the same for every cell.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Setup {
    /// The suite that was chosen, if one was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suite: Option<String>,
    /// How many rounds were to be measured.
    pub rounds: usize,
    /// Threads that generated load.
    pub load_threads: usize,
    /// The seed of the order within each round, and of the arrivals of its open loops.
    pub seed: u64,
    /// The entrant that the others are put in relation to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baseline: Option<String>,
}

/// A server that takes part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Entrant {
    /// The name in the table.
    pub name: String,
    /// What it is.
    pub kind: Kind,
    /// The fact sheet of a model of portlab's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sheet: Option<Facts>,
}

/// What an entrant is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A model of portlab's.
    Model,
    /// A model's textbook twin, an echo without the traits: shown, and not ranked.
    Control,
    /// The same model as another entrant, under a second name: what these two differ by is the
    /// noise of the run.
    Twin {
        /// The other one.
        of: String,
    },
    /// A model of another build of portlab, beside the same model of this one: shown, and not ranked.
    Build {
        /// The entrant of this build.
        of: String,
        /// The other build's file.
        program: String,
        /// The other build's version.
        version: String,
    },
    /// A foreign server, started by this command.
    Foreign {
        /// The command; `{port}` stands for the port.
        command: String,
    },
}

impl Kind {
    /// Whether it is compared with others and ranked, as models and foreign servers are.
    pub fn takes_part(&self) -> bool {
        matches!(self, Self::Model | Self::Foreign { .. })
    }
}

/// A model's fact sheet, as it was when it was measured. Older records have it in English only: each fact a string.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Facts {
    /// The family, such as `threads`.
    #[serde(deserialize_with = "text_or_english")]
    pub family: Text,
    /// What the field calls it.
    #[serde(deserialize_with = "text_or_english")]
    pub term: Text,
    /// The idea, in a sentence.
    #[serde(deserialize_with = "text_or_english")]
    pub idea: Text,
    /// What else waits when one connection blocks.
    #[serde(deserialize_with = "text_or_english")]
    pub blocks: Text,
    /// What one more connection costs.
    #[serde(deserialize_with = "text_or_english")]
    pub cost: Text,
    /// What fails first as the load grows.
    #[serde(deserialize_with = "text_or_english")]
    pub breaks_first: Text,
    /// How many connections it serves at the same time. Older records don't tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub serves: Option<Serves>,
}

/// Reads a text of both languages, or an English one, which then stands for the Chinese too.
fn maybe_text<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Text>, D::Error> {
    text_or_english(from).map(Some)
}

fn text_or_english<'de, D: Deserializer<'de>>(from: D) -> Result<Text, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged, expecting = "expected a text in English and Chinese")]
    enum Read {
        Both(Text),
        English(String),
    }
    Ok(match Read::deserialize(from)? {
        Read::Both(text) => text,
        Read::English(text) => text.into(),
    })
}

/// The family of models that serve connections in child processes.
pub const PROCESSES: Text = Text::new("processes", "进程");
/// The family of models that serve each connection on a thread.
pub const THREADS: Text = Text::new("threads", "线程");

/// How many connections a model serves at the same time. The others wait, connected, in the accept queue or behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Serves {
    /// One.
    One,
    /// One per worker.
    Workers,
    /// As many as the machine has memory, descriptors, threads or processes for.
    Open,
}

/// What the entrants are loaded with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Workload {
    /// Its name.
    pub name: String,
    /// What it is, in a few words.
    pub title: Text,
    /// The question that it answers.
    pub asks: Text,
    /// What is served: `echo`, `chat` or `http`.
    pub service: String,
    /// What is counted as a message.
    pub counts: Counts,
    /// The measure that the ranking goes by.
    pub ranked_by: Measure,
    /// The work that a handler did for each message, such as `none` or `wait:5ms`.
    pub work: String,
    /// Messages in flight on each connection; in a chat, under way in all rooms together.
    pub depth: usize,
    /// The rooms that a chat's members were in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rooms: Option<usize>,
    /// So many connections sent messages, beside those of the point, which were idle.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub active_connections: Option<usize>,
    /// One of the connections had so many messages in flight. Latencies and rates are those of the others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heavy_depth: Option<usize>,
    /// Whether the server could use all processors that the comparison may use, though the generator
    /// is kept to its own: so that a server can show what it makes of several processors.
    #[serde(default)]
    pub server_on_all_cpus: bool,
    /// How long each cell is measured in a round.
    pub duration_ms: u64,
    /// How long it is loaded before.
    pub warmup_ms: u64,
}

/// What is counted as a message. Figures per message are comparable if the same is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Counts {
    /// A message and its answer.
    Messages,
    /// A connection that was made, served one message and closed.
    Connections,
    /// A request and its response.
    Requests,
    /// A member of a chat has received a message of another: one message in a room of ten is nine deliveries. A
    /// latency is a fan-out: from sending a message until the last member has received it.
    Deliveries,
    /// Nothing: no message is sent.
    Nothing,
}

/// One entrant at one point of a workload.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Cell {
    /// The workload's name.
    pub workload: String,
    /// The entrant's name.
    pub model: String,
    /// Where in the workload.
    #[serde(flatten)]
    pub point: Point,
    /// How many workers the model had; 0 when that isn't known.
    pub workers: usize,
    /// Why the cell can't be run; `None` if it can.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_run: Option<NotRun>,
    /// The rate that it could keep up in a closed loop, per second, where an open loop's rate
    /// follows from it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub best_per_s: Option<f64>,
    /// What each round measured, in order of rounds.
    pub rounds: Vec<Round>,
    /// Rounds that failed, with the reason.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failures: Vec<Failed>,
    /// The latencies of all rounds together.
    #[serde(default, skip_serializing_if = "Histogram::is_empty")]
    pub latencies: Histogram,
}

/// Why a cell can't be run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NotRun {
    /// The model serves one connection at a time.
    ServesOne,
    /// It serves so many connections at a time, fewer than the point has.
    ServesFewer(usize),
    /// A process can have only so many stacks, one for each connection, fewer than the point has connections.
    FewStacks(usize),
    /// It has a process for each connection, and so many at most.
    MostProcesses(usize),
    /// A foreign server doesn't speak the protocol of portlab's chat.
    ForeignChat,
    /// A textbook twin serves a plain echo only.
    ControlChat,
    /// The command of a foreign server doesn't take the folder of the files that are requested.
    ForeignRoot,
    /// A foreign server serves the files of a folder, and the workload requests none.
    ForeignFiles,
    /// The model has no place for what connections share, such as the rooms of a chat.
    NoHub,
    /// The model needs io_uring, and the machine or the container forbids it.
    NoUring,
    /// The words of an older record.
    #[serde(untagged)]
    Told(String),
}

/// What is varied within a workload.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Point {
    /// How many connections were held: in a chat, how many members there were.
    pub connections: usize,
    /// The length of a message; of HTTP, of the file that is requested.
    pub size_bytes: usize,
    /// How many workers were asked for; otherwise each model had its own number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workers_asked: Option<usize>,
    /// The rate of an open loop, over all connections.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<Rate>,
}

/// The rate of an open loop.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Rate {
    /// So many messages per second.
    PerS(f64),
    /// The same for all entrants: half of the slowest entrant's highest rate.
    Common,
    /// Half of each entrant's own highest rate.
    HalfOfBest,
}

/// One measurement: a fresh server process, verified, loaded, metered.
///
/// A figure per message is absent if there are no messages.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Round {
    /// Which round, counted from 1.
    pub round: usize,
    /// Messages with a right answer while measuring: see [`Counts`].
    pub messages: u64,
    /// How long was measured.
    pub elapsed_ms: f64,
    /// Messages per second of measured time.
    pub messages_per_s: f64,
    /// Messages per second of the connection that has many in flight.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heavy_messages_per_s: Option<f64>,
    /// How many latencies the quantiles are of. Absent from older records, where it is `messages`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency_count: Option<u64>,
    /// The median latency; of an open loop from when a message was due.
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
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server_cpu_us_per_message: Option<f64>,
    /// Context switches of the server per message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context_switches_per_message: Option<f64>,
    /// The server's memory before its first connection, shared pages divided among their holders.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub empty_pss_bytes: Option<u64>,
    /// The server's memory at its largest.
    pub peak_pss_bytes: u64,
    /// The server's threads, over all processes.
    pub threads: u64,
    /// The server's processes.
    pub processes: u64,
    /// Errors and missing answers; in a chat also broken promises, such as a lost message.
    pub errors: u64,
    /// The first of them, in words.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "maybe_text"
    )]
    pub first_error: Option<Text>,
    /// CPU time of the load generator per message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generator_cpu_us_per_message: Option<f64>,
    /// The share, in `[0, 1]`, of its threads' time that the generator was computing.
    pub generator_cpu_share: f64,
    /// The share, in `[0, 1]`, of its runnable time that the server waited for a processor: the time its
    /// threads stood in a processor's queue, divided by that time plus the time they ran, between the two
    /// looks at the server. Threads that ended before the second look aren't counted. Absent if the server
    /// never ran, or the kernel doesn't tell (`/proc/PID/task/TID/schedstat`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server_wait_share: Option<f64>,
    /// The same share, in `[0, 1]`, of the load generator's own threads, from the same source, while
    /// measuring.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generator_wait_share: Option<f64>,
    /// The share, in `[0, 1]`, of the time between the two looks in which at least one thread of the
    /// machine, of any program, waited for a processor. Absent if the kernel doesn't tell (`some` of
    /// `/proc/pressure/cpu`). On a machine in use by generator and server alone it is above 0 too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub machine_cpu_pressure_share: Option<f64>,
    /// The rate that an open loop was to keep.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offered_per_s: Option<f64>,
    /// How late the generator of an open loop was itself, for 99 of 100 messages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pacing_lag_p99_ns: Option<u64>,
    /// Messages that fell due in an open loop while measuring, answered or not. A server that answers as
    /// many keeps up; the rate itself differs from `offered_per_s` by chance, for arrivals are random.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_messages: Option<u64>,
    /// Messages that were due in an open loop and found no free connection.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_not_sent: Option<u64>,
}

/// A measurement that could not be made.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Failed {
    /// Which round, counted from 1.
    pub round: usize,
    /// Why. Older records have the English only, which then stands for both.
    #[serde(deserialize_with = "text_or_english")]
    pub reason: Text,
    /// Why a foreign server was refused, if it was because not all of its work could be metered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unmetered: Option<Unmetered>,
}

/// Why a foreign server can't be metered: a process that the command of `--server` didn't start does some
/// of its work, or might.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Unmetered {
    /// Such a process listens on the port.
    Listener,
    /// Such a process holds a connection of the load.
    Connection,
    /// A process of the server belongs to another user: which sockets it holds can't be seen.
    Hidden,
}

/// How often latencies were seen, to two digits: pairs of a latency in nanoseconds, the upper end
/// of its bucket, and a count, in rising order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Histogram(pub Vec<(u64, u64)>);

/// Some milliseconds of an entrant: which thread worked for which connection, and which waited.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Timeline {
    /// The workload's name.
    pub workload: String,
    /// The entrant's name.
    pub model: String,
    /// How many connections were held.
    pub connections: usize,
    /// How long the strip is.
    pub length_us: f64,
    /// The threads, process by process.
    pub tracks: Vec<Track>,
    /// How many threads were left out for lack of room.
    #[serde(default)]
    pub more_tracks: usize,
    /// Whether a thread did more than is kept. Then it is shown in steps, each with its longest activity.
    #[serde(default)]
    pub in_steps: bool,
}

/// One thread of a timeline.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Track {
    /// The process's name.
    pub process: String,
    /// The thread's.
    pub thread: String,
    /// What it did, in order of time.
    pub slices: Vec<Slice>,
}

/// What a thread did for some time: its kind (`accept`, `read`, `handle`, `write`, `wait`), when it
/// began and ended, in microseconds from the beginning of the strip, and for which connection.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Slice(pub String, pub f64, pub f64, pub Option<u64>);

impl Record {
    /// The entrant of a cell; `None` only in a record that was not [checked](crate::check).
    pub fn entrant(&self, name: &str) -> Option<&Entrant> {
        self.entrants.iter().find(|entrant| entrant.name == name)
    }

    /// The workload of a cell; `None` only in a record that was not [checked](crate::check).
    pub fn workload(&self, name: &str) -> Option<&Workload> {
        self.workloads.iter().find(|workload| workload.name == name)
    }

    /// How many measurements were made, those that failed included.
    pub fn measured(&self) -> usize {
        let made = |cell: &Cell| cell.rounds.len() + cell.failures.len();
        self.cells.iter().map(made).sum()
    }
}

impl Workload {
    /// How many connections a server holds at `point`.
    pub fn held(&self, point: Point) -> usize {
        let active = self.active_connections.unwrap_or(0);
        point.connections.saturating_add(active)
    }
}

impl Cell {
    /// Whether `other`, of this record or another one, is the same entrant at the same point.
    pub fn is_same(&self, other: &Self) -> bool {
        (&self.workload, &self.model, self.point) == (&other.workload, &other.model, other.point)
    }

    /// Whether `other`, of this record, is compared with this cell: at the same point of the same workload.
    pub fn is_beside(&self, other: &Self) -> bool {
        (&self.workload, self.point) == (&other.workload, other.point)
    }

    /// Whether `other`, of this record, is the same but for the rate of an open loop.
    pub fn has_same_closed_loop(&self, other: &Self) -> bool {
        let point = Point {
            rate: self.point.rate,
            ..other.point
        };
        (&self.workload, &self.model, self.point) == (&other.workload, &other.model, point)
    }

    /// Whether a measurement was made, or has failed.
    pub fn was_tried(&self) -> bool {
        !self.rounds.is_empty() || !self.failures.is_empty()
    }

    /// Whether no round had an error or failed.
    pub fn went_well(&self) -> bool {
        self.errors() == 0 && self.failures.is_empty()
    }

    /// The errors of all rounds.
    pub fn errors(&self) -> u64 {
        self.rounds.iter().map(|round| round.errors).sum()
    }

    /// Whether `round` was measured or has failed.
    pub fn has(&self, round: usize) -> bool {
        self.rounds.iter().any(|made| made.round == round)
            || self.failures.iter().any(|failed| failed.round == round)
    }
}

impl Histogram {
    /// Whether nothing was counted.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds what another has counted.
    pub fn add(&mut self, other: &Self) {
        let mut sum = std::collections::BTreeMap::new();
        for &(value, count) in self.0.iter().chain(&other.0) {
            *sum.entry(value).or_insert(0) += count;
        }
        self.0 = sum.into_iter().collect();
    }

    /// How many were counted.
    pub fn count(&self) -> u64 {
        self.0.iter().map(|(_, count)| count).sum()
    }

    /// The latency in nanoseconds that a share of `quantile`, in `[0, 1]`, did not exceed; `None`
    /// when nothing was counted.
    pub fn quantile(&self, quantile: f64) -> Option<u64> {
        let rank = ((quantile * self.count() as f64).ceil() as u64).max(1);
        let mut seen = 0;
        let reaches = |&&(_, count): &&(u64, u64)| {
            seen += count;
            seen >= rank
        };
        self.0.iter().find(reaches).map(|&(value, _)| value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn histograms_add_up_and_tell_their_quantiles() {
        let mut sum = Histogram(vec![(10, 1), (30, 1)]);
        sum.add(&Histogram(vec![(10, 1), (20, 1)]));
        assert_eq!(sum, Histogram(vec![(10, 2), (20, 1), (30, 1)]));
        assert_eq!(sum.count(), 4);
        let quantiles = [0.0, 0.5, 0.51, 0.75, 1.0].map(|q| sum.quantile(q).unwrap());
        assert_eq!(quantiles, [10, 10, 20, 20, 30]);
        assert_eq!(Histogram::default().quantile(0.5), None);
    }
}
