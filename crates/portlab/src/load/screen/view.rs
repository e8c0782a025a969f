//! The state of a run that the screen shows.

use std::collections::VecDeque;

use portlab_load::{Interval, Latency, Pace, Plan, Progress};
use portlab_words::tr;

use super::super::words::stage;
use crate::args::lang;

/// How many intervals the charts hold: five minutes.
const HELD: usize = 1200;

/// A moment in seconds, and a value at that moment.
pub(super) type Point = (f64, f64);

/// The state of a run that the screen shows.
pub(super) struct View {
    /// The plan; its rate is the one that the keys have asked for.
    pub(super) plan: Plan,
    pub(super) colours: bool,
    /// Whether a key has asked for the end.
    pub(super) ends: bool,
    pub(super) progress: Progress,
    /// The last interval.
    pub(super) last: Option<Interval>,
    pub(super) errors: u64,
    pub(super) throughput: VecDeque<Point>,
    /// As powers of ten, because latencies differ by many of them.
    pub(super) p50: VecDeque<Point>,
    pub(super) p99: VecDeque<Point>,
    /// The latency of the whole run so far.
    pub(super) latency: Latency,
}

impl View {
    pub(super) fn new(plan: &Plan, colours: bool) -> Self {
        Self {
            plan: plan.clone(),
            colours,
            ends: false,
            progress: Progress::default(),
            last: None,
            errors: 0,
            throughput: VecDeque::new(),
            p50: VecDeque::new(),
            p99: VecDeque::new(),
            latency: Latency::new(),
        }
    }

    /// Adds an interval that is over.
    pub(super) fn add(&mut self, interval: &Interval) {
        let (at, latency) = (interval.to.as_secs_f64(), &interval.latency);
        self.errors += interval.errors;
        self.latency.merge(latency);
        push(&mut self.throughput, (at, interval.messages_per_s()));
        if latency.count() > 0 {
            let log = |quantile| (latency.quantile_ns(quantile).max(1) as f64).log10();
            push(&mut self.p50, (at, log(0.5)));
            push(&mut self.p99, (at, log(0.99)));
        }
        self.last = Some(interval.clone());
    }

    /// Updates the progress; returns whether the screen changes by that.
    pub(super) fn update(&mut self, progress: &Progress) -> bool {
        let seen = |view: &Self| (view.state(), (view.progress.share * 100.0) as u8);
        let before = seen(self);
        self.progress = *progress;
        before != seen(self)
    }

    /// The rate of an open loop times `factor`.
    pub(super) fn change_rate(&mut self, factor: f64) -> Option<f64> {
        let Pace::Open { rate_per_s, .. } = &mut self.plan.pace else {
            return None;
        };
        *rate_per_s = (*rate_per_s * factor).clamp(0.1, 10e6);
        Some(*rate_per_s)
    }

    /// How far the run has come.
    pub(super) fn state(&self) -> String {
        let (lang, plan) = (lang(), &self.plan);
        if self.ends {
            return tr!(
                lang,
                "ending; press again to end at once",
                "正在结束；再按一次立即结束"
            );
        }
        let stage = stage(&self.progress, plan.connections, lang);
        if self.progress.waiting.is_some() {
            return tr!(lang, "{stage}; q ends the run", "{stage}；按 q 结束");
        }
        let Some(at) = self.last.as_ref().map(|it| it.to.as_secs_f64()) else {
            return stage;
        };
        match plan.stop.after.map(|it| it.as_secs_f64()) {
            Some(planned) => tr!(lang, "{at:.0} of {planned:.0} s", "{at:.0}/{planned:.0} s"),
            None => format!("{at:.0} s"),
        }
    }

    /// Whether the run has a planned end.
    pub(super) fn has_an_end(&self) -> bool {
        self.plan.stop.after.is_some() || self.plan.stop.messages.is_some()
    }

    pub(super) fn is_idle(&self) -> bool {
        self.plan.pace == Pace::Idle
    }
}

fn push(points: &mut VecDeque<Point>, point: Point) {
    if points.len() == HELD {
        points.pop_front();
    }
    points.push_back(point);
}
