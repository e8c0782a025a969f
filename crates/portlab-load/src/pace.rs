//! When messages are sent.

use std::{fmt, str::FromStr};

/// When the next message is sent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Pace {
    /// Closed loop: a connection sends its next message when an answer has come. Such a load slows
    /// down with its server, and never overloads it.
    Closed,
    /// Open loop: messages become due at a rate of their own, whatever the server does. Latency
    /// counts from when a message was due, so that a server that stalls is charged with all the
    /// messages that had to wait, and not only with those it had accepted (coordinated omission).
    Open {
        /// Messages per second, over all connections; more than 0.
        rate_per_s: f64,
        /// How the arrivals are spread.
        arrivals: Arrivals,
    },
    /// Nothing is sent; connections are held open.
    Idle,
}

/// How the messages of an open loop are spread over time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrivals {
    /// At equal distances.
    Uniform,
    /// Independently of each other, as from very many users: the distances are exponentially
    /// distributed.
    Poisson,
}

/// A text that names no kind of arrivals.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{0:?} is no kind of arrivals; write uniform or poisson")]
pub struct UnknownArrivals(String);

impl FromStr for Arrivals {
    type Err = UnknownArrivals;

    fn from_str(text: &str) -> Result<Self, UnknownArrivals> {
        match text {
            "uniform" => Ok(Self::Uniform),
            "poisson" => Ok(Self::Poisson),
            _ => Err(UnknownArrivals(text.to_owned())),
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

/// The times at which one thread's messages are due. None is stored: a thread that is behind asks
/// for the next one later.
#[derive(Debug)]
pub(crate) struct Schedule {
    arrivals: Arrivals,
    random: fastrand::Rng,
    /// The mean distance in nanoseconds.
    interval_ns: f64,
    /// When the next message is due, in nanoseconds since the run began.
    next_ns: f64,
    /// From when on another mean distance holds: what is due before stays due.
    change: Option<(f64, f64)>,
}

impl Schedule {
    /// The schedule of thread `index` of `threads`, its part of the rate being `rate_per_s`, from
    /// `start` (in nanoseconds since the run began) on.
    pub(crate) fn new(
        arrivals: Arrivals,
        rate_per_s: f64,
        (index, threads): (usize, usize),
        seed: u64,
        start: u64,
    ) -> Self {
        let interval_ns = 1e9 / rate_per_s;
        let mut schedule = Self {
            arrivals,
            // Neighbouring seeds give unrelated sequences.
            random: fastrand::Rng::with_seed(seed.wrapping_add(index as u64)),
            interval_ns,
            // Uniform schedules of several threads interleave to a uniform one.
            next_ns: start as f64 + interval_ns * index as f64 / threads as f64,
            change: None,
        };
        if arrivals == Arrivals::Poisson {
            schedule.next_ns = start as f64;
            schedule.pop();
        }
        schedule
    }

    /// When the next message is due.
    pub(crate) fn next(&self) -> u64 {
        self.next_ns as u64
    }

    /// Takes the next message off the schedule, and returns when it is, or was, due.
    pub(crate) fn pop(&mut self) -> u64 {
        let due = self.next_ns as u64;
        self.next_ns += match self.arrivals {
            Arrivals::Uniform => self.interval_ns,
            // 1 - u is never 0, whose logarithm is infinite.
            Arrivals::Poisson => -(1.0 - self.random.f64()).ln() * self.interval_ns,
        };
        if let Some((from, interval_ns)) = self.change
            && self.next_ns > from
        {
            self.change = None;
            self.change_from(from, interval_ns);
        }
        due
    }

    /// Goes on at another rate. What is due already stays due.
    pub(crate) fn set_rate(&mut self, rate_per_s: f64, now: u64) {
        let (now, interval_ns) = (now as f64, 1e9 / rate_per_s);
        if self.next_ns > now {
            self.change_from(now, interval_ns);
        } else {
            self.change = Some((now, interval_ns));
        }
    }

    /// The next message, which is due after `from`, comes nearer or goes farther in proportion: of a
    /// slow schedule it may be far away.
    fn change_from(&mut self, from: f64, interval_ns: f64) {
        self.next_ns = from + (self.next_ns - from) * interval_ns / self.interval_ns;
        self.interval_ns = interval_ns;
    }

    /// The mean distance between two messages, in nanoseconds.
    pub(crate) fn interval_ns(&self) -> f64 {
        self.interval_ns
    }

    /// How many messages are due before `until` and not taken: exact for uniform arrivals, the
    /// expectation for others.
    pub(crate) fn due_before(&self, until: u64) -> u64 {
        let left = until as f64 - self.next_ns;
        if left <= 0.0 {
            return 0;
        }
        (left / self.interval_ns).ceil() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(arrivals: Arrivals, threads: usize, until: u64) -> Vec<u64> {
        let mut all = Vec::new();
        for index in 0..threads {
            let mut schedule = Schedule::new(
                arrivals,
                10_000.0 / threads as f64,
                (index, threads),
                7,
                1_000,
            );
            while schedule.next() < until {
                all.push(schedule.pop());
            }
        }
        all.sort_unstable();
        all
    }

    #[test]
    fn uniform_arrivals_are_equally_far_apart_over_all_threads() {
        for threads in [1, 2, 3] {
            let due = all(Arrivals::Uniform, threads, 1_000_001_000);
            assert_eq!(due.len(), 10_000);
            assert!(
                due.windows(2)
                    .all(|pair| (pair[1] - pair[0]).abs_diff(100_000) <= 1)
            );
        }
    }

    #[test]
    fn poisson_arrivals_have_the_rate_and_the_spread_of_a_poisson_process() {
        for threads in [1, 3] {
            let due = all(Arrivals::Poisson, threads, 10_000_001_000);
            // Of 100,000 expected, one standard deviation is 316.
            assert!(due.len().abs_diff(100_000) < 1_600, "{}", due.len());
            let gaps: Vec<_> = due
                .windows(2)
                .map(|pair| (pair[1] - pair[0]) as f64)
                .collect();
            let mean = gaps.iter().sum::<f64>() / gaps.len() as f64;
            let longer = gaps.iter().filter(|gap| **gap > mean).count() as f64 / gaps.len() as f64;
            // An exponential distribution is longer than its mean with probability 1/e.
            assert!((longer - 0.3679).abs() < 0.01, "{longer}");
            assert_eq!(
                due,
                all(Arrivals::Poisson, threads, 10_000_001_000),
                "seeded"
            );
        }
    }

    #[test]
    fn what_is_due_and_not_taken_is_counted() {
        let mut schedule = Schedule::new(Arrivals::Uniform, 1_000.0, (0, 1), 0, 0);
        assert_eq!(schedule.due_before(0), 0);
        assert_eq!(schedule.due_before(5_000_001), 6);
        schedule.pop();
        assert_eq!(schedule.due_before(5_000_001), 5);
    }

    #[test]
    fn another_rate_holds_from_now_on_and_what_was_due_stays_due() {
        let mut schedule = Schedule::new(Arrivals::Uniform, 1_000.0, (0, 1), 0, 0);
        schedule.pop();
        schedule.set_rate(2_000.0, 0);
        assert_eq!(schedule.next(), 500_000);
        // Three are due by now, at the old rate; the fourth comes at the new one.
        schedule.set_rate(500.0, 1_700_000);
        let due: Vec<_> = (0..5).map(|_| schedule.pop()).collect();
        assert_eq!(due, [500_000, 1_000_000, 1_500_000, 2_900_000, 4_900_000]);
    }
}
