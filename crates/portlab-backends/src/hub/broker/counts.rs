//! Counters of all mail, in memory that the server's processes share.

use std::{
    io,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
};

use portlab_sys::shared::words;

use crate::hub::mailbox::{Counts, Put};

/// The counters of a server that forks. The broker and every process with a line write to them at once, so that a
/// count survives its process.
#[derive(Clone, Copy)]
pub(super) struct SharedCounts(&'static [AtomicU64]);

/// Counted by the broker: pieces delivered, pieces thrown away, members dropped.
const DELIVERED: usize = 0;
const MISSED: usize = 1;
const DROPPED: usize = 2;
/// Counted by the other processes: pieces that the broker counts as delivered, and that were thrown away at the other
/// end of the line.
const FAR_END: usize = 3;

impl SharedCounts {
    /// Makes counters at 0, for the children that are forked from now on.
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self(words(FAR_END + 1)?))
    }

    /// Stores the counts of this broker and of the brokers `before` it. Only the broker calls this.
    pub(super) fn store(self, before: Counts, counts: Counts) {
        self.0[DELIVERED].store(before.delivered + counts.delivered, Relaxed);
        self.0[MISSED].store(before.missed + counts.missed, Relaxed);
        self.0[DROPPED].store(before.dropped + counts.dropped, Relaxed);
    }

    /// Counts the pieces that a mailbox at the other end of a line threw away.
    pub(super) fn put_at_far_end(self, put: Put) {
        if let Put::Displaced(count) | Put::Overflowed(count) = put {
            self.0[FAR_END].fetch_add(count, Relaxed);
        }
    }

    pub(super) fn of_brokers(self) -> Counts {
        let [delivered, missed, dropped] =
            [DELIVERED, MISSED, DROPPED].map(|word| self.0[word].load(Relaxed));
        Counts {
            delivered,
            missed,
            dropped,
        }
    }

    pub(super) fn read(self) -> Counts {
        let mut counts = self.of_brokers();
        counts.throw_away(self.0[FAR_END].load(Relaxed));
        counts
    }
}
