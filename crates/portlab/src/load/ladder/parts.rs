//! The parts of a run: how far their latencies differ is how sure the whole's is.

use portlab_load::{Interval, Latency, Progress, Watch};

/// Looks on beside another, and keeps the p99 of each part of what is measured.
pub(super) struct Parts<'a> {
    watch: &'a mut dyn Watch,
    /// Latencies that don't make a part yet.
    begun: Latency,
    p99s_ns: Vec<u64>,
}

/// A part has as many latencies as this at least: two of them are beyond its p99.
const LEAST: u64 = 200;

impl<'a> Parts<'a> {
    pub(super) fn of(watch: &'a mut dyn Watch) -> Self {
        Self {
            watch,
            begun: Latency::new(),
            p99s_ns: Vec::new(),
        }
    }

    /// The p99 of each part, in order of time. What is left at the end and makes no part is no part.
    pub(super) fn p99s_ns(self) -> Vec<u64> {
        self.p99s_ns
    }
}

impl Watch for Parts<'_> {
    fn connected(&mut self, connected: usize) -> bool {
        self.watch.connected(connected)
    }

    fn begin(&mut self) {
        self.watch.begin();
    }

    fn interval(&mut self, interval: &Interval) {
        self.begun.merge(&interval.latency);
        if self.begun.count() >= LEAST {
            self.p99s_ns.push(self.begun.quantile_ns(0.99));
            self.begun = Latency::new();
        }
        self.watch.interval(interval);
    }

    fn end(&mut self) {
        self.watch.end();
    }

    fn drained(&mut self) {
        self.watch.drained();
    }

    fn tick(&mut self, progress: &Progress) {
        self.watch.tick(progress);
    }

    fn wanted_rate(&mut self) -> Option<f64> {
        self.watch.wanted_rate()
    }

    fn interrupted(&self) -> bool {
        self.watch.interrupted()
    }
}
