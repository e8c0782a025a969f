//! Loading a chat: members in rooms. Some members send messages, and all members of their room must
//! receive them.
//!
//! A chat has no answers. What is measured is the time until the last member of a room has received a
//! message (its *fan-out*). What is checked is the whole history: nothing lost, nothing doubled, each
//! sender's order kept, one order per room, nothing from another room.

mod crowd;
mod history;
mod run;

use std::{net::SocketAddr, time::Duration};

pub use self::{crowd::RunId, history::Violation, run::run_chat};
use crate::{
    Doubt, Ended, Endings, Latency, Pace, Plan, PlanError, Sample, Stop, Tally, Through,
    outcome::{per_s, wait_share},
};

/// What a load of a chat is to do.
#[derive(Clone, Debug)]
pub struct ChatPlan {
    /// The chat's port.
    pub target: SocketAddr,
    /// The proxy that connections are made to, instead of `target`.
    pub through: Option<Through>,
    /// How many members there are, in all rooms: at least two for each room.
    pub members: usize,
    /// How many rooms, at least one.
    pub rooms: usize,
    /// When messages are sent: at a rate over all members, or each when an earlier one has reached its
    /// whole room.
    pub pace: Pace,
    /// In a closed loop, how many messages may be on their way at a time, over all rooms.
    pub depth: usize,
    /// The encodings that members use, in turn; at least one.
    pub tongues: Vec<Tongue>,
    /// How long messages are sent before measuring begins, while the server still announces new members;
    /// zero when messages are counted.
    pub warmup: Duration,
    /// When measuring ends.
    pub stop: Stop,
    /// How long a member's connection may take to be made.
    pub connect_timeout: Duration,
    /// How long a member may take to get in, and the last messages to reach their rooms.
    pub timeout: Duration,
    /// The seed of all random choices.
    pub seed: u64,
    /// What the names of its members and rooms begin with.
    pub run: RunId,
    /// How often [`Watch::interval`](crate::Watch::interval) is called.
    pub interval: Duration,
}

/// The most messages of an open loop that are on their way.
const MOST_UNDER_WAY: usize = 1 << 18;
/// The most deliveries that are waited for. Each takes 16 bytes.
const MOST_DELIVERIES: usize = 4 << 20;
/// The most bytes of text that wait for a server that doesn't read.
const MOST_UNSENT: usize = 64 << 20;

/// An encoding that members of a chat use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tongue {
    /// Its name, as the chat's `/encoding` takes it.
    pub label: String,
    /// The end of every message, without a line feed: the same text in each encoding.
    pub filler: Vec<u8>,
}

/// What a load of a chat has measured and found.
#[derive(Clone, Debug)]
pub struct ChatOutcome {
    /// Members that got in.
    pub members: usize,
    /// How long it took until all members had got in.
    pub connect_phase: Duration,
    /// Messages that reached their whole room while measuring.
    pub messages: u64,
    /// Messages that hadn't reached their whole room when the run ended.
    pub unheard: u64,
    /// Messages that were due and never sent.
    pub due_not_sent: u64,
    /// How often a member received a message while measuring, that is between
    /// [`Watch::begin`](crate::Watch::begin) and [`Watch::end`](crate::Watch::end).
    pub deliveries: u64,
    /// How long was measured, warm-up and drain excluded.
    pub elapsed: Duration,
    /// How long the messages that became due while measuring take at the rate of an open loop.
    pub by_rate: Duration,
    /// From when a message became due, while measuring, to when the last member received it.
    pub fan_out: Latency,
    /// The same, to when each member received it.
    pub delivery: Latency,
    /// How late the generator itself was; empty in a closed loop.
    pub pacing_lag: Latency,
    /// What went wrong.
    pub tally: Tally,
    /// How many promises were not kept.
    pub violations: u64,
    /// The first of them.
    pub first_violations: Vec<Violation>,
    /// Lines that members received from clients that don't belong to this run.
    pub strangers: u64,
    /// The beginning of the first of them.
    pub first_stranger: Option<Sample>,
    /// Connections that the server ended.
    pub endings: Endings,
    /// CPU time that the generator used while measuring.
    pub generator_cpu: Duration,
    /// How long it waited for a processor while measuring, because others ran.
    pub generator_waited: Duration,
    /// How the run came to its end.
    pub ended: Ended,
}

impl ChatPlan {
    /// A run that counts its messages measures them all, from the first one on.
    fn warmup(&self) -> Duration {
        match self.stop.messages {
            Some(_) => Duration::ZERO,
            None => self.warmup,
        }
    }

    /// How many messages may be on their way: in an open loop as many as memory is set aside for. The others
    /// are due and not sent.
    fn most_under_way(&self) -> usize {
        if self.pace.rate_per_s().is_none() {
            return self.depth;
        }
        let audience = self.members.div_ceil(self.rooms);
        let longest = self.tongues.iter().map(|it| it.filler.len()).max();
        // The number, a space and the line feed.
        let text = longest.unwrap_or_default() + 24;
        MOST_UNDER_WAY
            .min(MOST_DELIVERIES / audience)
            .min(MOST_UNSENT / text)
    }

