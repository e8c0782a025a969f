//! A run over time: the figures of its intervals, as many as a record or a chart can use.

use std::time::Duration;

use portlab_stats::record::Histogram;
use schemars::JsonSchema;
use serde::{Serialize, Serializer};

use crate::{Interval, one_line::one_line_each, outcome::interval_per_s, thread_state::nanos};

/// The intervals of a run in order of time, at most [`TimeSeries::MOST`]. In a longer run, neighbours are put together,
/// so that its memory is bounded.
#[derive(Clone, Debug, Default)]
pub struct TimeSeries {
    lines: Vec<IntervalLine>,
    /// How many intervals are put together in each line but the last, less one.
    more_each: usize,
    /// How many are put together in the last line.
    in_last: usize,
}

/// The figures of an interval while measuring. Times count from the beginning of measuring.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct IntervalLine {
    /// When it began.
    pub from_ns: u64,
    /// When it ended.
    pub to_ns: u64,
    /// The rate of an open loop, which may have been changed during the run; `null` in a closed loop.
    pub rate_per_s: Option<f64>,
    /// Messages answered.
    pub messages: u64,
    /// The same per second.
    pub messages_per_s: f64,
    /// The median latency of these messages; `null` if there were none.
    pub latency_p50_ns: Option<u64>,
    /// The latency that 99 of 100 did not exceed.
    pub latency_p99_ns: Option<u64>,
    /// The longest latency.
    pub latency_max_ns: Option<u64>,
    /// Errors.
    pub errors: u64,
    /// Bytes sent.
    pub bytes_sent: u64,
    /// Bytes received.
    pub bytes_received: u64,
    /// Connections open at its end.
    pub open_connections: usize,
    /// Messages in flight at its end.
    pub in_flight: u64,
    /// The share of all threads' time that the generator was computing, from 0 to 1.
    pub generator_cpu_share: f64,
    /// For putting it together with others: the histogram of an [`Interval`] takes 270 KB.
    #[serde(skip)]
    latencies: Histogram,
}

impl TimeSeries {
    /// The most intervals.
    pub const MOST: usize = 300;

    /// Adds the interval that follows.
    pub fn add(&mut self, interval: &Interval) {
        let line = IntervalLine::of(interval);
        if self.in_last <= self.more_each
            && let Some(last) = self.lines.last_mut()
        {
            self.in_last += 1;
            return last.extend(line);
        }
        if self.lines.len() == Self::MOST {
            self.halve();
        }
        self.lines.push(line);
        self.in_last = 1;
    }

    /// The intervals.
    pub fn lines(&self) -> &[IntervalLine] {
        &self.lines
    }

    /// Puts neighbours together.
    fn halve(&mut self) {
        let mut halved: Vec<IntervalLine> = Vec::with_capacity(Self::MOST);
        for (at, line) in self.lines.drain(..).enumerate() {
            match halved.last_mut() {
                Some(last) if at % 2 == 1 => last.extend(line),
                _ => halved.push(line),
            }
        }
        self.lines = halved;
        self.more_each = 2 * self.more_each + 1;
    }
}

impl IntervalLine {
    fn of(interval: &Interval) -> Self {
        let latency = &interval.latency;
        let mut line = Self {
            from_ns: nanos(interval.from),
            to_ns: nanos(interval.to),
            rate_per_s: Some(interval.rate_per_s).filter(|rate| rate.is_finite()),
            messages: interval.messages,
            messages_per_s: interval.messages_per_s(),
            latency_p50_ns: None,
            latency_p99_ns: None,
            latency_max_ns: (latency.count() > 0).then(|| latency.max_ns()),
            errors: interval.errors,
            bytes_sent: interval.bytes_sent,
            bytes_received: interval.bytes_received,
            open_connections: interval.open,
            in_flight: interval.in_flight,
            generator_cpu_share: interval.generator_cpu_share,
            latencies: Histogram(latency.recorded().collect()),
        };
        line.take_quantiles();
        line
    }

