//! The timers of a loop.

use std::{
    cmp::Reverse,
    collections::BinaryHeap,
    time::{Duration, Instant},
};

/// A heap of timers: each has a time, and what is to be done then.
#[derive(Debug)]
pub(crate) struct Timers<T: Ord> {
    heap: BinaryHeap<Reverse<(Instant, T)>>,
}

impl<T: Ord> Timers<T> {
    pub(crate) fn new() -> Self {
        Self {
            heap: BinaryHeap::new(),
        }
    }

    pub(crate) fn arm(&mut self, at: Instant, what: T) {
        self.heap.push(Reverse((at, what)));
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.heap.is_empty()
    }

    /// How long until the next timer fires; `None` if none is armed.
    pub(crate) fn next(&self) -> Option<Duration> {
        let Reverse((at, _)) = self.heap.peek()?;
        Some(at.saturating_duration_since(Instant::now()))
    }

    /// Takes out the earliest timer, if it was due at `now`. A loop that calls this with one `now` ends even if timers are
    /// armed meanwhile.
    pub(crate) fn pop_due(&mut self, now: Instant) -> Option<T> {
        let Reverse((at, _)) = self.heap.peek()?;
        if *at > now {
            return None;
        }
        self.heap.pop().map(|Reverse((_, what))| what)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timers_fire_in_the_order_of_their_times_and_not_before() {
        let mut timers = Timers::new();
        assert_eq!(timers.next(), None);
        let now = Instant::now();
        timers.arm(now + Duration::from_secs(60), 3);
        timers.arm(now, 2);
        timers.arm(now - Duration::from_millis(1), 1);
        assert_eq!(timers.next(), Some(Duration::ZERO));
        let due = [(); 3].map(|()| timers.pop_due(now));
        assert_eq!(due, [Some(1), Some(2), None]);
        assert!(timers.next().unwrap() > Duration::from_secs(50));
    }
}
