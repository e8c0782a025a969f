//! Two loads compared: which figures have changed, and how sure that is.

use super::{IntervalLine, LoadRecord, Loop};
use crate::estimate::Estimate;

/// A figure that two loads are compared by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are the figures")]
pub enum Figure {
    Throughput,
    P50,
    P90,
    P99,
    P999,
    Max,
    Connect,
}

/// A figure before and now.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Change {
    /// Which.
    pub figure: Figure,
    /// The figure of the whole run before.
    pub before: f64,
    /// The figure of the whole run now.
    pub now: f64,
    /// What the median over the intervals of the run now is, divided by that of the run before; `None` if there are too few
    /// intervals, or the figure isn't known of each. The interval shows the chance within these two runs, and not how
    /// runs differ from each other.
    pub ratio: Option<Estimate>,
}

/// Which way a figure has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trend {
    /// Surely better.
    Better,
    /// Surely worse.
    Worse,
    /// These runs show no change.
    Unseen,
}

/// Fewer intervals than this give no interval of a median.
pub const LEAST_INTERVALS: usize = 6;

impl Figure {
    /// All figures.
    pub const ALL: [Self; 7] = [
        Self::Throughput,
        Self::P50,
        Self::P90,
        Self::P99,
        Self::P999,
        Self::Max,
        Self::Connect,
    ];

    fn of(self, record: &LoadRecord) -> Option<f64> {
        let latency = record.latency_ns;
        let nanos = match self {
            Self::Throughput => {
                return Some(record.messages_per_s).filter(|it| *it > 0.0);
            }
            Self::P50 => latency.p50,
            Self::P90 => latency.p90,
            Self::P99 => latency.p99,
            Self::P999 => latency.p999,
            Self::Max => latency.max,
            Self::Connect => record.connect_latency_ns.p50,
        };
        nanos.map(|it| it as f64).filter(|it| *it > 0.0)
    }

    fn of_interval(self, interval: &IntervalLine) -> Option<f64> {
        let nanos = match self {
            Self::Throughput => return Some(interval.messages_per_s),
            Self::P50 => interval.latency_p50_ns,
            Self::P99 => interval.latency_p99_ns,
            Self::P90 | Self::P999 | Self::Max | Self::Connect => None,
        };
        nanos.map(|it| it as f64)
    }

    /// The figure of each interval. The last one is left out if it is much shorter than the first.
    fn of_intervals(self, record: &LoadRecord) -> Vec<f64> {
        let first = record.intervals.first().map_or(0.0, IntervalLine::length_s);
        let whole = record.intervals.iter();
        let whole = whole.filter(|it| it.length_s() >= first / 2.0);
        whole.filter_map(|it| self.of_interval(it)).collect()
    }
}

impl Change {
    /// By how much the figure is worse if it is `ratio` times that before, as a share of that before; negative if it is better.
    pub fn worsening(&self, ratio: f64) -> f64 {
        match self.figure {
            Figure::Throughput => 1.0 - ratio,
            _ => ratio - 1.0,
        }
    }

    /// The change of the whole run.
    pub fn whole(&self) -> f64 {
        self.now / self.before
    }

    /// Whether the figure is worse by more than `bar`: by the whole run, and by both ends of the interval.
    pub fn is_worse_by(&self, bar: f64) -> bool {
        let worse = |ratio: f64| self.worsening(ratio) > bar;
        worse(self.whole()) && self.ratio.is_some_and(|it| worse(it.low) && worse(it.high))
    }

    /// Which way the figure has changed.
    pub fn trend(&self) -> Trend {
        let better = |ratio: f64| self.worsening(ratio) < 0.0;
        let is_better = self
            .ratio
            .is_some_and(|it| better(it.low) && better(it.high));
        match () {
            () if self.is_worse_by(0.0) => Trend::Worse,
            () if is_better && better(self.whole()) => Trend::Better,
            () => Trend::Unseen,
        }
    }
}

/// How the figures have changed from `before` to `now`. In an open loop, the throughput is what was asked for.
pub fn changes(before: &LoadRecord, now: &LoadRecord) -> Vec<Change> {
    let asked = before.pace == Loop::Open && now.pace == Loop::Open;
    let figures = Figure::ALL.into_iter();
    let figures = figures.filter(|it| *it != Figure::Throughput || !asked);
    let change = |figure: Figure| {
        let [earlier, later] = [before, now].map(|it| figure.of_intervals(it));
        let enough = earlier.len().min(later.len()) >= LEAST_INTERVALS;
        let ratio = enough.then(|| Estimate::of_ratio(later, earlier)).flatten();
        Some(Change {
            figure,
            before: figure.of(before)?,
            now: figure.of(now)?,
            ratio,
        })
    };
    figures.filter_map(change).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::fixture::load;

    fn trends(before: &LoadRecord, now: &LoadRecord) -> Vec<(Figure, Trend)> {
        let all = changes(before, now);
        all.iter().map(|it| (it.figure, it.trend())).collect()
    }

    #[test]
    fn a_slower_server_is_worse_and_the_same_one_is_not() {
        let (before, now) = (load(300.0), load(360.0));
        let changed = trends(&before, &now);
        for figure in [Figure::Throughput, Figure::P50, Figure::P99] {
            assert!(changed.contains(&(figure, Trend::Worse)), "{changed:?}");
            assert!(trends(&now, &before).contains(&(figure, Trend::Better)));
        }
        // Without a figure for each interval, nothing is sure.
        assert!(changed.contains(&(Figure::Max, Trend::Unseen)));
        let same = trends(&before, &before);
        assert!(same.iter().all(|it| it.1 == Trend::Unseen), "{same:?}");
    }

    #[test]
    fn a_change_must_be_larger_than_the_bar_and_sure() {
        let (before, now) = (load(300.0), load(360.0));
        let all = changes(&before, &now);
        let p50 = all.iter().find(|it| it.figure == Figure::P50).unwrap();
        assert!(p50.is_worse_by(0.1) && !p50.is_worse_by(0.25));
        let mut short = now.clone();
        short.intervals.truncate(LEAST_INTERVALS - 1);
        let all = changes(&before, &short);
        assert!(
            all.iter()
                .all(|it| it.ratio.is_none() && !it.is_worse_by(0.1))
        );
    }
}