    /// Adds the interval that follows, so that both become one. See [`Interval::extend`].
    fn extend(&mut self, next: Self) {
        let cpu = |line: &Self| line.generator_cpu_share * (line.to_ns - line.from_ns) as f64;
        let both = cpu(self) + cpu(&next);
        self.to_ns = next.to_ns;
        let length = Duration::from_nanos(self.to_ns - self.from_ns);
        self.generator_cpu_share = both / nanos(length).max(1) as f64;
        self.rate_per_s = match (self.rate_per_s, next.rate_per_s) {
            (Some(one), Some(other)) => Some(one.max(other)),
            (one, other) => one.or(other),
        };
        self.messages += next.messages;
        let rate_per_s = self.rate_per_s.unwrap_or(f64::INFINITY);
        self.messages_per_s = interval_per_s(self.messages, rate_per_s, length);
        self.errors += next.errors;
        self.bytes_sent += next.bytes_sent;
        self.bytes_received += next.bytes_received;
        self.latency_max_ns = self.latency_max_ns.max(next.latency_max_ns);
        self.latencies.add(&next.latencies);
        (self.open_connections, self.in_flight) = (next.open_connections, next.in_flight);
        self.take_quantiles();
    }

    fn take_quantiles(&mut self) {
        self.latency_p50_ns = self.latencies.quantile(0.5);
        self.latency_p99_ns = self.latencies.quantile(0.99);
    }
}

/// As JSON a list, each interval in a line.
impl Serialize for TimeSeries {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        one_line_each(&self.lines, to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Latency;

    fn interval(number: u64) -> Interval {
        let mut latency = Latency::new();
        latency.record(1_000 * (number + 1));
        Interval {
            from: Duration::from_millis(number),
            to: Duration::from_millis(number + 1),
            rate_per_s: f64::INFINITY,
            messages: 1,
            latency,
            uncorrected: Latency::new(),
            pacing_lag: Latency::new(),
            errors: 2,
            bytes_sent: 3,
            bytes_received: 4,
            open: 5,
            in_flight: number,
            generator_cpu_share: 0.5,
        }
    }

    #[test]
    fn a_long_run_has_longer_intervals_and_none_is_lost() {
        let mut series = TimeSeries::default();
        let all = 7 * TimeSeries::MOST as u64 + 3;
        for number in 0..all {
            series.add(&interval(number));
            let lines = series.lines();
            assert!(lines.len() <= TimeSeries::MOST);
            let sum = |of: fn(&IntervalLine) -> u64| lines.iter().map(of).sum::<u64>();
            let sums = (
                sum(|it| it.messages),
                sum(|it| it.errors),
                sum(|it| it.bytes_received),
            );
            let count = number + 1;
            assert_eq!(sums, (count, 2 * count, 4 * count));
            assert!(
                lines
                    .windows(2)
                    .all(|pair| pair[0].to_ns == pair[1].from_ns)
            );
        }
        let (lines, mut rest) = (series.lines(), series.lines().iter());
        let last = rest.next_back().unwrap();
        assert_eq!((last.to_ns, last.in_flight), (all * 1_000_000, all - 1));
        assert!(rest.all(|it| it.messages == 8), "{lines:?}");
        let first = &lines[0];
        // The quantiles of eight latencies, 1 µs to 8 µs.
        assert_eq!(first.latency_p50_ns, Some(4_001));
        assert_eq!(first.latency_p99_ns, Some(8_003));
        assert_eq!(
            (first.messages_per_s, first.generator_cpu_share),
            (1_000.0, 0.5)
        );
    }

    #[test]
    fn an_interval_without_a_message_has_no_latency() {
        let mut series = TimeSeries::default();
        series.add(&Interval {
            messages: 0,
            latency: Latency::new(),
            ..interval(0)
        });
        let line = serde_json::to_value(&series).unwrap();
        assert!(line[0]["latency_p50_ns"].is_null() && line[0]["rate_per_s"].is_null());
        assert_eq!(line[0]["messages"], 0);
    }
}
