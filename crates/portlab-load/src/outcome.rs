//! What a run has measured.

use std::time::Duration;

use portlab_stats::summary::GENERATOR_LIMIT;

use crate::{
    Answers, ChatFindings, Datagrams, Ended, Endings, Exchanges, Fairness, Latency, Outages, Plan,
    Tally, TargetFigures, TimeSeries,
    stats::{Little, Stats},
    tls::Handshakes,
};

/// What a run has measured, over all of its threads.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// Connections that were open when the load began, or when the run ended before that.
    pub connected: usize,
    /// Connections that were open when measuring ended.
    pub alive: usize,
    /// How long it took until the last connection was made, or had failed.
    pub connect_phase: Duration,
    /// How long each connection took, those of churn included.
    pub connect_latency: Latency,
    /// The handshakes of TLS.
    pub(crate) handshakes: Handshakes,
    /// Messages whose answer was complete and correct, since the run began.
    pub answered: u64,
    /// The same while measuring.
    pub messages: u64,
    /// Messages answered between [`Watch::begin`](crate::Watch::begin) and [`Watch::end`](crate::Watch::end).
    pub metered_messages: u64,
    /// How long was measured, without warm-up and drain.
    pub elapsed: Duration,
    /// How long the messages that became due while measuring take at the rate of an open loop, where that is
    /// longer. Zero in a closed loop, and where the rate was changed during the run.
    pub by_rate: Duration,
    /// From when a message was due to the last byte of its answer, of every message that became due while measuring
    /// and was answered. In a closed loop, a message is due when the connection can send it.
    pub latency: Latency,
    /// The same messages, from when they were sent: what a tool measures that ignores coordinated omission. Empty in
    /// a closed loop, where both are the same.
    pub uncorrected: Latency,
    /// How late the generator itself sent: from when a message was due and a connection free to when it was sent.
    /// Empty in a closed loop.
    pub pacing_lag: Latency,
    /// Messages that were due while measuring and never sent, because no connection was free.
    pub due_not_sent: u64,
    /// How often, while measuring, a connection waited for its turn to be made.
    pub held_back: u64,
    /// Messages sent whose answers had not come when the run ended, or their connection was lost.
    pub unanswered: u64,
    /// Bytes sent since the run began.
    pub bytes_sent: u64,
    /// Bytes received since the run began.
    pub bytes_received: u64,
    /// The errors.
    pub tally: Tally,
    /// What answers began with.
    pub answers: Answers,
    /// What was measured of each exchange of a dialogue file; empty without one.
    pub exchanges: Exchanges,
    /// Connections that the server closed while they were in use.
    pub endings: Endings,
    /// When no connection could be made, although connections that end are made again.
    pub outages: Outages,
    /// The figures of each target, if there are several.
    pub by_target: Vec<TargetFigures>,
    /// What became of datagrams; `None` with other targets.
    pub datagrams: Option<Datagrams>,
    /// How evenly connections were served; `None` when none was.
    pub fairness: Option<Fairness>,
    /// CPU time that each of the generator's threads used while measuring.
    pub generator_cpu: Vec<Duration>,
    /// The same, including the time that a thread polled without an event.
    pub(crate) generator_ran: Vec<Duration>,
    /// How long each of them waited for a processor while measuring, because other threads ran.
    pub generator_waited: Vec<Duration>,
    /// How long each of them was kept from running while measuring, as far as that is unusual for the machine.
    pub generator_stalled: Vec<Duration>,
    /// Processors that the generator might use.
    pub cores: usize,
    /// How the run ended.
    pub ended: Ended,
    /// What a load of a chat has found beside that.
    pub chat: Option<ChatFindings>,
    /// The rate that was asked for at the end, per second, if it was changed during the run.
    pub rate_changed_to: Option<f64>,
    /// When the run began, in seconds since 1970 (UTC).
    pub started_unix_s: u64,
    /// What was measured, interval by interval.
    pub series: TimeSeries,
    pub(crate) little: Little,
}

