//! The parts of a run: how far they differ shows how sure the figures of the whole run are.

use crate::{Interval, Latency};

/// The parts of a run, in order of time.
#[derive(Clone, Debug, Default)]
pub struct Parts {
    parts: Vec<Part>,
    /// How many latencies a part has at least.
    least: u64,
}

/// A part of a run.
#[derive(Clone, Debug)]
pub(super) struct Part {
    pub(super) latency: Latency,
    pub(super) messages: u64,
    pub(super) seconds: f64,
}

/// Of this many latencies two are above the p99.
const LEAST: u64 = 200;

/// The most parts: in a long run, parts become longer instead.
const MOST: usize = 40;

impl Parts {
    /// Adds the next interval.
    pub fn add(&mut self, interval: &Interval) {
        let next = Part {
            latency: interval.latency.clone(),
            messages: interval.messages,
            seconds: interval.length().as_secs_f64(),
        };
        self.least = self.least.max(LEAST);
        if let Some(last) = self.parts.last_mut()
            && last.latency.count() < self.least
        {
            return last.extend(&next);
        }
        if self.parts.len() == MOST {
            for at in 0..MOST / 2 {
                let next = self.parts.remove(at + 1);
                self.parts[at].extend(&next);
            }
            let counts = self.parts.iter().map(|part| part.latency.count());
            self.least = counts.min().unwrap_or(LEAST);
        }
        self.parts.push(next);
    }

    /// The p99 of each whole part.
    pub fn p99s_ns(&self) -> Vec<u64> {
        let whole = self.whole();
        whole.map(|part| part.latency.quantile_ns(0.99)).collect()
    }

    /// The parts without a shorter rest at the end.
    pub(super) fn whole(&self) -> impl Iterator<Item = &Part> {
        let parts = self.parts.iter();
        parts.filter(|part| part.latency.count() >= self.least)
    }
}

impl Part {
    fn extend(&mut self, next: &Self) {
        self.latency.merge(&next.latency);
        self.messages += next.messages;
        self.seconds += next.seconds;
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::time::Duration;

    use super::*;

    /// The parts of a run whose intervals have these latencies.
    pub(in crate::limits) fn parts(intervals: impl IntoIterator<Item = Latency>) -> Parts {
        let mut parts = Parts::default();
        for (number, latency) in (0..).zip(intervals) {
            parts.add(&Interval {
                from: Duration::from_secs(number),
                to: Duration::from_secs(number + 1),
                rate_per_s: f64::INFINITY,
                messages: latency.count(),
                latency,
                uncorrected: Latency::new(),
                pacing_lag: Latency::new(),
                bytes_sent: 0,
                bytes_received: 0,
                errors: 0,
                open: 1,
                in_flight: 1,
                generator_cpu_share: 0.1,
            });
        }
        parts
    }

    #[test]
    fn a_part_has_enough_latencies_and_a_long_run_has_few_parts() {
        let p99s = |intervals: u64, each: u64| {
            let latency = |interval| {
                let mut latency = Latency::new();
                (0..each).for_each(|_| latency.record(interval));
                latency
            };
            parts((1..=intervals).map(latency)).p99s_ns()
        };
        assert_eq!(p99s(7, 200), [1, 2, 3, 4, 5, 6, 7]);
        assert_eq!(p99s(7, 100), [2, 4, 6]);
        assert_eq!(p99s(7, 0), [0; 0]);
        let long: Vec<_> = (1..=25).map(|part| part * 4).collect();
        assert_eq!(p99s(100, 200), long);
    }

    #[test]
    fn the_messages_and_the_time_of_a_part_are_those_of_its_intervals() {
        let hundred = || {
            let mut latency = Latency::new();
            (0..100).for_each(|_| latency.record(1));
            latency
        };
        let parts = parts((0..5).map(|_| hundred()));
        let whole: Vec<_> = parts.whole().map(|it| (it.messages, it.seconds)).collect();
        assert_eq!(whole, [(200, 2.0), (200, 2.0)]);
    }
}
