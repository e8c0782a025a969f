//! What a trial at one rate has shown.

use crate::credibility;

/// Whether the server bore the rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finding {
    /// It did: the p99 was below the bound, everything was sent, nothing went wrong.
    Held,
    /// It did not.
    Missed(Missed),
    /// The bound was not met, but the generator was its own limit, or late itself, or other programs had
    /// the processors: the trial says nothing about the server.
    Nothing,
}

/// What a server missed, the worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missed {
    /// There were wrong answers, lost connections or timeouts.
    Errors,
    /// Nothing was answered at all.
    Answers,
    /// Some messages were due and could not be sent, because every connection still waited for an
    /// answer.
    Unsent,
    /// The p99 was not below the bound.
    Latency,
}

/// The figures of a trial that its finding follows from.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Shown {
    /// Messages that have a latency.
    pub latencies: u64,
    /// Their 99th percentile, from when they were due.
    pub p99_ns: u64,
    /// Errors, and answers that never came.
    pub errors: u64,
    /// Messages that were due and never sent.
    pub due_not_sent: u64,
    /// How late the generator was itself, for 99 of 100 messages.
    pub pacing_lag_p99_ns: u64,
    /// The share, in `[0, 1]`, of its time that the generator's busiest thread computed.
    pub generator_cpu_share: f64,
}

/// So many messages may stay unsent without a backlog: they became due just before measuring ended.
const AT_THE_EDGE: u64 = 2;

impl Finding {
    /// What `shown` says about a bound of `bound_ns` for the p99.
    pub fn of(shown: &Shown, bound_ns: u64) -> Self {
        let missed = if shown.errors > 0 {
            Missed::Errors
        } else if shown.latencies == 0 {
            Missed::Answers
        } else if shown.due_not_sent > AT_THE_EDGE {
            Missed::Unsent
        } else if shown.p99_ns >= bound_ns {
            Missed::Latency
        } else {
            // A late generator makes latencies longer; these are short enough in spite of it.
            return Self::Held;
        };
        let late = credibility::is_late(shown.pacing_lag_p99_ns, shown.p99_ns);
        let generator = late || credibility::is_limit(shown.generator_cpu_share);
        match missed {
            Missed::Latency | Missed::Unsent if generator => Self::Nothing,
            missed => Self::Missed(missed),
        }
    }

    /// Whether the server bore the rate.
    pub fn is_held(self) -> bool {
        self == Self::Held
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_names_the_worst_that_happened() {
        let good = Shown {
            latencies: 1_000,
            p99_ns: 900,
            generator_cpu_share: 0.5,
            ..Shown::default()
        };
        let of = |shown: Shown| Finding::of(&shown, 1_000);
        assert_eq!(of(good), Finding::Held);
        let slow = Shown {
            p99_ns: 1_000,
            ..good
        };
        assert_eq!(of(slow), Finding::Missed(Missed::Latency));
        let unsent = Shown {
            due_not_sent: AT_THE_EDGE + 1,
            ..good
        };
        let edge = Shown {
            due_not_sent: AT_THE_EDGE,
            ..good
        };
        assert_eq!(of(edge), Finding::Held);
        assert_eq!(of(unsent), Finding::Missed(Missed::Unsent));
        let silent = Shown {
            latencies: 0,
            ..unsent
        };
        assert_eq!(of(silent), Finding::Missed(Missed::Answers));
        let wrong = Shown {
            errors: 1,
            ..silent
        };
        assert_eq!(of(wrong), Finding::Missed(Missed::Errors));
    }

    #[test]
    fn a_generator_that_was_late_says_nothing_against_the_server_and_nothing_for_an_error() {
        let late = Shown {
            latencies: 1_000,
            p99_ns: 5_000_000,
            pacing_lag_p99_ns: 4_000_000,
            ..Shown::default()
        };
        assert_eq!(Finding::of(&late, 1_000_000), Finding::Nothing);
        // With the generator's lateness in them, latencies are short enough all the same.
        assert_eq!(Finding::of(&late, 6_000_000), Finding::Held);
        let wrong = Shown { errors: 1, ..late };
        assert_eq!(
            Finding::of(&wrong, 1_000_000),
            Finding::Missed(Missed::Errors)
        );
        let busy = Shown {
            generator_cpu_share: 0.95,
            pacing_lag_p99_ns: 0,
            ..late
        };
        assert_eq!(Finding::of(&busy, 1_000_000), Finding::Nothing);
    }
}
