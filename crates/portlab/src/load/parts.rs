//! The parts of a run: how far their latencies differ shows how sure the latency of the whole run is.

use portlab_load::Latency;

/// The latencies of each part of a run, in order of time.
#[derive(Default)]
pub(super) struct Parts {
    parts: Vec<Latency>,
    /// How many latencies a part has at least.
    least: u64,
}

/// Of this many latencies two are above the p99.
const LEAST: u64 = 200;

/// The most parts: in a long run, parts become longer instead.
const MOST: usize = 40;

impl Parts {
    /// Adds the latencies of the next interval.
    pub(super) fn add(&mut self, latency: &Latency) {
        self.least = self.least.max(LEAST);
        if let Some(last) = self.parts.last_mut()
            && last.count() < self.least
        {
            return last.merge(latency);
        }
        if self.parts.len() == MOST {
            for at in 0..MOST / 2 {
                let next = self.parts.remove(at + 1);
                self.parts[at].merge(&next);
            }
            let counts = self.parts.iter().map(Latency::count);
            self.least = counts.min().unwrap_or(LEAST);
        }
        self.parts.push(latency.clone());
    }

    /// The p99 of each whole part; a shorter rest at the end is left out.
    pub(super) fn p99s_ns(self) -> Vec<u64> {
        let parts = self.parts.iter();
        let whole = parts.filter(|part| part.count() >= self.least);
        whole.map(|part| part.quantile_ns(0.99)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_has_enough_latencies_and_a_long_run_has_few_parts() {
        let p99s = |intervals: u64, each: u64| {
            let mut parts = Parts::default();
            for interval in 1..=intervals {
                let mut latency = Latency::new();
                (0..each).for_each(|_| latency.record(interval));
                parts.add(&latency);
            }
            parts.p99s_ns()
        };
        assert_eq!(p99s(7, 200), [1, 2, 3, 4, 5, 6, 7]);
        assert_eq!(p99s(7, 100), [2, 4, 6]);
        assert_eq!(p99s(7, 0), [0; 0]);
        let long: Vec<_> = (1..=25).map(|part| part * 4).collect();
        assert_eq!(p99s(100, 200), long);
    }
}
