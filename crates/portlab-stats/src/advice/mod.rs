//! Which model for a given load: what was asked, what was measured, and what follows from it.
//!
//! [`conclude`] is a pure function from measurements to conclusions. It contains no model's name: a conclusion
//! follows from measurements, and from the number of connections on the model's sheet.

mod conclude;
mod cost;
mod limit;
#[cfg(test)]
mod tests;
mod told;

use portlab_words::Text;
use serde::Serialize;

use crate::analysis::TOO_BUSY;

pub use self::{
    conclude::conclude,
    limit::{Limit, limits},
    told::{Advice, Answer, Blocked, Cannot, Caution, Change, Other, Resource, Why},
};

/// The load that a server is to handle.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Question {
    /// What a handler does for each message, each work measured by itself; empty for an echo.
    pub works: Vec<Work>,
    /// Open connections; with `churn`, clients.
    pub connections: usize,
    /// Messages per second over all connections.
    pub rate_per_s: f64,
    /// The length of a message.
    pub size_bytes: usize,
    /// The members of a room, if it is a chat.
    pub members: Option<usize>,
    /// Whether a client makes a new connection for each message.
    pub churn: bool,
    /// The p99 is to stay below this.
    pub within_ns: u64,
}

impl Question {
    /// The works one by one; for an echo a single `None`.
    pub fn each_work(&self) -> Vec<Option<Work>> {
        match self.works.is_empty() {
            true => vec![None],
            false => self.works.iter().copied().map(Some).collect(),
        }
    }

    /// Whether the rate is within all limits of a server with `cores`: see [`limits`].
    pub fn is_possible(&self, cores: usize) -> bool {
        let limits = limits(self, cores);
        limits.iter().all(|limit| limit.per_s() >= self.rate_per_s)
    }
}

/// What a handler does for a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Work {
    /// What it does.
    pub kind: Kind,
    /// For how long, in nanoseconds.
    pub time_ns: u64,
}

/// What a handler may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// It waits as its model does: a thread sleeps, a task or a loop serves other connections meanwhile.
    Wait,
    /// It blocks the thread that it runs on.
    Block,
    /// It computes.
    Cpu,
}

/// What was measured.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Measured {
    /// The question.
    pub question: Question,
    /// Processors that the servers could use.
    pub server_cores: usize,
    /// Memory of this machine.
    pub memory_bytes: u64,
    /// Every model, in the order of the table.
    pub candidates: Vec<Candidate>,
    /// A second work that was measured: the same time, spent in a driver that blocks.
    pub what_if: Option<Work>,
    /// Whether the time was too short for all planned measurements.
    pub cut_short: bool,
    /// Whether the user ended the run.
    pub interrupted: bool,
}

/// One model.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Candidate {
    /// Its name.
    pub model: String,
    /// Its threads or processes; 1 where it has no number of them.
    pub workers: usize,
    /// Whether it can serve all connections at the same time.
    pub carries: Carries,
    /// Measurements at the rate and with the connections of the question.
    pub shots: Vec<Shot>,
    /// The same with [`Measured::what_if`].
    pub blocked: Vec<Shot>,
    /// The highest rate that it handles with the p99 below the bound.
    pub ceiling: Ceiling,
}

/// Whether a model can serve all connections at the same time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Carries {
    /// It can, by its sheet.
    All,
    /// One at a time.
    One,
    /// So many at a time.
    Few(usize),
    /// So many, with a process for each.
    Processes(usize),
    /// It has no hub, which a chat needs.
    NoHub,
    /// It failed before it could be measured, for this reason.
    Failed(Text),
}

/// One measurement in a fresh process.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Shot {
    /// Which round, from 1. Costs are compared within a round.
    pub round: usize,
    /// The place of its work in [`Question::works`].
    pub work: usize,
    /// What was measured; see [`Shot::says`].
    pub shown: Shown,
    /// The p99.
    pub p99_ns: u64,
    /// The number of latencies that the p99 is of.
    pub latencies: u64,
    /// The server's CPU time per message.
    pub cpu_us_per_message: Option<f64>,
    /// The server's memory at its largest.
    pub peak_pss_bytes: u64,
    /// The share, in `[0, 1]`, of its runnable time that the server waited for a processor, because other
    /// programs ran.
    pub wait_share: Option<f64>,
}

impl Shot {
    /// What the measurement says about the server. If the bound was missed while other programs used the processors, it
    /// says nothing. If the bound was met, it was met in spite of them.
    pub fn says(&self) -> Shown {
        let busy = self.wait_share.is_some_and(|share| share >= TOO_BUSY);
        match self.shown {
            Shown::Held => Shown::Held,
            _ if busy => Shown::Nothing,
            shown => shown,
        }
    }
}

/// Whether a measurement met the bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Shown {
    /// It did.
    Held,
    /// Errors, lost connections or timeouts.
    Errors,
    /// Some messages could not be sent in time, because all connections waited for answers.
    Unsent,
    /// The p99 was not below the bound.
    TooSlow,
    /// The generator was late itself, or sent no message: nothing is known of the server.
    Nothing,
}

/// The highest rate, in messages per second, at which the p99 is below the bound.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Ceiling {
    /// It was not looked for.
    NotSearched,
    /// Between two rates.
    Between {
        /// The lower end.
        low_per_s: f64,
        /// The upper end.
        high_per_s: f64,
    },
    /// At least this rate: no higher rate could be measured, or is of interest.
    AtLeast {
        /// The rate.
        per_s: f64,
        /// Whether trials of higher rates say nothing, because the generator was late or other programs used the
        /// processors.
        spoiled: bool,
    },
    /// Below the rate of the question.
    Below {
        /// The lowest rate that was tried.
        per_s: f64,
    },
    /// The search found none.
    Unknown,
}

impl Ceiling {
    /// The highest rate that the model surely handles.
    pub fn low(self) -> Option<f64> {
        match self {
            Self::Between { low_per_s, .. } => Some(low_per_s),
            Self::AtLeast { per_s, .. } => Some(per_s),
            Self::NotSearched | Self::Below { .. } | Self::Unknown => None,
        }
    }

    /// The lowest rate that the model surely doesn't handle.
    pub fn high(self) -> Option<f64> {
        match self {
            Self::Between { high_per_s, .. } => Some(high_per_s),
            Self::Below { per_s } => Some(per_s),
            Self::NotSearched | Self::AtLeast { .. } | Self::Unknown => None,
        }
    }
}