    /// Checks what can be known before the run.
    ///
    /// # Errors
    /// When a number is out of its range, or there are too few file descriptors.
    pub fn check(&self) -> Result<(), PlanError> {
        let plan = Plan {
            connections: self.members,
            pace: self.pace,
            depth: self.depth,
            stop: self.stop,
            ..Plan::new(self.target)
        };
        plan.check()?;
        if self.rooms == 0 {
            return Err(PlanError::Zero("the number of rooms"));
        }
        if self.members < self.rooms * 2 {
            return Err(PlanError::Lonely {
                members: self.members,
                rooms: self.rooms,
            });
        }
        Ok(())
    }
}

impl ChatOutcome {
    /// Messages that reached their whole room, per second.
    #[must_use]
    pub fn messages_per_s(&self) -> f64 {
        per_s(self.messages, self.elapsed.max(self.by_rate))
    }

    /// Deliveries per second.
    #[must_use]
    pub fn deliveries_per_s(&self) -> f64 {
        per_s(self.deliveries, self.elapsed.max(self.by_rate))
    }

    /// The share, in `[0, 1]`, of its time that the generator was computing.
    #[must_use]
    pub fn generator_cpu_share(&self) -> f64 {
        let elapsed = self.elapsed.as_secs_f64().max(f64::MIN_POSITIVE);
        (self.generator_cpu.as_secs_f64() / elapsed).min(1.0)
    }

    /// The share, in `[0, 1]`, of its runnable time that the generator waited for a processor while
    /// measuring; `None` if it never ran. 0 where the kernel doesn't keep account of waiting.
    #[must_use]
    pub fn generator_wait_share(&self) -> Option<f64> {
        wait_share(self.generator_waited, self.generator_cpu)
    }

    /// Whether all promises were kept and nothing failed.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.violations == 0 && self.tally.total() == 0 && self.unheard == 0
    }

    /// The reasons to doubt the figures.
    #[must_use]
    pub fn doubts(&self) -> Vec<Doubt> {
        let mut doubts = Vec::new();
        let share = self.generator_cpu_share();
        let (lag_p99_ns, latency_p99_ns) = (
            self.pacing_lag.quantile_ns(0.99),
            self.fan_out.quantile_ns(0.99),
        );
        let (unanswered, due_not_sent) = (self.unheard, self.due_not_sent);
        let all = self.ended == Ended::NobodyLeft;
        let closed = Doubt::ChatClosed {
            endings: self.endings,
            all,
        };
        for (applies, doubt) in [
            (
                self.messages == 0,
                Doubt::NotHeard {
                    without_errors: self.tally.total() == 0,
                },
            ),
            (Doubt::is_limit(share), Doubt::GeneratorLimit { share }),
            (
                Doubt::is_late(lag_p99_ns, latency_p99_ns),
                Doubt::PacingLag {
                    lag_p99_ns,
                    latency_p99_ns,
                },
            ),
            (
                unanswered + due_not_sent > 0,
                Doubt::Missing {
                    unanswered,
                    due_not_sent,
                    others: self.messages > 0,
                },
            ),
            (
                self.tally.total() > 0,
                Doubt::Errors {
                    count: self.tally.total(),
                    others: false,
                },
            ),
            (
                Doubt::is_few(self.messages),
                Doubt::FewSamples {
                    count: self.messages,
                },
            ),
            (
                self.ended != Ended::Done && !(all && self.endings.closed > 0),
                Doubt::EndedEarly,
            ),
            (!self.endings.is_none(), closed),
        ] {
            if applies {
                doubts.push(doubt);
            }
        }
        doubts
    }
}

/// Takes the lines in `input` as lines that members of one run receive: the first byte of a line says which
/// member. For `tests/fuzz/`.
///
/// # Panics
/// When the history counts more violations than lines and members allow.
pub fn fuzz_lines(input: &[u8]) {
    /// How many messages each member has sent.
    const SAID: u64 = 3;
    let run = RunId::of(*b"fuzzed");
    let filler = b"0123456789";
    let mut history = history::History::new(4, 2);
    let mut lines = 0;
    for line in input.split(|byte| *byte == b'\n') {
        let Some((member, line)) = line.split_first() else {
            continue;
        };
        let member = usize::from(*member) % 4;
        lines += 1;
        match crowd::read_line(line, run, filler) {
            crowd::Heard::Message(message) => drop(history.heard(member, message, SAID)),
            crowd::Heard::Garbled(_) => history.garbled(member),
            _ => {}
        }
    }
    let said = (0..4).map(|member| (member, SAID)).collect();
    history.end(&said, |_| false);
    // A line breaks at most one promise of each member, and at the end each member may miss messages.
    let (count, _) = history.violations();
    assert!(
        count <= 4 * lines + 8,
        "{count} violations in {lines} lines"
    );
}
