//! What became of the datagrams, for people and programs.

use schemars::JsonSchema;
use serde::Serialize;

use super::Datagrams;
use crate::Outcome;

/// What became of UDP datagrams.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DatagramResult {
    /// Whether messages contained a number. Otherwise each datagram was taken for the answer to the oldest message, and
    /// the figures below, except `lost`, are unknown: 0.
    pub numbered: bool,
    /// Messages that became due while measuring.
    pub due: u64,
    /// Those without an answer within the timeout.
    pub lost: u64,
    /// The share of the messages that were lost, from 0 to 1.
    pub loss: f64,
    /// Answers that came again, those of the warm-up included, as in the next three figures.
    pub duplicates: u64,
    /// Answers that came after the answer to a later message of the same socket.
    pub reordered: u64,
    /// Answers that came after the timeout.
    pub late: u64,
    /// Datagrams that this machine dropped because the generator read them too late.
    pub dropped_here: u64,
}

impl DatagramResult {
    pub(crate) fn of(found: &Datagrams, outcome: &Outcome) -> Self {
        let (due, lost) = (outcome.due(), outcome.unanswered);
        Self {
            numbered: found.numbered,
            due,
            lost,
            loss: lost as f64 / due.max(1) as f64,
            duplicates: found.duplicates,
            reordered: found.reordered,
            late: found.late,
            dropped_here: found.dropped_here,
        }
    }
}
