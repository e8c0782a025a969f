//! What a comparison reports while it runs.

use portlab_stats::record::{Cell, Record};

use crate::error::MeasureError;

/// Watches a comparison. Every method may do nothing.
pub trait Observer {
    /// Measurement `number` of `total`, counted from 0, begins. It measures `cell`.
    fn begins(&mut self, _number: usize, _total: usize, _cell: &Cell) {}
    /// A measurement of `cell` begins that isn't part of a round: of its highest rate, of its timeline, or a trial.
    fn tries(&mut self, _cell: &Cell) {}
    /// The cell at `place` of `record` has been measured once more.
    fn measured(&mut self, _record: &Record, _place: usize) {}
    /// Whether the comparison is complete after `rounds` rounds.
    fn is_enough(&mut self, _rounds: usize) -> bool {
        false
    }
    /// A share, in `[0, 1]`, of the measurement under way is over.
    fn tick(&mut self, _share: f64) {}
    /// A measurement of `cell` failed; the comparison goes on.
    fn failed(&mut self, _cell: &Cell, _error: &MeasureError) {}
    /// The entrant of `cell` has failed too often without being measured once, and isn't tried again.
    fn gives_up(&mut self, _cell: &Cell) {}
    /// No timeline of the entrant of `cell` could be recorded.
    fn no_timeline(&mut self, _cell: &Cell, _error: &MeasureError) {}
    /// Whether the comparison is to end now, with the rounds that it has.
    fn interrupted(&self) -> bool {
        false
    }
}

impl Observer for () {}
