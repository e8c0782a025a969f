//! The rates that no server can exceed, whatever its model.

use serde::Serialize;

use super::{Kind, Question, Work};

/// A rate that follows from the question alone.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Limit {
    /// Little's law, N = X R: N connections of one message each, in which a message stays for the time R,
    /// answer N / R per second at most.
    Connections {
        /// Messages per second.
        per_s: f64,
        /// The work that takes the time.
        work: Work,
    },
    /// A processor has one second of CPU time in a second.
    Processors {
        /// Messages per second.
        per_s: f64,
        /// How many processors.
        cores: usize,
        /// The work that takes the time.
        work: Work,
    },
}

impl Limit {
    /// The rate, in messages per second.
    pub fn per_s(self) -> f64 {
        match self {
            Self::Connections { per_s, .. } | Self::Processors { per_s, .. } => per_s,
        }
    }

    /// The work that it follows from.
    pub fn work(self) -> Work {
        match self {
            Self::Connections { work, .. } | Self::Processors { work, .. } => work,
        }
    }
}

/// The limits of `question` on a machine with `cores` for the server, the lowest first.
pub fn limits(question: &Question, cores: usize) -> Vec<Limit> {
    let limit = |&work: &Work| {
        let seconds = work.time_ns as f64 / 1e9;
        match work.kind {
            _ if work.time_ns == 0 => None,
            Kind::Wait | Kind::Block => Some(Limit::Connections {
                per_s: question.connections as f64 / seconds,
                work,
            }),
            // A connection has one message at a time, so it keeps one processor busy.
            Kind::Cpu => Some(Limit::Processors {
                per_s: cores.min(question.connections) as f64 / seconds,
                cores,
                work,
            }),
        }
    };
    let mut limits: Vec<_> = question.works.iter().filter_map(limit).collect();
    limits.sort_by(|a, b| a.per_s().total_cmp(&b.per_s()));
    limits
}
