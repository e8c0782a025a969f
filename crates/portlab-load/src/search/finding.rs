//! The finding of a trial at one rate.

use crate::{LoadResult, credibility, limits::Rule};

/// Whether the server met the bound at a rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finding {
    /// The server met the bound: the p99 was below it, everything was sent, and there was no error.
    Held,
    /// The server missed the bound.
    Missed(Missed),
    /// The bound was not met, but the generator was at its limit or late, or other programs used the processors: the
    /// trial says nothing about the server.
    Nothing,
}

/// How a server missed the bound, the worst case first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missed {
    /// There were wrong answers, lost connections or timeouts.
    Errors,
    /// There was no answer.
    Answers,
    /// Some messages were due and could not be sent, because every connection still waited for an answer.
    Unsent,
    /// The p99 was not below the bound, or another limit to speed was not met.
    Latency,
}

/// The figures of a trial from which its finding follows.
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
    /// The 99th percentile of how late the generator itself sent.
    pub pacing_lag_p99_ns: u64,
    /// The share, in `[0, 1]`, of its time that the generator's busiest thread computed.
    pub generator_cpu_share: f64,
}

/// Up to this many unsent messages aren't a backlog: they became due just before measuring ended.
const AT_THE_EDGE: u64 = 2;

impl Finding {
    /// What `shown` says about a bound of `bound_ns` for the p99.
    pub fn of(shown: &Shown, bound_ns: u64) -> Self {
        Self::by(shown, shown.p99_ns < bound_ns)
    }

    /// What a run says about its limits, which must all hold.
    pub fn of_limits(result: &LoadResult) -> Self {
        let unless = |rule, count| if result.replaces(rule) { 0 } else { count };
        let shares = result.generator_cpu_share_by_thread.iter();
        let shown = Shown {
            latencies: result.latency_ns.count(),
            p99_ns: result.latency_ns.quantile_ns(0.99),
            errors: result.errors_by_rule()
                + unless(Rule::AllAnswered, result.unanswered)
                + u64::from(result.breaks_a_limit_to_errors()),
            due_not_sent: unless(Rule::AllSent, result.due_not_sent),
            pacing_lag_p99_ns: result.verdict.pacing_lag_p99_ns.unwrap_or(0),
            generator_cpu_share: shares.copied().fold(0.0, f64::max),
        };
        Self::by(&shown, result.meets_its_limits())
    }

    /// What `shown` says, if the limits to speed are met, or not.
    fn by(shown: &Shown, met: bool) -> Self {
        let missed = if shown.errors > 0 {
            Missed::Errors
        } else if shown.latencies == 0 {
            Missed::Answers
        } else if shown.due_not_sent > AT_THE_EDGE {
            Missed::Unsent
        } else if !met {
            Missed::Latency
        } else {
            // If the generator was late, the true latencies are even shorter.
            return Self::Held;
        };
        let late = credibility::is_late(shown.pacing_lag_p99_ns, shown.p99_ns);
        let generator = late || credibility::is_limit(shown.generator_cpu_share);
        match missed {
            Missed::Latency | Missed::Unsent if generator => Self::Nothing,
            missed => Self::Missed(missed),
        }
    }

    /// Whether the server met the bound.
    pub fn is_held(self) -> bool {
        self == Self::Held
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A trial within a bound of 1,000 ns.
    const GOOD: Shown = Shown {
        latencies: 1_000,
        p99_ns: 900,
        errors: 0,
        due_not_sent: 0,
        pacing_lag_p99_ns: 0,
        generator_cpu_share: 0.5,
    };

    fn of(change: impl Fn(&mut Shown)) -> Finding {
        let mut shown = GOOD;
        change(&mut shown);
        Finding::of(&shown, 1_000)
    }

    #[test]
    fn a_finding_names_the_worst_case() {
        assert_eq!(of(|_| {}), Finding::Held);
        assert_eq!(of(|it| it.due_not_sent = AT_THE_EDGE), Finding::Held);
        let slow = |it: &mut Shown| it.p99_ns = 1_000;
        let unsent = |it: &mut Shown| (it.due_not_sent, it.p99_ns) = (AT_THE_EDGE + 1, 1_000);
        let silent = |it: &mut Shown| (it.due_not_sent, it.latencies) = (AT_THE_EDGE + 1, 0);
        let wrong = |it: &mut Shown| (it.errors, it.latencies) = (1, 0);
        for (finding, missed) in [
            (of(slow), Missed::Latency),
            (of(unsent), Missed::Unsent),
            (of(silent), Missed::Answers),
            (of(wrong), Missed::Errors),
        ] {
            assert_eq!(finding, Finding::Missed(missed));
        }
    }

    #[test]
    fn a_late_generator_spoils_a_finding_about_latency_but_not_about_errors() {
        let late = |it: &mut Shown| (it.p99_ns, it.pacing_lag_p99_ns) = (5_000_000, 4_000_000);
        assert_eq!(of(late), Finding::Nothing);
        // Latencies are short enough although they contain the generator's lag.
        assert_eq!(of(|it| it.pacing_lag_p99_ns = 4_000_000), Finding::Held);
        let wrong = |it: &mut Shown| {
            late(it);
            it.errors = 1;
        };
        assert_eq!(of(wrong), Finding::Missed(Missed::Errors));
        let busy = |it: &mut Shown| (it.p99_ns, it.generator_cpu_share) = (5_000_000, 0.95);
        assert_eq!(of(busy), Finding::Nothing);
    }
}
