//! Which slots are to be connected.

use std::collections::VecDeque;

use crate::outages::Reach;

/// Which slots are to be connected, and how many are in each state.
#[derive(Debug)]
pub(crate) struct Dialling {
    /// Slots whose connection isn't begun.
    pub(crate) waiting: VecDeque<u32>,
    /// Slots whose handshake isn't complete.
    pub(crate) under_way: usize,
    /// Slots that are connected and wait for the server's greeting.
    pub(crate) entering: usize,
    /// Connections that have been opened since the run began.
    pub(crate) made: usize,
    /// Slots that wait after a failure before the next attempt.
    pub(crate) resting: usize,
    /// Failures in a row, by slot.
    pub(crate) failures: Vec<u8>,
    /// Whether connections can be made, by target.
    pub(crate) reach: Vec<Reach>,
    /// Whether the coordinator has got [`WorkerEvent::Connected`](crate::worker::WorkerEvent::Connected).
    pub(crate) reported: bool,
}

impl Dialling {
    /// All of `slots` slots are to be connected, to so many targets.
    pub(crate) fn of_all(slots: usize, targets: usize) -> Self {
        Self {
            waiting: (0..slots as u32).collect(),
            under_way: 0,
            entering: 0,
            made: 0,
            resting: 0,
            failures: vec![0; slots],
            reach: (0..targets).map(|_| Reach::default()).collect(),
            reported: false,
        }
    }

    /// Whether a connection may still be made.
    pub(crate) fn goes_on(&self) -> bool {
        self.under_way + self.entering + self.resting + self.waiting.len() > 0
    }

    /// The slot has waited long enough after a failure, and is to be connected again.
    pub(crate) fn again(&mut self, slot: u32) {
        self.resting -= 1;
        self.waiting.push_back(slot);
    }
}
