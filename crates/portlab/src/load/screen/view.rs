//! What there is to be seen of a run.

use std::{collections::VecDeque, time::Duration};

use portlab_load::{Interval, Latency, Pace, Plan, Progress};

use portlab_words::tr;

use super::super::words::{connecting, headline, waiting};
use crate::args::lang;

/// How many intervals the charts hold: five minutes.
const HELD: usize = 1200;

/// A moment in seconds, and what was so then.
pub(super) type Point = (f64, f64);

/// What there is to be seen.
pub(super) struct View {
    /// The plan; its rate is the one that the keys have asked for.
    pub(super) plan: Plan,
    pub(super) colours: bool,
    stage: Stage,
    /// How much is over, in `[0, 1]`.
    pub(super) share: f64,
    dialled: u64,
    /// For the last answers, from now on.
    waiting: Duration,
    pub(super) now: Option<Now>,
    pub(super) errors: u64,
    pub(super) throughput: VecDeque<Point>,
    /// As powers of ten: between a fast and a stalled server lie many.
    pub(super) p50: VecDeque<Point>,
    pub(super) p99: VecDeque<Point>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    Connecting,
    WarmingUp,
    Measuring,
    Waiting,
    Ending,
}

/// The figures of the last interval; times in nanoseconds, none where nothing was recorded.
#[derive(Clone, Copy, Debug)]
pub(super) struct Now {
    pub(super) at: Duration,
    pub(super) messages_per_s: f64,
    pub(super) p50_ns: Option<u64>,
    pub(super) p99_ns: Option<u64>,
    pub(super) max_ns: Option<u64>,
    pub(super) lag_p99_ns: Option<u64>,
    pub(super) open: usize,
    pub(super) in_flight: u64,
    pub(super) generator_cpu_share: f64,
}

impl View {
    pub(super) fn new(plan: &Plan, colours: bool) -> Self {
        Self {
            plan: plan.clone(),
            colours,
            stage: Stage::Connecting,
            share: 0.0,
            dialled: 0,
            waiting: Duration::ZERO,
            now: None,
            errors: 0,
            throughput: VecDeque::new(),
            p50: VecDeque::new(),
            p99: VecDeque::new(),
        }
    }

    /// All connections stand.
    pub(super) fn connected(&mut self) {
        self.reach(Stage::WarmingUp);
    }

    /// An interval is over.
    pub(super) fn add(&mut self, interval: &Interval) {
        self.reach(Stage::Measuring);
        let now = Now::of(interval);
        let at = now.at.as_secs_f64();
        self.errors += interval.errors;
        push(&mut self.throughput, (at, now.messages_per_s));
        let log = |nanos: u64| (nanos.max(1) as f64).log10();
        if let (Some(p50), Some(p99)) = (now.p50_ns, now.p99_ns) {
            push(&mut self.p50, (at, log(p50)));
            push(&mut self.p99, (at, log(p99)));
        }
        self.now = Some(now);
    }

    /// Time has passed; says whether that is to be seen.
    pub(super) fn go_on(&mut self, progress: &Progress) -> bool {
        let before = (self.state(), self.percent());
        self.share = progress.share.clamp(0.0, 1.0);
        self.dialled = progress.dialled;
        if let Some(left) = progress.waiting {
            self.waiting = left;
            self.reach(Stage::Waiting);
        }
        before != (self.state(), self.percent())
    }

    /// The run is to end.
    pub(super) fn end(&mut self) {
        self.reach(Stage::Ending);
    }

    /// The rate of an open loop times `factor`.
    pub(super) fn change_rate(&mut self, factor: f64) -> Option<f64> {
        let Pace::Open { rate_per_s, .. } = &mut self.plan.pace else {
            return None;
        };
        *rate_per_s = (*rate_per_s * factor).clamp(0.1, 10e6);
        Some(*rate_per_s)
    }

    /// What is done.
    pub(super) fn title(&self) -> String {
        headline(&self.plan, lang())
    }

    /// How far it has come.
    pub(super) fn state(&self) -> String {
        let lang = lang();
        match self.stage {
            Stage::Connecting => connecting(self.dialled, self.plan.connections, lang),
            Stage::WarmingUp => lang.pick("warming up", "正在预热").to_owned(),
            Stage::Measuring => {
                let at = self.now.map_or(0.0, |now| now.at.as_secs_f64());
                match self.plan.stop.after {
                    Some(planned) => {
                        let planned = planned.as_secs_f64();
                        tr!(lang, "{at:.0} of {planned:.0} s", "{at:.0}/{planned:.0} s")
                    }
                    None => format!("{at:.0} s"),
                }
            }
            Stage::Waiting => {
                let waiting = waiting(self.waiting, lang);
                tr!(lang, "{waiting}; q ends it", "{waiting}；按 q 结束")
            }
            Stage::Ending => lang
                .pick(
                    "ending; once more to end at once",
                    "正在结束；再按一次立即结束",
                )
                .to_owned(),
        }
    }

    /// Whether it is known how much is still to come.
    pub(super) fn has_an_end(&self) -> bool {
        self.plan.stop.after.is_some() || self.plan.stop.messages.is_some()
    }

    pub(super) fn is_idle(&self) -> bool {
        self.plan.pace == Pace::Idle
    }

    fn percent(&self) -> u8 {
        (self.share * 100.0) as u8
    }

    /// A stage that is over does not come again: what is told late was before.
    fn reach(&mut self, stage: Stage) {
        self.stage = self.stage.max(stage);
    }
}

impl Now {
    fn of(interval: &Interval) -> Self {
        let known = |latency: &Latency, nanos: u64| (latency.count() > 0).then_some(nanos);
        let (latency, lag) = (&interval.latency, &interval.pacing_lag);
        Self {
            at: interval.to,
            messages_per_s: interval.messages_per_s(),
            p50_ns: known(latency, latency.quantile_ns(0.5)),
            p99_ns: known(latency, latency.quantile_ns(0.99)),
            max_ns: known(latency, latency.max_ns()),
            lag_p99_ns: known(lag, lag.quantile_ns(0.99)),
            open: interval.open,
            in_flight: interval.in_flight,
            generator_cpu_share: interval.generator_cpu_share.clamp(0.0, 1.0),
        }
    }
}

fn push(points: &mut VecDeque<Point>, point: Point) {
    if points.len() == HELD {
        points.pop_front();
    }
    points.push_back(point);
}
