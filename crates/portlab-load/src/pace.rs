//! When messages are sent.

use std::{collections::VecDeque, fmt, str::FromStr};

use portlab_words::{Text, tr};

/// When the next message is sent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Pace {
    /// Closed loop: a connection sends its next message when an answer has come. Such a load slows
    /// down with its server, and never overloads it.
    Closed,
    /// Open loop: messages become due at a fixed rate, whatever the server does. Latency counts from when a message was
    /// due, so a server that stalls is charged with all the messages that had to wait, and not only with those that it
    /// had accepted (coordinated omission).
    Open {
        /// Messages per second, over all connections; more than 0.
        rate_per_s: f64,
        /// How the arrivals are spread.
        arrivals: Arrivals,
    },
    /// Nothing is sent; connections are held open.
    Idle,
}

impl Pace {
    /// Messages per second of an open loop.
    pub fn rate_per_s(self) -> Option<f64> {
        match self {
            Self::Open { rate_per_s, .. } => Some(rate_per_s),
            Self::Closed | Self::Idle => None,
        }
    }
}

/// How the messages of an open loop are spread over time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Arrivals {
    /// With equal intervals.
    #[default]
    Uniform,
    /// Independently of each other, as from very many users: the intervals are exponentially distributed.
    Poisson,
}

impl FromStr for Arrivals {
    type Err = Text;

    fn from_str(text: &str) -> Result<Self, Text> {
        match text {
            "uniform" => Ok(Self::Uniform),
            "poisson" => Ok(Self::Poisson),
            _ => Err(tr!(
                "unknown arrivals {text:?}: expected uniform or poisson",
                "未知的到达方式 {text:?}：应为 uniform 或 poisson"
            )),
        }
    }
}

impl fmt::Display for Arrivals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Uniform => "uniform",
            Self::Poisson => "poisson",
        })
    }
}

/// The times at which one thread's messages are due. They aren't stored: a thread that is behind calls `pop` later.
///
/// All threads count the ticks of one clock, one tick for each message of the whole run. With uniform arrivals, tick `k`
/// belongs to connection `k` modulo the number of connections, and so to that connection's thread: then the messages of
/// all threads together have equal intervals, and each connection has its turn.
#[derive(Debug)]
pub(crate) struct Schedule {
    arrivals: Arrivals,
    random: fastrand::Rng,
    part: Part,
    clock: Clock,
    /// The tick at which the next message is due.
    next: f64,
}

/// Which part of a load falls to one thread: connections `thread`, `thread + threads`, ...
#[derive(Clone, Copy, Debug)]
pub(crate) struct Part {
    pub(crate) thread: usize,
    pub(crate) threads: usize,
    /// All connections of the run, at least as many as there are threads.
    pub(crate) connections: usize,
}

/// A clock whose rate may be changed while it runs.
#[derive(Debug)]
struct Clock {
    /// In order of time; the first applies to the next message.
    stretches: VecDeque<Stretch>,
}

/// A part of the clock with one rate: from `from_ns` on, in nanoseconds since the run began, ticks are `interval_ns`
/// apart.
#[derive(Clone, Copy, Debug)]
struct Stretch {
    from_ns: f64,
    from_tick: f64,
    interval_ns: f64,
}

impl Part {
    /// The share of all connections, in `(0, 1]`.
    fn weight(self) -> f64 {
        self.ticks_before(self.connections as u64) as f64 / self.connections as f64
    }

    /// How many of the ticks before `tick` are of this part.
    fn ticks_before(self, tick: u64) -> u64 {
        let (thread, threads) = (self.thread as u64, self.threads as u64);
        let own = |connections: u64| connections.saturating_sub(thread).div_ceil(threads);
        let connections = self.connections as u64;
        tick / connections * own(connections) + own(tick % connections)
    }

    /// The tick of this part that follows `tick`, which is one of its own.
    fn after(self, tick: u64) -> u64 {
        let (threads, connections) = (self.threads as u64, self.connections as u64);
        let connection = tick % connections;
        if connection + threads < connections {
            tick + threads
        } else {
            tick - connection + connections + self.thread as u64
        }
    }
}

