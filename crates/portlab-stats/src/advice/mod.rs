//! Which model for a given load: what was asked, what was measured, and what follows from it.
//!
//! [`conclude`] is a pure function from measurements to conclusions, and knows no model by name:
//! whatever it says of one follows from its measurements and from what its sheet says it can carry.

mod conclude;
mod cost;
mod limit;
#[cfg(test)]
mod tests;
mod told;

use serde::Serialize;

use crate::analysis::TOO_BUSY;

pub use self::{
    conclude::conclude,
    limit::{Limit, limits},
    told::{Advice, Answer, Blocked, Cannot, Change, Doubt, Other, Resource, Why},
};

/// What a server is to bear.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Question {
    /// What its handlers do for each message, each measured by itself; nothing for an echo.
    pub works: Vec<Work>,
    /// Connections that are open, or clients that connect anew for each message.
    pub connections: usize,
    /// Messages per second over all connections.
    pub rate_per_s: f64,
    /// The length of a message.
    pub size_bytes: usize,
    /// The members of a room, if it is a chat.
    pub members: Option<usize>,
    /// Whether each message comes on a connection of its own.
    pub churn: bool,
    /// The p99 is to stay below this.
    pub within_ns: u64,
}

impl Question {
    /// The works one by one; for an echo a single `None`.
    #[must_use]
    pub fn each_work(&self) -> Vec<Option<Work>> {
        match self.works.is_empty() {
            true => vec![None],
            false => self.works.iter().copied().map(Some).collect(),
        }
    }

    /// Whether a server with `cores` may bear the rate: see [`limits`].
    #[must_use]
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
    /// It waits in the way of its model: others are served meanwhile.
    Wait,
    /// It blocks the thread that it runs on.
    Block,
    /// It computes.
    Cpu,
}

/// What was measured.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Measured {
    /// What was asked.
    pub question: Question,
    /// Processors that the servers could use.
    pub server_cores: usize,
    /// Memory of this machine.
    pub memory_bytes: u64,
    /// Every model, in the order of the table.
    pub candidates: Vec<Candidate>,
    /// What else a handler might do, and was measured with: a driver that blocks.
    pub what_if: Option<Work>,
    /// Whether the time was too short for all that was planned.
    pub cut_short: bool,
    /// Whether the user ended the run.
    pub interrupted: bool,
}

/// One model.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Candidate {
    /// Its name.
    pub model: String,
    /// Threads or processes that it was given, where it has a number of them.
    pub workers: usize,
    /// Whether it can carry the connections at all.
    pub carries: Carries,
    /// Measurements at the rate and the connections that were asked for.
    pub shots: Vec<Shot>,
    /// The same with the other work.
    pub blocked: Vec<Shot>,
    /// The highest rate that it bears.
    pub ceiling: Ceiling,
}

/// Whether a model can carry the connections.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Carries {
    /// Its sheet says so.
    All,
    /// One at a time.
    One,
    /// So many at a time.
    Few(usize),
    /// It has no place for what a chat's members share.
    NoHub,
    /// It failed before it could be measured, for this reason.
    Failed(String),
}

/// One measurement in a fresh process.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Shot {
    /// Which round: what was measured in the same round is compared.
    pub round: usize,
    /// Which of the question's works.
    pub work: usize,
    /// What it showed; see [`Shot::says`].
    pub shown: Shown,
    /// The p99.
    pub p99_ns: u64,
    /// How many latencies that is of.
    pub latencies: u64,
    /// The server's CPU time for a message.
    pub cpu_us_per_message: Option<f64>,
    /// The server's memory at its largest.
    pub peak_pss_bytes: u64,
    /// The share, in `[0, 1]`, of its runnable time that the server waited for a processor, because other
    /// programs ran.
    pub wait_share: Option<f64>,
}

impl Shot {
    /// What it says about the server. A bound that was missed while other programs had the processors says
    /// nothing; one that was met in spite of them was met.
    #[must_use]
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
    /// Nothing was answered.
    NoAnswer,
    /// Some messages could not be sent in time, because all connections still waited for answers.
    Unsent,
    /// The p99 was not below the bound.
    TooSlow,
    /// The generator was late itself: nothing is known.
    Nothing,
}

/// The highest rate, in messages per second, with the p99 below the bound.
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
    /// At least so much: the generator could make no more, or no more was of interest.
    AtLeast {
        /// The rate.
        per_s: f64,
        /// Whether the generator was the reason.
        generator: bool,
    },
    /// Below the rate that was asked for.
    Below {
        /// The lowest rate that was tried.
        per_s: f64,
    },
    /// It could not be found.
    Unknown,
}

impl Ceiling {
    /// The rate that it surely bears.
    #[must_use]
    pub fn low(self) -> Option<f64> {
        match self {
            Self::Between { low_per_s, .. } => Some(low_per_s),
            Self::AtLeast { per_s, .. } => Some(per_s),
            Self::NotSearched | Self::Below { .. } | Self::Unknown => None,
        }
    }

    /// The rate that it surely doesn't bear.
    #[must_use]
    pub fn high(self) -> Option<f64> {
        match self {
            Self::Between { high_per_s, .. } => Some(high_per_s),
            Self::Below { per_s } => Some(per_s),
            Self::NotSearched | Self::AtLeast { .. } | Self::Unknown => None,
        }
    }
}
