//! The figures that are exported, added up over the intervals of one run or several.

use crate::{Interval, Latency, Pace, Plan};

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
    /// Errors of the runs before, and of this one.
    errors_before: u64,
    errors_now: u64,
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

    /// This run has had so many errors.
    pub(super) fn see_errors(&mut self, errors: u64) {
        self.errors_now = self.errors_now.max(errors);
    }

    /// A run is over that had so many errors.
    pub(super) fn end_run(&mut self, errors: u64) {
        self.see_errors(errors);
        self.errors_before += std::mem::take(&mut self.errors_now);
        (self.open, self.in_flight) = (0, 0);
    }

    pub(super) fn errors(&self) -> u64 {
        self.errors_before + self.errors_now
    }
}