/// A stretch of a run while measuring.
#[derive(Clone, Debug, Default)]
pub struct Interval {
    /// When it began, since measuring did.
    pub from: Duration,
    /// When it ended.
    pub to: Duration,
    /// Messages per second that were asked for; infinite in a closed loop.
    pub rate_per_s: f64,
    /// Messages answered.
    pub messages: u64,
    /// Latency of the messages answered, from when they were due.
    pub latency: Latency,
    /// The same from when they were sent; empty in a closed loop.
    pub uncorrected: Latency,
    /// How late the generator was; empty in a closed loop.
    pub pacing_lag: Latency,
    /// Bytes sent.
    pub bytes_sent: u64,
    /// Bytes received.
    pub bytes_received: u64,
    /// Errors.
    pub errors: u64,
    /// Connections open at its end.
    pub open: usize,
    /// Messages in flight at its end.
    pub in_flight: u64,
    /// The share of its threads' time that the generator was computing, in `[0, 1]`.
    pub generator_cpu_share: f64,
}

/// The share, in `[0, 1]`, of a runnable time that was spent waiting.
pub(crate) fn wait_share(waited: Duration, ran: Duration) -> Option<f64> {
    let runnable = waited + ran;
    (!runnable.is_zero()).then(|| waited.as_secs_f64() / runnable.as_secs_f64())
}

/// `count` divided by `time`, per second; 0 if `count` is 0.
pub(crate) fn per_s(count: u64, time: Duration) -> f64 {
    count as f64 / time.as_secs_f64().max(f64::MIN_POSITIVE)
}

/// How long `due` messages take at `rate_per_s`, of which all became due within `elapsed`.
///
/// N messages at a rate of R take N / R: the last message takes the time until the next would be due, even if the
/// run ended before. So a run of one message isn't faster than its rate. If messages are `counted`, the run ends with
/// the last of them. Otherwise it ends by the clock between two messages, and they take at most one interval more than
/// `elapsed`.
fn time_of(due: u64, rate_per_s: f64, elapsed: Duration, counted: bool) -> Duration {
    let by_rate = due as f64 / rate_per_s;
    let most = match counted {
        true => f64::INFINITY,
        false => elapsed.as_secs_f64() + 1.0 / rate_per_s,
    };
    // At a low rate, the product may exceed the longest `Duration`.
    Duration::try_from_secs_f64(by_rate.min(most)).unwrap_or(Duration::MAX)
}

/// `messages` per second in an interval of this `length`, in which `rate_per_s` was asked for.
pub(crate) fn interval_per_s(messages: u64, rate_per_s: f64, length: Duration) -> f64 {
    per_s(
        messages,
        length.max(time_of(messages, rate_per_s, length, false)),
    )
}

/// The share of its messages that a server may be behind with and still keep up.
const KEPT_UP: f64 = 0.05;

impl Interval {
    /// How long it lasted.
    pub fn length(&self) -> Duration {
        self.to.saturating_sub(self.from)
    }

    /// Messages answered per second; a short interval with one message isn't faster than the asked rate.
    pub fn messages_per_s(&self) -> f64 {
        interval_per_s(self.messages, self.rate_per_s, self.length())
    }

    /// Bytes sent, and bytes received, per second.
    pub fn bytes_per_s(&self) -> (f64, f64) {
        let length = self.length();
        (
            per_s(self.bytes_sent, length),
            per_s(self.bytes_received, length),
        )
    }