impl Clock {
    fn time_of(&self, tick: f64) -> f64 {
        let later = self.stretches.iter().rev();
        let mut in_force = later.filter(|stretch| stretch.from_tick <= tick);
        let stretch = in_force.next().unwrap_or(&self.stretches[0]);
        stretch.from_ns + (tick - stretch.from_tick) * stretch.interval_ns
    }

    fn tick_at(&self, time_ns: f64) -> f64 {
        let later = self.stretches.iter().rev();
        let mut in_force = later.filter(|stretch| stretch.from_ns <= time_ns);
        let stretch = in_force.next().unwrap_or(&self.stretches[0]);
        stretch.from_tick + (time_ns - stretch.from_ns) / stretch.interval_ns
    }

    /// Drops the stretches that end before `tick`.
    fn forget_before(&mut self, tick: f64) {
        while self
            .stretches
            .get(1)
            .is_some_and(|next| next.from_tick <= tick)
        {
            self.stretches.pop_front();
        }
    }
}

impl Schedule {
    /// The schedule of one thread's `part` of a load of `rate_per_s` in all, from `start` (in
    /// nanoseconds since the run began) on.
    pub(crate) fn new(
        arrivals: Arrivals,
        rate_per_s: f64,
        part: Part,
        seed: u64,
        start: u64,
    ) -> Self {
        let stretch = Stretch {
            from_ns: start as f64,
            from_tick: 0.0,
            interval_ns: 1e9 / rate_per_s,
        };
        let mut schedule = Self {
            arrivals,
            // Neighbouring seeds give unrelated sequences.
            random: fastrand::Rng::with_seed(seed.wrapping_add(part.thread as u64)),
            part,
            clock: Clock {
                stretches: VecDeque::from([stretch]),
            },
            next: part.thread as f64,
        };
        if arrivals == Arrivals::Poisson {
            schedule.next = 0.0;
            schedule.pop();
        }
        schedule
    }

    /// When the next message is due.
    pub(crate) fn next(&self) -> u64 {
        self.clock.time_of(self.next) as u64
    }

    /// Takes the next message off the schedule, and returns when it is, or was, due.
    pub(crate) fn pop(&mut self) -> u64 {
        let due = self.next();
        self.next = match self.arrivals {
            Arrivals::Uniform => self.part.after(self.next as u64) as f64,
            // 1 - u is never 0, whose logarithm is infinite.
            Arrivals::Poisson => self.next - (1.0 - self.random.f64()).ln() / self.part.weight(),
        };
        self.clock.forget_before(self.next);
        due
    }

    /// Changes the rate from `now` on. Messages that are due already stay due. The time until the next message changes
    /// in proportion: at a low rate, it may be long.
    pub(crate) fn set_rate(&mut self, rate_per_s: f64, now: u64) {
        let stretch = Stretch {
            from_ns: now as f64,
            from_tick: self.clock.tick_at(now as f64),
            interval_ns: 1e9 / rate_per_s,
        };
        self.clock.stretches.push_back(stretch);
        self.clock.forget_before(self.next);
    }

    /// The mean interval between two messages of this thread, in nanoseconds.
    pub(crate) fn interval_ns(&self) -> f64 {
        self.clock.stretches[0].interval_ns / self.part.weight()
    }

