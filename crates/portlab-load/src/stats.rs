//! The statistics of a thread, which it sends to the coordinator at the end of every turn.

use std::time::Duration;

use crate::{
    Cause, ErrorAnswer, Latency, Phase, Tally, TargetFigures, WrongAnswer, stage::Stages,
    tls::Handshakes,
};

/// The statistics of one thread since it sent the last ones.
///
/// Everything is recorded once, here: the totals of a run and its intervals are both sums of these statistics.
#[derive(Debug, Default)]
pub(crate) struct Stats {
    /// How long connections took to be made.
    pub(crate) connect: Latency,
    /// The handshakes of TLS.
    pub(crate) handshakes: Handshakes,
    /// From the time a message was due to the last byte of its answer.
    pub(crate) latency: Latency,
    /// From the time a message was sent; open loop only, for in a closed loop it is the same.
    pub(crate) uncorrected: Latency,
    /// How late the generator itself sent a message; open loop only.
    pub(crate) lag: Latency,
    /// Messages answered while measuring.
    pub(crate) messages: u64,
    /// How long the thread measured while it collected these statistics.
    pub(crate) measured: Duration,
    pub(crate) bytes_sent: u64,
    pub(crate) bytes_received: u64,
    pub(crate) tally: Tally,
    /// The figures of each target, if there are several.
    pub(crate) by_target: Vec<TargetFigures>,
    /// The thread's CPU time while measuring.
    pub(crate) cpu: Duration,
    /// The same, including the time that the thread polled without an event.
    pub(crate) ran: Duration,
    /// How long the thread waited for a processor.
    pub(crate) waited: Duration,
    /// How long the thread was kept from running, as far as that is unusual for the machine.
    pub(crate) stalled: Duration,
    /// How often a connection waited for its turn to be made, because so many were under way.
    pub(crate) held_back: u64,
    pub(crate) little: Little,
    /// Connections open, and messages in flight, when the statistics were sent. They aren't added up.
    pub(crate) open: usize,
    pub(crate) in_flight: u64,
}

/// The two sides of Little's law, N = X R, each multiplied by the time measured: the messages that the connections
/// should have in flight, and those that were. They differ if a connection doesn't send when it could.
///
/// Source: J. Little, "A proof for the queuing formula L = λW", 1961.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Little {
    /// N: messages that were to be in flight, times how long, in nanoseconds.
    pub(crate) capacity_ns: f64,
    /// X R: how long messages were in flight while measuring, added up, in nanoseconds.
    pub(crate) in_flight_ns: f64,
}

impl Little {
    pub(crate) fn add(&mut self, other: Self) {
        self.capacity_ns += other.capacity_ns;
        self.in_flight_ns += other.in_flight_ns;
    }

    /// By how much the law is missed, as a share of N; `None` when nothing was to be in flight.
    pub(crate) fn residual(self) -> Option<f64> {
        (self.capacity_ns > 0.0).then(|| self.in_flight_ns / self.capacity_ns - 1.0)
    }
}

impl Stats {
    /// An answer was complete, and an error by its own protocol.
    pub(crate) fn add_error_answer(&mut self, error: ErrorAnswer, stages: &Stages) {
        self.tally.add(Phase::Verify, Cause::ErrorAnswer(error));
        // The coordinator checks every few milliseconds whether there are too many.
        stages.count_error();
    }

    /// An answer was complete, and not as a condition says.
    pub(crate) fn add_wrong_answer(&mut self, wrong: WrongAnswer, stages: &Stages) {
        self.tally.add_wrong_answer(wrong);
        stages.count_error();
    }

    /// Adds the statistics of another thread, or of a later turn.
    pub(crate) fn merge(&mut self, other: &Self) {
        self.connect.merge(&other.connect);
        self.handshakes.merge(&other.handshakes);
        self.latency.merge(&other.latency);
        self.uncorrected.merge(&other.uncorrected);
        self.lag.merge(&other.lag);
        self.messages += other.messages;
        self.measured += other.measured;
        self.bytes_sent += other.bytes_sent;
        self.bytes_received += other.bytes_received;
        self.tally.merge(&other.tally);
        TargetFigures::merge_all(&mut self.by_target, &other.by_target);
        self.cpu += other.cpu;
        self.ran += other.ran;
        self.waited += other.waited;
        self.stalled += other.stalled;
        self.held_back += other.held_back;
        self.little.add(other.little);
    }
}