    /// Adds the interval that follows, so that both become one.
    pub fn extend(&mut self, next: &Self) {
        let cpu = |interval: &Self| interval.generator_cpu_share * interval.length().as_secs_f64();
        let both = cpu(self) + cpu(next);
        self.to = next.to;
        self.rate_per_s = self.rate_per_s.max(next.rate_per_s);
        self.generator_cpu_share = both / self.length().as_secs_f64().max(f64::MIN_POSITIVE);
        self.messages += next.messages;
        self.bytes_sent += next.bytes_sent;
        self.bytes_received += next.bytes_received;
        self.errors += next.errors;
        self.latency.merge(&next.latency);
        self.uncorrected.merge(&next.uncorrected);
        self.pacing_lag.merge(&next.pacing_lag);
        (self.open, self.in_flight) = (next.open, next.in_flight);
    }
}

impl Outcome {
    pub(crate) fn empty(threads: usize) -> Self {
        let none = || vec![Duration::ZERO; threads];
        Self {
            generator_cpu: none(),
            generator_ran: none(),
            generator_waited: none(),
            generator_stalled: none(),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            ..Self::default()
        }
    }

    /// Adds the statistics of a thread.
    pub(crate) fn take_in(&mut self, stats: &Stats) {
        self.connect_latency.merge(&stats.connect);
        self.handshakes.merge(&stats.handshakes);
        self.latency.merge(&stats.latency);
        self.uncorrected.merge(&stats.uncorrected);
        self.pacing_lag.merge(&stats.lag);
        self.messages += stats.messages;
        self.bytes_sent += stats.bytes_sent;
        self.bytes_received += stats.bytes_received;
        self.tally.merge(&stats.tally);
        TargetFigures::merge_all(&mut self.by_target, &stats.by_target);
        self.little.add(stats.little);
        self.held_back += stats.held_back;
    }

    /// How long each handshake of TLS took.
    pub fn handshake_latency(&self) -> &Latency {
        &self.handshakes.latency
    }

    /// How many threads generated the load.
    pub fn threads(&self) -> usize {
        self.generator_cpu.len()
    }

    /// Whether the run was ended before its time, by its user.
    pub fn interrupted(&self) -> bool {
        self.ended == Ended::Interrupted
    }

    /// How long the messages that were measured took: the time measured, or what their rate makes it.
    pub fn time(&self) -> Duration {
        self.elapsed.max(self.by_rate)
    }

    /// Sets how long the messages of `plan` take at its rate.
    pub fn take_time_by(&mut self, plan: &Plan) {
        if let (Some(rate_per_s), None) = (plan.pace.rate_per_s(), self.rate_changed_to) {
            let counted = plan.stop.messages.is_some();
            self.by_rate = time_of(self.due(), rate_per_s, self.elapsed, counted);
        }
    }

    /// Messages per second; 0 when nothing was measured.
    pub fn messages_per_s(&self) -> f64 {
        per_s(self.messages, self.time())
    }

    /// The share, in `[0, 1]`, of its time that each of the generator's threads was computing.
    pub fn generator_cpu_shares(&self) -> Vec<f64> {
        let elapsed = self.elapsed.as_secs_f64().max(f64::MIN_POSITIVE);
        // Two threads read the clock: in a very short run, the CPU time may exceed the elapsed time.
        let share = |cpu: &Duration| (cpu.as_secs_f64() / elapsed).min(1.0);
        self.generator_cpu.iter().map(share).collect()
    }

    /// The same over all threads.
    pub fn generator_cpu_share(&self) -> f64 {
        let shares = self.generator_cpu_shares();
        shares.iter().sum::<f64>() / shares.len() as f64
    }

    /// Whether the generator was the limit of the run, so that the throughput says nothing about the server. One
    /// thread at its limit is enough.
    pub fn generator_was_the_limit(&self) -> bool {
        self.messages > 0 && self.busiest_thread() >= GENERATOR_LIMIT
    }

    /// The share, in `[0, 1]`, of its time that the busiest of the generator's threads was computing.
    pub fn busiest_thread(&self) -> f64 {
        self.generator_cpu_shares().into_iter().fold(0.0, f64::max)
    }