    /// How many messages are due before `until` and not taken: exact for uniform arrivals, the expected number for
    /// Poisson arrivals.
    pub(crate) fn due_before(&self, until: u64) -> u64 {
        let end = self.clock.tick_at(until as f64);
        if end <= self.next {
            return 0;
        }
        match self.arrivals {
            Arrivals::Uniform => {
                let (next, end) = (self.next as u64, end.ceil() as u64);
                self.part.ticks_before(end) - self.part.ticks_before(next)
            }
            Arrivals::Poisson => ((end - self.next) * self.part.weight()).ceil() as u64,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A schedule of one thread, of `rate_per_s` from 0 on.
    fn uniform(rate_per_s: f64) -> Schedule {
        let part = Part {
            thread: 0,
            threads: 1,
            connections: 7,
        };
        Schedule::new(Arrivals::Uniform, rate_per_s, part, 0, 0)
    }

    fn all(arrivals: Arrivals, threads: usize, until: u64) -> Vec<u64> {
        let mut all = Vec::new();
        for thread in 0..threads {
            // Some numbers of threads don't divide the number of connections.
            let part = Part {
                thread,
                threads,
                connections: 10,
            };
            let mut schedule = Schedule::new(arrivals, 10_000.0, part, 7, 1_000);
            let due = schedule.due_before(until);
            let before = all.len() as u64;
            while schedule.next() < until {
                all.push(schedule.pop());
            }
            if arrivals == Arrivals::Uniform {
                assert_eq!(due, all.len() as u64 - before);
            }
        }
        all.sort_unstable();
        all
    }

    fn gaps(due: &[u64]) -> impl Iterator<Item = u64> {
        due.windows(2).map(|pair| pair[1] - pair[0])
    }

    #[test]
    fn uniform_arrivals_have_equal_intervals_over_all_threads() {
        for threads in [1, 2, 3, 4, 7, 10] {
            let due = all(Arrivals::Uniform, threads, 1_000_001_000);
            assert_eq!(due.len(), 10_000, "{threads} threads");
            assert!(gaps(&due).all(|gap| gap.abs_diff(100_000) <= 1));
        }
    }

    #[test]
    fn poisson_arrivals_have_the_rate_and_the_spread_of_a_poisson_process() {
        for threads in [1, 3] {
            let due = all(Arrivals::Poisson, threads, 10_000_001_000);
            // Of 100,000 expected, one standard deviation is 316.
            assert!(due.len().abs_diff(100_000) < 1_600, "{}", due.len());
            let count = due.len() as f64 - 1.0;
            let mean = (due[due.len() - 1] - due[0]) as f64 / count;
            let longer = gaps(&due).filter(|gap| *gap as f64 > mean).count() as f64 / count;
            // An interval of an exponential distribution is longer than the mean with probability 1/e.
            assert!((longer - 0.3679).abs() < 0.01, "{longer}");
            let again = all(Arrivals::Poisson, threads, 10_000_001_000);
            assert_eq!(due, again, "seeded");
        }
    }

    #[test]
    fn what_is_due_and_not_taken_is_counted() {
        let mut schedule = uniform(1_000.0);
        assert_eq!(schedule.due_before(0), 0);
        assert_eq!(schedule.due_before(5_000_001), 6);
        schedule.pop();
        assert_eq!(schedule.due_before(5_000_001), 5);
    }

    #[test]
    fn another_rate_holds_from_now_on_and_what_was_due_stays_due() {
        let mut schedule = uniform(1_000.0);
        schedule.pop();
        schedule.set_rate(2_000.0, 0);
        assert_eq!(schedule.next(), 500_000);
        // Three are due by now, at the old rate; the fourth comes at the new one.
        schedule.set_rate(500.0, 1_700_000);
        let due: Vec<_> = (0..5).map(|_| schedule.pop()).collect();
        assert_eq!(due, [500_000, 1_000_000, 1_500_000, 2_900_000, 4_900_000]);
    }

    #[test]
    fn a_rate_may_be_changed_again_and_again_while_nothing_can_be_sent() {
        const SECOND: u64 = 1_000_000_000;
        let mut schedule = uniform(1_000.0);
        schedule.set_rate(100.0, SECOND);
        assert_eq!(schedule.due_before(10 * SECOND), 1_000 + 900);
        schedule.set_rate(10.0, 2 * SECOND);
        assert_eq!(schedule.due_before(3 * SECOND), 1_000 + 100 + 10);
        let mut due = 0;
        while schedule.next() < 3 * SECOND {
            schedule.pop();
            due += 1;
        }
        assert_eq!(due, 1_110);
        // Stretches that are over are dropped.
        assert_eq!(schedule.clock.stretches.len(), 1);
    }
}
