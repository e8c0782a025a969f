//! A run over time: the figures of its intervals, as many as a record or a chart can use.

use std::time::Duration;

use portlab_stats::{load::IntervalLine, one_line::one_line_each, record::Histogram};
use serde::{Serialize, Serializer};

use crate::{Interval, outcome::interval_per_s, thread_state::nanos};

/// The intervals of a run in order of time, at most [`TimeSeries::MOST`]. In a longer run, neighbours are put together,
/// so that its memory is bounded.
#[derive(Clone, Debug, Default)]
pub struct TimeSeries {
    lines: Vec<Line>,
    /// How many intervals are put together in each line but the last, less one.
    more_each: usize,
    /// How many are put together in the last line.
    in_last: usize,
}

/// An interval, and its latencies, for putting it together with others: the histogram of an [`Interval`] takes 270 KB.
#[derive(Clone, Debug)]
struct Line {
    shown: IntervalLine,
    latencies: Histogram,
}

impl TimeSeries {
    /// The most intervals.
    pub const MOST: usize = 300;

    /// Adds the interval that follows.
    pub fn add(&mut self, interval: &Interval) {
        let line = Line::of(interval);
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
    pub fn lines(&self) -> Vec<IntervalLine> {
        self.lines.iter().map(|line| line.shown).collect()
    }

    /// Puts neighbours together.
    fn halve(&mut self) {
        let mut halved: Vec<Line> = Vec::with_capacity(Self::MOST);
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

impl Line {
    fn of(interval: &Interval) -> Self {
        let latency = &interval.latency;
        let latencies = Histogram(latency.recorded().collect());
        let shown = IntervalLine {
            from_ns: nanos(interval.from),
            to_ns: nanos(interval.to),
            rate_per_s: Some(interval.rate_per_s).filter(|rate| rate.is_finite()),
            messages: interval.messages,
            messages_per_s: interval.messages_per_s(),
            latency_p50_ns: latencies.quantile(0.5),
            latency_p99_ns: latencies.quantile(0.99),
            latency_max_ns: (latency.count() > 0).then(|| latency.max_ns()),
            errors: interval.errors,
            bytes_sent: interval.bytes_sent,
            bytes_received: interval.bytes_received,
            open_connections: interval.open as u64,
            in_flight: interval.in_flight,
            generator_cpu_share: interval.generator_cpu_share,
        };
        Self { shown, latencies }
    }

    /// Adds the interval that follows, so that both become one. See [`Interval::extend`].
    fn extend(&mut self, next: Self) {
        let (one, other) = (self.shown, next.shown);
        self.latencies.add(&next.latencies);
        let length = Duration::from_nanos(other.to_ns - one.from_ns);
        let cpu = |line: IntervalLine| line.generator_cpu_share * line.length_s();
        let rate_per_s = match (one.rate_per_s, other.rate_per_s) {
            (Some(one), Some(other)) => Some(one.max(other)),
            (one, other) => one.or(other),
        };
        let messages = one.messages + other.messages;
        let asked = rate_per_s.unwrap_or(f64::INFINITY);
        self.shown = IntervalLine {
            from_ns: one.from_ns,
            rate_per_s,
            messages,
            messages_per_s: interval_per_s(messages, asked, length),
            latency_p50_ns: self.latencies.quantile(0.5),
            latency_p99_ns: self.latencies.quantile(0.99),
            latency_max_ns: one.latency_max_ns.max(other.latency_max_ns),
            errors: one.errors + other.errors,
            bytes_sent: one.bytes_sent + other.bytes_sent,
            bytes_received: one.bytes_received + other.bytes_received,
            generator_cpu_share: (cpu(one) + cpu(other)) / length.as_secs_f64().max(1e-9),
            ..other
        };
    }
}

/// As JSON a list, each interval in a line.
impl Serialize for TimeSeries {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        one_line_each(&self.lines(), to)
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
        let lines = series.lines();
        let mut rest = lines.iter();
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
