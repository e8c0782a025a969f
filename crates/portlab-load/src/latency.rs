//! Histograms of times.

use std::{borrow::Cow, fmt, time::Duration};

use portlab_stats::{load::Quantiles, record::Histogram};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Serialize, Serializer};

/// Buckets of [`Latency::rounded`] from a latency to its double: each is two per cent wide.
const BUCKETS_PER_DOUBLE: f64 = 32.0;

/// The longest latency of the histogram. Nothing is dropped: a longer latency counts as this one.
const LONGEST: Duration = Duration::from_secs(3600);

/// A histogram of times, each kept to three significant digits.
///
/// Its size is fixed, however many times are recorded. Histograms of several threads are merged, so that a quantile is
/// that of all messages, and not an average of quantiles.
///
/// Source: G. Tene's HdrHistogram.
#[derive(Clone)]
pub struct Latency(hdrhistogram::Histogram<u64>);

impl Latency {
    /// A histogram of no times.
    pub fn new() -> Self {
        let longest = LONGEST.as_nanos() as u64;
        let histogram = hdrhistogram::Histogram::new_with_bounds(1, longest, 3);
        Self(histogram.expect("these bounds are valid, as every test shows"))
    }

    /// Adds a time in nanoseconds.
    pub fn record(&mut self, nanos: u64) {
        self.0.saturating_record(nanos.max(1));
    }

    /// Adds all that `other` has recorded.
    pub fn merge(&mut self, other: &Self) {
        if other.0.is_empty() {
            return;
        }
        self.0
            .add(&other.0)
            .expect("all histograms here have the same bounds");
    }

    /// The time in nanoseconds that a share `quantile`, in `[0, 1]`, of all messages did not
    /// exceed; 0 when there were none.
    pub fn quantile_ns(&self, quantile: f64) -> u64 {
        self.0.value_at_quantile(quantile)
    }

    /// The quantiles that a result shows.
    pub fn quantiles(&self) -> Quantiles {
        let known = self.count() > 0;
        let at = |quantile| known.then(|| self.quantile_ns(quantile));
        Quantiles {
            count: self.count(),
            mean: known.then(|| self.mean_ns()),
            p50: at(0.5),
            p90: at(0.9),
            p99: at(0.99),
            p999: at(0.999),
            max: known.then(|| self.max_ns()),
        }
    }

    /// The times that were recorded, in nanoseconds and in rising order, and how often each was. A time is rounded up to
    /// the histogram's precision.
    pub fn recorded(&self) -> impl Iterator<Item = (u64, u64)> {
        let steps = self.0.iter_recorded();
        steps.map(|step| (step.value_iterated_to(), step.count_at_value()))
    }

    /// What was recorded, in buckets that are two per cent wide: small enough for a record.
    pub fn rounded(&self) -> Histogram {
        let mut rounded = Histogram::default();
        for (nanos, count) in self.recorded() {
            let bucket = (nanos.max(1) as f64).log2() * BUCKETS_PER_DOUBLE;
            let upper = (bucket.ceil() / BUCKETS_PER_DOUBLE).exp2().round() as u64;
            match rounded.0.last_mut() {
                Some((last, sum)) if *last == upper => *sum += count,
                _ => rounded.0.push((upper, count)),
            }
        }
        rounded
    }

    /// How many times are longer than `nanos`, as far as the histogram's precision shows.
    pub fn count_above(&self, nanos: u64) -> u64 {
        let longer = self.recorded().filter(|(time, _)| *time > nanos);
        longer.map(|(_, count)| count).sum()
    }

    /// The longest time in nanoseconds.
    pub fn max_ns(&self) -> u64 {
        self.0.max()
    }

    /// The mean in nanoseconds; 0 when there were none.
    pub fn mean_ns(&self) -> f64 {
        self.0.mean()
    }

    /// How many were recorded.
    pub fn count(&self) -> u64 {
        self.0.len()
    }

    pub(crate) fn histogram(&self) -> &hdrhistogram::Histogram<u64> {
        &self.0
    }
}

/// As JSON, its quantiles.
impl Serialize for Latency {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        self.quantiles().serialize(to)
    }
}

impl JsonSchema for Latency {
    fn schema_name() -> Cow<'static, str> {
        Quantiles::schema_name()
    }

    fn schema_id() -> Cow<'static, str> {
        Quantiles::schema_id()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        Quantiles::json_schema(generator)
    }
}

/// The figures, without the thousands of counters.
impl fmt::Debug for Latency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Latency")
            .field("count", &self.count())
            .field("p50_ns", &self.quantile_ns(0.5))
            .field("p99_ns", &self.quantile_ns(0.99))
            .field("max_ns", &self.max_ns())
            .finish()
    }
}

impl Default for Latency {
    fn default() -> Self {
        Self::new()
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

    #[test]
    fn a_rounded_histogram_keeps_every_latency_to_two_per_cent() {
        let mut latency = Latency::new();
        for nanos in (1..2_000).map(|step| step * 1_111) {
            latency.record(nanos);
        }
        let histogram = latency.rounded();
        assert_eq!(histogram.count(), latency.count());
        assert!(histogram.0.is_sorted_by(|a, b| a.0 < b.0));
        assert!(histogram.0.len() < 350, "{}", histogram.0.len());
        for quantile in [0.01, 0.5, 0.99, 1.0] {
            let (exact, kept) = (latency.quantile_ns(quantile), histogram.quantile(quantile));
            let error = kept.unwrap() as f64 / exact as f64 - 1.0;
            assert!((-0.01..0.025).contains(&error), "{quantile}: {error}");
        }
    }
}