    /// The share, in `[0, 1]`, of their runnable time that the generator's threads waited for a processor
    /// while measuring; `None` if they never ran. 0 where the kernel doesn't keep account of waiting.
    pub fn generator_wait_share(&self) -> Option<f64> {
        let ran = self.generator_ran.iter().sum();
        wait_share(self.generator_waited.iter().sum(), ran)
    }

    /// The longest time that a thread was kept from running.
    pub fn longest_stalled(&self) -> Duration {
        self.generator_stalled
            .iter()
            .max()
            .copied()
            .unwrap_or_default()
    }

    /// The generator's CPU time in microseconds per message; 0 when there was no message.
    pub fn generator_cpu_us_per_message(&self) -> f64 {
        if self.messages == 0 {
            return 0.0;
        }
        let cpu: Duration = self.generator_cpu.iter().sum();
        cpu.as_secs_f64() * 1e6 / self.messages as f64
    }

    /// The messages that became due while measuring, answered or not.
    pub fn due(&self) -> u64 {
        self.latency.count() + self.unanswered + self.due_not_sent
    }

    /// Whether the server kept up with an open loop of `plan`: of what became due while measuring, all
    /// but a twentieth was answered by its end.
    ///
    /// Some more messages may be unanswered: those that a server of this latency always has in flight, as far as
    /// they were not yet in flight when measuring began, because the warm-up was shorter than an answer takes; and
    /// those that chance adds. The connections bound the messages in flight: the others wait, because the server is slow.
    pub fn kept_up(&self, plan: &Plan) -> bool {
        let Some(rate_per_s) = plan.pace.rate_per_s() else {
            return true;
        };
        let missing = self.due().saturating_sub(self.messages) as f64;
        // The quickest tenth shows the server's own latency: if a queue grows, the other messages waited in it.
        let quick_s = self.latency.quantile_ns(0.1) as f64 / 1e9;
        let late_start_s = (quick_s - plan.warmup.as_secs_f64()).max(0.0);
        let chance = 1.0 + 2.0 * (rate_per_s * quick_s).sqrt();
        let slots = match self.chat {
            None => (plan.connections * plan.depth) as f64,
            Some(_) => f64::INFINITY,
        };
        let in_flight = (rate_per_s * late_start_s).min(slots);
        missing <= KEPT_UP * self.due() as f64 + in_flight + chance
    }

    /// By how much a closed loop misses Little's law, N = X R, as a share of N: N is what the connections should
    /// have had in flight, X R what they had. Far from 0, some connections didn't send when they could. `None` for
    /// other loops, where messages are counted (one connection ends before another), and where connections end
    /// while several messages are in flight.
    pub fn littles_law_residual(&self) -> Option<f64> {
        self.little.residual()
    }

    /// Whether every answer was correct, or every promise of a chat was kept, and nothing failed.
    pub fn is_clean(&self) -> bool {
        let answered = self.unanswered == 0 && self.due_not_sent == 0;
        self.is_sound() && self.tally.total() == 0 && answered
    }

    /// Whether every promise of a chat was kept, and no target was away in the end.
    pub(crate) fn is_sound(&self) -> bool {
        let is_kept = self.chat.as_ref().is_none_or(|it| it.violations == 0);
        is_kept && !self.outages.goes_on()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_at_a_rate_take_their_number_divided_by_it() {
        let time = |due, rate, elapsed_ms, counted| {
            let elapsed = Duration::from_millis(elapsed_ms);
            time_of(due, rate, elapsed, counted).as_millis()
        };
        assert_eq!(time(1, 10.0, 1, true), 100);
        assert_eq!(time(100, 10.0, 9_901, true), 10_000);
        // Poisson arrivals may come early: ten messages that are counted, and twelve in a run by the clock.
        assert_eq!(time(10, 10.0, 600, true), 1_000);
        assert_eq!(time(12, 10.0, 1_000, false), 1_100);
        assert_eq!(time(2, 1.0, 1_050, false), 2_000);
        assert_eq!(time(0, 10.0, 1_050, false), 0);
    }
}
