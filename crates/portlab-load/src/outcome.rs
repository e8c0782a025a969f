//! What a run has measured.

use std::time::Duration;

use hdrhistogram::Histogram;
use portlab_stats::summary::GENERATOR_LIMIT;

use crate::{Tally, worker::Harvest};

/// The longest latency that is told apart from longer ones. Nothing is dropped: what takes longer
/// counts as this.
const LONGEST: Duration = Duration::from_secs(3600);

/// A histogram of times, each kept to three significant digits.
///
/// Its size is fixed, however many are recorded, and histograms of several threads are merged, so
/// that a quantile is one of all messages and never an average of quantiles.
///
/// Source: G. Tene's HdrHistogram.
#[derive(Clone, Debug)]
pub struct Latency(Histogram<u64>);

/// What a run has measured, over all of its threads.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Connections that were made.
    pub connected: usize,
    /// How long it took until the last was made, or had failed.
    pub connect_phase: Duration,
    /// How long each connection took.
    pub connect_latency: Latency,
    /// Messages answered, completely and rightly, while measuring.
    pub messages: u64,
    /// Messages answered between [`Watch::begin`](crate::Watch::begin) and
    /// [`Watch::end`](crate::Watch::end): those that a meter read in both has seen.
    pub metered_messages: u64,
    /// How long was measured, warm-up and drain excluded.
    pub elapsed: Duration,
    /// From the moment a message could be sent to the last byte of its answer: of every message
    /// answered while measuring, or asked while measuring and answered in the drain.
    pub latency: Latency,
    /// Messages sent whose answers had not come when the drain ended.
    pub unanswered: u64,
    /// What went wrong.
    pub tally: Tally,
    /// CPU time that the generator's threads used while measuring.
    pub generator_cpu: Duration,
    /// How many threads generated the load.
    pub threads: usize,
    /// Whether the run was ended before its time, by its user.
    pub interrupted: bool,
}

impl Latency {
    pub(crate) fn new() -> Self {
        let longest = LONGEST.as_nanos() as u64;
        let histogram = Histogram::new_with_bounds(1, longest, 3);
        Self(histogram.expect("these bounds are valid, as every test shows"))
    }

    /// Adds a time in nanoseconds.
    pub fn record(&mut self, nanos: u64) {
        self.0.saturating_record(nanos.max(1));
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        self.0
            .add(&other.0)
            .expect("all histograms here have the same bounds");
    }

    /// The time in nanoseconds that a share `quantile`, in `[0, 1]`, of all messages did not
    /// exceed; 0 when there were none.
    #[must_use]
    pub fn quantile_ns(&self, quantile: f64) -> u64 {
        self.0.value_at_quantile(quantile)
    }

    /// The longest time in nanoseconds.
    #[must_use]
    pub fn max_ns(&self) -> u64 {
        self.0.max()
    }

    /// How many were recorded.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.0.len()
    }
}

impl Default for Latency {
    fn default() -> Self {
        Self::new()
    }
}

impl Outcome {
    pub(crate) fn empty(threads: usize) -> Self {
        Self {
            connected: 0,
            connect_phase: Duration::ZERO,
            connect_latency: Latency::new(),
            messages: 0,
            metered_messages: 0,
            elapsed: Duration::ZERO,
            latency: Latency::new(),
            unanswered: 0,
            tally: Tally::default(),
            generator_cpu: Duration::ZERO,
            threads,
            interrupted: false,
        }
    }

    /// Adds what one thread has measured.
    pub(crate) fn take_in(&mut self, harvest: &Harvest) {
        self.connect_latency.merge(&harvest.connect_latency);
        self.latency.merge(&harvest.latency);
        self.messages += harvest.messages;
        self.unanswered += harvest.unanswered;
        self.tally.merge(&harvest.tally);
        self.generator_cpu += harvest.cpu;
    }

    /// Messages per second of measured time; 0 when nothing was measured.
    #[must_use]
    pub fn messages_per_s(&self) -> f64 {
        if self.messages == 0 {
            return 0.0;
        }
        self.messages as f64 / self.elapsed.as_secs_f64().max(f64::MIN_POSITIVE)
    }

    /// The share, in `[0, 1]`, of its threads' time that the generator was computing. Near 1, it
    /// was the generator that limited the run, and throughput says nothing about the server.
    #[must_use]
    pub fn generator_cpu_share(&self) -> f64 {
        let available = self.elapsed.as_secs_f64() * self.threads as f64;
        // Looked at from two threads, a very short run may seem to have computed for longer than it took.
        (self.generator_cpu.as_secs_f64() / available.max(f64::MIN_POSITIVE)).min(1.0)
    }

    /// Whether the generator was the limit of the run, so that its throughput says nothing about the
    /// server.
    #[must_use]
    pub fn generator_was_the_limit(&self) -> bool {
        self.messages > 0 && self.generator_cpu_share() >= GENERATOR_LIMIT
    }

    /// The generator's CPU time in microseconds per message; 0 when there was no message.
    #[must_use]
    pub fn generator_cpu_us_per_message(&self) -> f64 {
        if self.messages == 0 {
            return 0.0;
        }
        self.generator_cpu.as_secs_f64() * 1e6 / self.messages as f64
    }

    /// Whether every answer was right and nothing failed.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.tally.total() == 0 && self.unanswered == 0
    }
}

#[cfg(test)]
mod tests {
    use super::Latency;

    #[test]
    fn quantiles_are_those_of_all_threads_together() {
        let (mut left, mut right) = (Latency::new(), Latency::new());
        (1..=900).for_each(|_| left.record(1_000));
        (1..=100).for_each(|_| right.record(1_000_000));
        left.merge(&right);
        assert_eq!(left.count(), 1_000);
        assert_eq!(left.quantile_ns(0.5), 1_000);
        let p95 = left.quantile_ns(0.95) as f64;
        assert!((p95 - 1_000_000.0).abs() < 1_000.0, "{p95}");
    }

    #[test]
    fn a_time_beyond_the_range_is_kept_as_the_longest() {
        let mut latency = Latency::new();
        latency.record(u64::MAX);
        assert_eq!(latency.count(), 1);
        assert!(latency.max_ns() > 3_599_000_000_000);
    }
}
