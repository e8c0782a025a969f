//! Connections that have more to read than one visit takes.

use std::collections::VecDeque;

/// How long a thread serves connections, in nanoseconds, before it looks at the clock, the stage and new
/// events again. The connections that are left wait for the next turn.
pub(crate) const SLICE: u64 = 20_000_000;

/// The slots that are visited again without an event of the poller. Each is listed once: the poller also reports new
/// bytes of a listed slot, and a slot with two entries would be visited more and more often.
#[derive(Debug)]
pub(crate) struct Again {
    queue: VecDeque<u32>,
    is_listed: Vec<bool>,
}

impl Again {
    /// An empty list for `slots` slots.
    pub(crate) fn new(slots: usize) -> Self {
        Self {
            queue: VecDeque::new(),
            is_listed: vec![false; slots],
        }
    }

    pub(crate) fn push(&mut self, slot: u32) {
        if !std::mem::replace(&mut self.is_listed[slot as usize], true) {
            self.queue.push_back(slot);
        }
    }

    /// Takes the slot that was listed first.
    pub(crate) fn pop(&mut self) -> Option<u32> {
        let slot = self.queue.pop_front()?;
        self.is_listed[slot as usize] = false;
        Some(slot)
    }

    pub(crate) fn len(&self) -> usize {
        self.queue.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_is_listed_once_and_in_its_turn() {
        let mut again = Again::new(3);
        [2, 0, 2, 2].into_iter().for_each(|slot| again.push(slot));
        assert_eq!((again.len(), again.pop()), (2, Some(2)));
        again.push(2);
        assert_eq!(
            [again.pop(), again.pop(), again.pop()],
            [Some(0), Some(2), None]
        );
    }
}
