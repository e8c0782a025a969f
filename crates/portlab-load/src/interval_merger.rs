//! The intervals of a run: what all threads did between two moments.

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use crate::{Interval, stats::Stats};

/// Merges the statistics that threads send into intervals.
#[derive(Debug)]
pub(crate) struct IntervalMerger {
    threads: Vec<Thread>,
    /// The turn in which measuring began, and when. Statistics of earlier turns belong to no interval.
    first_turn: u64,
    began: u64,
    /// When the current interval began.
    since: u64,
    /// The intervals that have ended and have not been returned by [`next`](Self::next).
    boundaries: VecDeque<Boundary>,
    /// The statistics that belong to no returned interval, by the turn up to which they were collected.
    pending: BTreeMap<u64, Stats>,
}

/// The last statistics that a thread has sent.
#[derive(Clone, Copy, Debug, Default)]
struct Thread {
    /// They end where this turn begins.
    sent_upto: u64,
    /// Connections open, and messages in flight, at that time.
    open: usize,
    in_flight: u64,
}

/// An interval, in nanoseconds since the run began, and the turn that begins at its end.
#[derive(Clone, Copy, Debug)]
struct Boundary {
    from: u64,
    to: u64,
    turn: u64,
    rate_per_s: f64,
}

impl IntervalMerger {
    /// The intervals of a run with so many threads. Nothing is measured yet.
    pub(crate) fn new(threads: usize) -> Self {
        Self {
            threads: vec![Thread::default(); threads],
            first_turn: u64::MAX,
            began: 0,
            since: 0,
            boundaries: VecDeque::new(),
            pending: BTreeMap::new(),
        }
    }

    /// Measuring begins, with turn `turn`, at `now`.
    pub(crate) fn begin(&mut self, turn: u64, now: u64) {
        (self.first_turn, self.began, self.since) = (turn, now, now);
    }

    /// An interval, in which `rate_per_s` was asked for, ends at `now`, where turn `turn` begins.
    pub(crate) fn end_interval(&mut self, turn: u64, now: u64, rate_per_s: f64) {
        let from = std::mem::replace(&mut self.since, now);
        self.boundaries.push_back(Boundary {
            from,
            to: now,
            turn,
            rate_per_s,
        });
    }

    /// Adds what a thread has collected up to the beginning of turn `upto`.
    pub(crate) fn take_in(&mut self, thread: usize, upto: u64, stats: &Stats) {
        self.threads[thread] = Thread {
            sent_upto: upto,
            open: stats.open,
            in_flight: stats.in_flight,
        };
        if upto > self.first_turn {
            self.pending.entry(upto).or_default().merge(stats);
        }
    }

    /// Whether every thread has sent its statistics of all turns before `turn`.
    pub(crate) fn is_complete_before(&self, turn: u64) -> bool {
        self.threads.iter().all(|thread| thread.sent_upto >= turn)
    }

    /// The next interval for which every thread has sent its statistics.
    pub(crate) fn next(&mut self) -> Option<Interval> {
        let upto = self.threads.iter().map(|thread| thread.sent_upto).min()?;
        let Boundary {
            from,
            to,
            turn,
            rate_per_s,
        } = self.boundaries.pop_front_if(|it| it.turn <= upto)?;
        let mut stats = Stats::default();
        while let Some(piece) = self.pending.first_entry().filter(|it| *it.key() <= turn) {
            stats.merge(&piece.remove());
        }
        let since = |at: u64| Duration::from_nanos(at - self.began);
        let length = Duration::from_nanos((to - from).max(1));
        let available = length.as_secs_f64() * self.threads.len() as f64;
        Some(Interval {
            from: since(from),
            to: since(to),
            rate_per_s,
            messages: stats.messages,
            bytes_sent: stats.bytes_sent,
            bytes_received: stats.bytes_received,
            errors: stats.tally.total(),
            open: self.threads.iter().map(|thread| thread.open).sum(),
            in_flight: self.threads.iter().map(|thread| thread.in_flight).sum(),
            generator_cpu_share: (stats.cpu.as_secs_f64() / available).min(1.0),
            latency: stats.latency,
            uncorrected: stats.uncorrected,
            pacing_lag: stats.lag,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn messages(count: u64) -> Stats {
        Stats {
            messages: count,
            bytes_sent: 2 * count,
            bytes_received: 3 * count,
            open: count as usize,
            ..Stats::default()
        }
    }

    #[test]
    fn statistics_belong_to_the_interval_in_which_they_were_collected() {
        let mut intervals = IntervalMerger::new(2);
        intervals.take_in(0, 3, &messages(1_000));
        intervals.begin(3, 100);
        intervals.end_interval(4, 200, 1.0);
        intervals.end_interval(5, 300, 2.0);
        // The first thread sends the statistics of both intervals before the second thread sends any.
        intervals.take_in(0, 4, &messages(1));
        intervals.take_in(0, 5, &messages(10));
        assert!(intervals.next().is_none());
        intervals.take_in(1, 4, &messages(100));
        let first = intervals.next().unwrap();
        assert_eq!(
            (first.messages, first.from, first.to),
            (101, Duration::ZERO, Duration::from_nanos(100))
        );
        assert!(intervals.next().is_none());
        intervals.take_in(1, 5, &messages(1_000));
        let second = intervals.next().unwrap();
        assert_eq!((second.messages, second.open), (1_010, 1_010));
        let bytes = (second.bytes_sent, second.bytes_received);
        assert_eq!(bytes, (2_020, 3_030));
        assert_eq!((first.rate_per_s, second.rate_per_s), (1.0, 2.0));
        assert!(intervals.next().is_none());
    }
}
