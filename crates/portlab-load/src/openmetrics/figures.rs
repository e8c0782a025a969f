//! The figures that are exported, added up over the intervals of one run or several.

use std::collections::BTreeMap;

use crate::{Interval, Latency, Outcome, Pace, Phase, Plan, TargetFigures};

/// What a run does at the moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Stage {
    #[default]
    Connecting,
    WarmingUp,
    Measuring,
    Draining,
    Done,
}

/// The figures so far.
#[derive(Debug, Default)]
pub(super) struct Figures {
    pub(super) target: String,
    pub(super) script: &'static str,
    pub(super) stage: Stage,
    /// Messages answered while measuring.
    pub(super) messages: u64,
    pub(super) bytes_sent: u64,
    pub(super) bytes_received: u64,
    /// How long was measured, in seconds.
    pub(super) measured_s: f64,
    /// The latency of the messages answered while measuring.
    pub(super) latency: Latency,
    /// Empty in a closed loop.
    pub(super) pacing_lag: Latency,
    /// Messages per second that are asked for; `None` in a closed loop.
    pub(super) asked_per_s: Option<f64>,
    /// The gauges of the last interval.
    pub(super) open: usize,
    pub(super) in_flight: u64,
    pub(super) generator_cpu_share: f64,
    /// The names of the targets, if there are several.
    pub(super) targets: Vec<String>,
    /// What the runs before have counted, and this one.
    before: Counts,
    now: Counts,
}

/// Errors, and the figures of each target.
#[derive(Clone, Debug, Default)]
pub(super) struct Counts {
    pub(super) errors: BTreeMap<Phase, u64>,
    pub(super) targets: Vec<TargetFigures>,
}

impl Stage {
    pub(super) const ALL: [(Self, &'static str); 5] = [
        (Self::Connecting, "connecting"),
        (Self::WarmingUp, "warming_up"),
        (Self::Measuring, "measuring"),
        (Self::Draining, "draining"),
        (Self::Done, "done"),
    ];
}

impl Figures {
    pub(super) fn begin_run(&mut self, plan: &Plan) {
        self.target = plan.targets_text();
        self.targets = match &plan.targets[..] {
            [_] => Vec::new(),
            several => several.iter().map(ToString::to_string).collect(),
        };
        let exchanges = plan.script.program.iter().flat_map(|it| it.exchanges());
        let is_dialogue = exchanges.into_iter().any(|it| it.source.is_some());
        self.script = match plan.pace {
            Pace::Idle => "idle",
            _ if plan.script.chat.is_some() => "chat",
            _ if is_dialogue => "dialogue",
            _ if plan.checks_every_byte() => "echo",
            _ => "request",
        };
        self.stage = Stage::Connecting;
        self.asked_per_s = plan.pace.rate_per_s();
        (self.open, self.in_flight, self.generator_cpu_share) = (0, 0, 0.0);
    }

    pub(super) fn add(&mut self, interval: &Interval) {
        self.messages += interval.messages;
        self.bytes_sent += interval.bytes_sent;
        self.bytes_received += interval.bytes_received;
        self.measured_s += interval.length().as_secs_f64();
        self.latency.merge(&interval.latency);
        self.pacing_lag.merge(&interval.pacing_lag);
        // The keys of the screen change it.
        self.asked_per_s = self.asked_per_s.map(|_| interval.rate_per_s);
        (self.open, self.in_flight) = (interval.open, interval.in_flight);
        self.generator_cpu_share = interval.generator_cpu_share;
    }

    /// This run has had this outcome so far.
    pub(super) fn count(&mut self, so_far: &Outcome) {
        let mut errors = BTreeMap::new();
        for failure in so_far.tally.failures() {
            *errors.entry(failure.phase).or_default() += failure.count;
        }
        self.now = Counts {
            errors,
            targets: so_far.by_target.clone(),
        };
    }

    /// A run is over.
    pub(super) fn end_run(&mut self) {
        self.before = self.counts();
        self.now = Counts::default();
        (self.open, self.in_flight) = (0, 0);
    }

    /// What all runs have counted.
    pub(super) fn counts(&self) -> Counts {
        let mut all = self.before.clone();
        for (phase, count) in &self.now.errors {
            *all.errors.entry(*phase).or_default() += count;
        }
        TargetFigures::merge_all(&mut all.targets, &self.now.targets);
        all
    }
}
