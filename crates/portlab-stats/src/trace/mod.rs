//! The timeline of a server: what each of its threads did and when, which connections there were, and
//! how many at a time.
//!
//! | module | owns |
//! |---|---|
//! | this one | the timeline as data |
//! | `write` | writing it, piece by piece, as Chrome Trace Event JSON |
//! | `read` | reading it back |
//! | `strip` | some milliseconds of it, as a record keeps them |
//!
//! All times are nanoseconds since the server began; in the file they are microseconds with three
//! decimals.
//!
//! Source: "Trace Event Format", the document that Chrome's `about:tracing` and Perfetto follow.

mod read;
mod strip;
mod write;

use std::{fmt, str::FromStr};

use portlab_words::{Text, tr};
use serde::{Deserialize, Serialize};

pub use self::write::Writer;

/// The version of this form. It changes when a reader of the old one would misread the new one.
pub const FORMAT: &str = "portlab-trace/1";

/// The counter of connections that the server holds.
pub const CONNECTIONS: &str = "connections";
/// The counter of jobs, or connections, that wait for a thread of a pool.
pub const QUEUE: &str = "queue";
/// The counter of connections that the kernel has made and the server has not accepted.
pub const ACCEPT_QUEUE: &str = "accept queue";

/// A whole timeline.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Trace {
    /// What was recorded.
    pub about: About,
    /// The server's processes, in the order in which they appear.
    pub processes: Vec<Process>,
    /// What threads did, ordered by process, thread and time.
    pub slices: Vec<Slice>,
    /// The connections, in the order in which they were accepted.
    pub spans: Vec<Span>,
    /// What was counted.
    pub counters: Vec<Counter>,
}

/// What was recorded, and how much of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct About {
    /// [`FORMAT`].
    pub format: String,
    /// The version of portlab that recorded.
    pub portlab_version: String,
    /// The concurrency model.
    pub model: String,
    /// The service.
    pub service: String,
    /// How many workers the model had.
    pub workers: usize,
    /// The work that a handler did for each message, such as `none` or `wait:5ms`.
    pub work: String,
    /// Events that were recorded: slices, and the beginnings and ends of connections.
    pub events: u64,
    /// Events that were not recorded, because there was no more room. All of them ended at `recorded_until_ns` or later.
    pub not_recorded: u64,
    /// The end of the recording: all earlier events were recorded, and no later ones.
    pub recorded_until_ns: u64,
}

/// A process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Process {
    /// Its number.
    pub pid: u32,
    /// Its name, such as `portlab fork child`.
    pub name: String,
    /// Those of its threads that did something.
    pub threads: Vec<Thread>,
}

/// A thread.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Thread {
    /// Its number, as in `/proc/PID/task`.
    pub tid: u32,
    /// Its name.
    pub name: String,
}

/// What a thread does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// It accepts a connection.
    Accept,
    /// It reads from a socket.
    Read,
    /// It runs a handler: a session's, or the hub's.
    Handle,
    /// It writes to a socket.
    Write,
    /// It is blocked until an event comes or a timeout ends.
    Wait,
}

/// The details of an event in the file.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct Args {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    conn: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mail: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    peer_port: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    closed: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<u64>,
}

/// Something that a thread did. On one thread slices don't overlap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slice {
    /// The process.
    pub pid: u32,
    /// The thread.
    pub tid: u32,
    /// What it did.
    pub kind: Kind,
    /// From when.
    pub start_ns: u64,
    /// To when.
    pub end_ns: u64,
    /// For which connection, if it was for one.
    pub conn: Option<Conn>,
    /// Bytes read or written.
    pub bytes: Option<u64>,
    /// For a handler of the hub: how many connections it had mail for.
    pub mail: Option<u64>,
}

/// A connection, from when it was accepted to when the last process that held it closed it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// Its number.
    pub conn: Conn,
    /// The process that served it last.
    pub pid: u32,
    /// The thread that served it last.
    pub tid: u32,
    /// From when.
    pub start_ns: u64,
    /// To when; if its end was not recorded, to its last event.
    pub end_ns: u64,
    /// The peer's port.
    pub peer_port: u16,
    /// Whether its end was recorded. It isn't if recording stops earlier, or if its process is killed.
    pub closed: bool,
}

/// Something that was counted over time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counter {
    /// Its name, such as [`CONNECTIONS`].
    pub name: String,
    /// The moments at which it changed, in order, and its value from then on.
    pub samples: Vec<(u64, u64)>,
}

/// A connection's number: that of the process that accepted it, and one counted there. Written with a
/// dot between them, and unique within a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Conn {
    /// The process.
    pub pid: u32,
    /// The number among those that it accepted, from 1.
    pub number: u32,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 5] = [
        Self::Accept,
        Self::Read,
        Self::Handle,
        Self::Write,
        Self::Wait,
    ];

    /// Its name in the file.
    pub fn name(self) -> &'static str {
        match self {
            Self::Accept => "accept",
            Self::Read => "read",
            Self::Handle => "handle",
            Self::Write => "write",
            Self::Wait => "wait",
        }
    }
}

impl Trace {
    /// The counter called `name`.
    pub fn counter(&self, name: &str) -> Option<&Counter> {
        self.counters.iter().find(|counter| counter.name == name)
    }

    /// The first slice on a thread that begins before the one before it has ended, with that one.
    pub fn overlap(&self) -> Option<(Slice, Slice)> {
        let pairs = self.slices.windows(2).map(|pair| (pair[0], pair[1]));
        let mut same_thread =
            pairs.filter(|(one, next)| (one.pid, one.tid) == (next.pid, next.tid));
        same_thread.find(|(one, next)| next.start_ns < one.end_ns)
    }
}

impl fmt::Display for Conn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.pid, self.number)
    }
}

impl FromStr for Conn {
    type Err = Text;

    fn from_str(text: &str) -> Result<Self, Text> {
        let parse = || {
            let (pid, number) = text.split_once('.')?;
            let (pid, number) = (pid.parse().ok()?, number.parse().ok()?);
            Some(Self { pid, number })
        };
        parse().ok_or_else(|| {
            tr!(
                "invalid connection number {text:?}: expected PID.NUMBER, such as 4711.1",
                "连接编号 {text:?} 无效：应为 进程号.序号，例如 4711.1"
            )
        })
    }
}
