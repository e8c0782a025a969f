//! What became of the datagrams, for people and programs.

use portlab_stats::load::DatagramResult;

use super::Datagrams;
use crate::Outcome;

impl Datagrams {
    pub(crate) fn result(&self, outcome: &Outcome) -> DatagramResult {
        let (due, lost) = (outcome.due(), outcome.unanswered);
        DatagramResult {
            numbered: self.numbered,
            due,
            lost,
            loss: lost as f64 / due.max(1) as f64,
            duplicates: self.duplicates,
            reordered: self.reordered,
            late: self.late,
            dropped_here: self.dropped_here,
        }
    }
}
