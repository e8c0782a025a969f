//! Whether a result can be believed.

use std::{fmt, time::Duration};

use portlab_stats::summary::GENERATOR_LIMIT;
use portlab_words::units;

use crate::{Account, Ended, Endings, Fairness, Outcome, Pace, Plan};

/// What can be said for and against the figures of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// The reasons to doubt them; none if they can be believed.
    pub doubts: Vec<Doubt>,
}

/// A reason to doubt, or a caution.
#[derive(Clone, Debug, PartialEq)]
pub enum Doubt {
    /// Nothing was answered while measuring.
    NoMessages {
        /// Whether nothing else is known to be wrong.
        without_errors: bool,
        /// Messages answered before or after that.
        otherwise: u64,
    },
    /// In a chat: no message reached its whole room while measuring.
    NotHeard {
        /// Whether nothing else is known to be wrong.
        without_errors: bool,
    },
    /// In a chat: messages were lost, doubled or swapped, or reached other rooms.
    BrokenPromises {
        /// How many times.
        count: u64,
    },
    /// In a chat: the server ended connections.
    ChatClosed {
        /// Which, and when.
        endings: Endings,
        /// Every connection was lost, and so the run ended before its time.
        all: bool,
    },
    /// Some answers were errors by their own protocol, or all.
    ErrorAnswers {
        /// How many.
        count: u64,
        /// Of how many answers.
        answered: u64,
    },
    /// The server ended connections that were in use.
    Closed {
        /// Which, and when.
        endings: Endings,
        /// Every connection was lost, and so the run ended before its time.
        all: bool,
        /// Nothing was said on them.
        idle: bool,
    },
    /// It ended before measuring began.
    NotMeasured {
        /// Messages answered until then.
        answered: u64,
    },
    /// The generator was kept from running: by other programs, or by the host of a virtual machine.
    HeldUp {
        /// How long in all.
        stalled: Duration,
    },
    /// Some connections got no answer while measuring: the percentiles are those of the others.
    Unserved {
        /// How many.
        unserved: usize,
        /// Of how many.
        connections: usize,
    },
    /// There are more threads than processors.
    Crowded {
        /// Threads that generated the load.
        threads: usize,
        /// Processors.
        cores: usize,
    },
    /// The generator was the limit.
    GeneratorLimit {
        /// The share of its time that the busiest thread computed, in `[0, 1]`.
        share: f64,
    },
    /// The generator itself was late, by more than a small part of what it measured.
    PacingLag {
        /// In nanoseconds.
        lag_p99_ns: u64,
        /// In nanoseconds.
        latency_p99_ns: u64,
    },
    /// In a closed loop, connections stood still that should have talked.
    LittlesLaw {
        /// As a share.
        residual: f64,
    },
    /// The rate was not kept: latency grows for as long as the run lasts.
    Overload {
        /// Messages that became due while measuring.
        due: u64,
        /// Messages that were answered while measuring.
        answered: u64,
    },
    /// Connections waited for their turn to be made.
    HeldBack {
        /// How often.
        count: u64,
    },
    /// Some messages have no latency, because no answer came: the worst are missing.
    Missing {
        /// Sent.
        unanswered: u64,
        /// Due.
        due_not_sent: u64,
        /// Whether others have one.
        others: bool,
    },
    /// There were errors, beside answers that were errors.
    Errors {
        /// How many.
        count: u64,
        /// Whether there were such answers as well.
        others: bool,
    },
    /// There are too few messages for a p99.
    FewSamples {
        /// How many.
        count: u64,
    },
    /// It was measured for too short a time.
    Short {
        /// How long.
        elapsed: Duration,
    },
    /// The rate was changed on the way.
    RateChanged {
        /// To what, per second.
        to: f64,
    },
    /// The run was ended before its time.
    EndedEarly,
}

/// The lag that is never held against the generator: about as long as it takes to wake a thread.
const LAG_ALLOWED_NS: u64 = 200_000;
/// The share of the latency that lag may make up.
const LAG_SHARE: f64 = 0.1;
/// The share of its time that the generator may be kept from running: a p99 isn't touched by less.
const STALLED_SHARE: f64 = 0.01;
/// By how much Little's law may be missed.
const LITTLE_ALLOWED: f64 = 0.01;
/// How many samples a p99 needs: ten of them lie beyond it.
const SAMPLES: u64 = 1_000;
/// How long a run must be.
const LENGTH: Duration = Duration::from_secs(1);

impl Verdict {
    /// How long a run must be for Little's law to hold closely: what is in flight at its edges must
    /// not matter.
    pub const LITTLE_NEEDS: Duration = Duration::from_secs(5);

    /// Judges what `plan` came to.
    #[must_use]
    pub fn of(plan: &Plan, outcome: &Outcome) -> Self {
        let mut doubts = Vec::new();
        let mut doubt = |applies: bool, doubt: Doubt| {
            if applies {
                doubts.push(doubt);
            }
        };
        let talks = plan.pace != Pace::Idle;
        let account = Account::of(plan, outcome);
        let Account {
            answered,
            measured,
            samples,
            ..
        } = account;
        let began = !outcome.elapsed.is_zero();
        doubt(!began, Doubt::NotMeasured { answered });
        let without_errors = account.errors == 0;
        let no_messages = match outcome.chat {
            Some(_) => Doubt::NotHeard { without_errors },
            None => Doubt::NoMessages {
                without_errors,
                otherwise: answered,
            },
        };
        doubt(talks && began && measured == 0, no_messages);
        let count = account.error_answers;
        doubt(count > 0, Doubt::ErrorAnswers { count, answered });
        if talks && samples > 0 {
            let share = outcome.busiest_thread();
            doubt(
                outcome.generator_was_the_limit(),
                Doubt::GeneratorLimit { share },
            );
            let (threads, cores) = (outcome.threads(), outcome.cores);
            doubt(threads > cores, Doubt::Crowded { threads, cores });
            let lag_p99_ns = outcome.pacing_lag.quantile_ns(0.99);
            let latency_p99_ns = outcome.latency.quantile_ns(0.99);
            doubt(
                Doubt::is_late(lag_p99_ns, latency_p99_ns),
                Doubt::PacingLag {
                    lag_p99_ns,
                    latency_p99_ns,
                },
            );
            if let Some(residual) = outcome.littles_law_residual() {
                let long = outcome.elapsed >= Self::LITTLE_NEEDS;
                doubt(
                    long && residual.abs() > LITTLE_ALLOWED,
                    Doubt::LittlesLaw { residual },
                );
            }
            if let Pace::Open { .. } = plan.pace {
                let steady = outcome.rate_changed_to.is_none();
                let overload = Doubt::Overload {
                    due: outcome.due(),
                    answered: measured,
                };
                doubt(steady && !outcome.kept_up(plan), overload);
            }
            doubt(samples < SAMPLES, Doubt::FewSamples { count: samples });
            if let (Pace::Closed, Some(fairness)) = (plan.pace, outcome.fairness) {
                let Fairness {
                    unserved,
                    connections,
                    ..
                } = fairness;
                doubt(
                    (1..connections).contains(&unserved),
                    Doubt::Unserved {
                        unserved,
                        connections,
                    },
                );
            }
        }
        let count = outcome.chat.as_ref().map_or(0, |it| it.violations);
        doubt(count > 0, Doubt::BrokenPromises { count });
        let stalled = outcome.longest_stalled();
        let share = stalled.as_secs_f64() / outcome.elapsed.as_secs_f64().max(f64::MIN_POSITIVE);
        doubt(share > STALLED_SHARE, Doubt::HeldUp { stalled });
        let count = outcome.held_back;
        doubt(count > 0, Doubt::HeldBack { count });
        let (unanswered, due_not_sent) = (outcome.unanswered, outcome.due_not_sent);
        doubt(
            unanswered + due_not_sent > 0,
            Doubt::Missing {
                unanswered,
                due_not_sent,
                others: samples > 0,
            },
        );
        let count = account.errors - account.error_answers;
        let others = account.error_answers > 0;
        doubt(count > 0, Doubt::Errors { count, others });
        let elapsed = outcome.elapsed;
        let measured = !talks || samples > 0;
        doubt(
            began && measured && elapsed < LENGTH,
            Doubt::Short { elapsed },
        );
        if let Some(to) = outcome.rate_changed_to {
            doubt(true, Doubt::RateChanged { to });
        }
        let (endings, all) = (outcome.endings, outcome.ended == Ended::NobodyLeft);
        let says_why = all && endings.closed > 0;
        doubt(
            began && outcome.ended != Ended::Done && !says_why,
            Doubt::EndedEarly,
        );
        // What comes last says what to do next.
        let idle = !talks;
        let closed = match outcome.chat {
            Some(_) => Doubt::ChatClosed { endings, all },
            None => Doubt::Closed { endings, all, idle },
        };
        doubt(!endings.is_none(), closed);
        Self { doubts }
    }

    /// The verdict in a word: `yes`, `with care`, or `no` when there is nothing to believe.
    #[must_use]
    pub fn word(&self) -> &'static str {
        let nothing = |doubt: &Doubt| match doubt {
            Doubt::NoMessages { .. }
            | Doubt::NotHeard { .. }
            | Doubt::NotMeasured { .. }
            | Doubt::BrokenPromises { .. } => true,
            Doubt::ErrorAnswers { count, answered } => count == answered,
            _ => false,
        };
        match self.doubts.as_slice() {
            [] => "yes",
            doubts if doubts.iter().any(nothing) => "no",
            _ => "with care",
        }
    }

    /// Whether the generator itself was late, so that latencies say little about the server.
    #[must_use]
    pub fn generator_was_late(&self) -> bool {
        let late = |doubt: &Doubt| matches!(doubt, Doubt::PacingLag { .. } | Doubt::HeldUp { .. });
        self.doubts.iter().any(late)
    }

    /// Whether there is no reason to doubt.
    #[must_use]
    pub fn is_believable(&self) -> bool {
        self.doubts.is_empty()
    }
}

impl Doubt {
    /// Whether a generator whose lag and latency have these 99th percentiles was late itself.
    pub(crate) fn is_late(lag_p99_ns: u64, latency_p99_ns: u64) -> bool {
        lag_p99_ns > LAG_ALLOWED_NS && lag_p99_ns as f64 > LAG_SHARE * latency_p99_ns as f64
    }

    /// Whether a generator was the limit that computed for this share of its time.
    pub(crate) fn is_limit(share: f64) -> bool {
        share >= GENERATOR_LIMIT
    }

    /// Its name, for machines.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::NoMessages { .. } => "no_messages",
            Self::NotMeasured { .. } => "not_measured",
            Self::HeldUp { .. } => "held_up",
            Self::Unserved { .. } => "unserved",
            Self::Crowded { .. } => "crowded",
            Self::GeneratorLimit { .. } => "generator_limit",
            Self::PacingLag { .. } => "pacing_lag",
            Self::LittlesLaw { .. } => "littles_law",
            Self::Overload { .. } => "overload",
            Self::HeldBack { .. } => "held_back",
            Self::Missing { .. } => "missing_answers",
            Self::Errors { .. } => "errors",
            Self::ErrorAnswers { .. } => "error_answers",
            Self::Closed { .. } | Self::ChatClosed { .. } => "closed",
            Self::NotHeard { .. } => "no_messages",
            Self::BrokenPromises { .. } => "broken_promises",
            Self::FewSamples { .. } => "few_samples",
            Self::Short { .. } => "short",
            Self::RateChanged { .. } => "rate_changed",
            Self::EndedEarly => "ended_early",
        }
    }
}

impl fmt::Display for Doubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = |nanos: u64| units::nanos(nanos as f64);
        match self {
            Self::NoMessages {
                without_errors,
                otherwise,
            } => {
                f.write_str("no answer was complete in the time measured")?;
                if *otherwise > 0 {
                    write!(f, " ({otherwise} were before it or after it)")?;
                }
                f.write_str(match without_errors {
                    true => "; try a longer --duration or a smaller --size",
                    false => ": see the errors",
                })
            }
            Self::ErrorAnswers { count, answered } if count == answered => f.write_str(
                "every answer was an error: the figures say how fast the server refuses, and not how \
                 fast it serves",
            ),
            Self::ErrorAnswers { count, answered } => write!(
                f,
                "{count} of {answered} answers were errors, and the figures contain them"
            ),
            Self::NotMeasured { answered } => write!(
                f,
                "the run ended before measuring began; until then {answered} messages were answered"
            ),
            Self::HeldUp { stalled } => write!(
                f,
                "the generator was kept from running for {} in all, by other programs or by the \
                 machine itself, and latencies contain that; try again when nothing else runs",
                units::time(*stalled)
            ),
            Self::Unserved {
                unserved,
                connections,
            } => write!(
                f,
                "{unserved} of {connections} connections got no answer while measuring: the \
                 percentiles are those of the others"
            ),
            Self::Crowded { threads, cores } => write!(
                f,
                "{threads} threads took turns on {cores} cores, and latencies contain that; use fewer \
                 --threads"
            ),
            Self::GeneratorLimit { share } => write!(
                f,
                "the generator was the limit (a thread computed {:.0}% of its time): the server may \
                 be faster than this; try --threads",
                share * 100.0
            ),
            Self::PacingLag {
                lag_p99_ns,
                latency_p99_ns,
            } => write!(
                f,
                "the generator was late itself: p99 of its pacing lag is {}, and of the latency {}; \
                 try a lower --rate, --threads, --plain, or a machine that does nothing else",
                time(*lag_p99_ns),
                time(*latency_p99_ns)
            ),
            Self::LittlesLaw { residual } => write!(
                f,
                "Little's law is missed by {:.1}%: connections stood still that should have talked",
                residual * 100.0
            ),
            Self::Overload { due, answered } => write!(
                f,
                "{due} messages became due while measuring, and {answered} were answered: messages \
                 queue up, and latency grows for as long as the run lasts"
            ),
            Self::Missing {
                unanswered,
                due_not_sent,
                others,
            } => {
                let count = unanswered + due_not_sent;
                let have = if count == 1 {
                    "message has"
                } else {
                    "messages have"
                };
                write!(
                    f,
                    "{count} {have} no latency ({unanswered} sent and not answered, {due_not_sent} \
                     due and not sent)"
                )?;
                match others {
                    true => f.write_str(": the true percentiles are worse"),
                    false => Ok(()),
                }
            }
            Self::Errors { count, others } => {
                f.write_str(match others {
                    true => "beside the answers that were errors, there were other errors",
                    false => "there were errors",
                })?;
                write!(f, " ({count})")
            }
            Self::HeldBack { count } => write!(
                f,
                "{count} times a connection waited for its turn to be made, for a thread makes \
                 64 at once; try --threads"
            ),
            Self::FewSamples { count } => {
                let messages = if *count == 1 {
                    "message is"
                } else {
                    "messages are"
                };
                write!(f, "{count} {messages} too few for a p99; run longer")
            }
            Self::Short { elapsed } => write!(
                f,
                "{} of measuring is short: chance plays a part; run longer",
                units::time(*elapsed)
            ),
            Self::RateChanged { to } => {
                write!(
                    f,
                    "the rate was changed on the way, to {}/s",
                    units::short(*to)
                )
            }
            Self::EndedEarly => f.write_str("the run ended before its time"),
            Self::Closed { endings, all, idle } => endings.write(f, *all, *idle),
            Self::ChatClosed { endings, all } => endings.write_of_a_chat(f, *all),
            Self::BrokenPromises { count } => {
                write!(f, "the chat broke its promises {count} times")
            }
            Self::NotHeard { without_errors } => f.write_str(match without_errors {
                true => "no message reached its whole room while measuring; try a longer --duration",
                false => "no message reached its whole room while measuring: see the errors",
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Arrivals,
        harvest::{Harvest, Little},
    };

    /// A plan and an outcome that nothing can be said against.
    fn good() -> (Plan, Outcome) {
        let plan = Plan::new("127.0.0.1:1".parse().unwrap());
        let mut outcome = Outcome::empty(2);
        let mut harvest = Harvest {
            messages: 10_000,
            ..Harvest::default()
        };
        (0..10_000).for_each(|_| harvest.latency.record(1_000_000));
        outcome.take_in(&harvest);
        outcome.elapsed = Duration::from_secs(10);
        outcome.cores = 2;
        (plan, outcome)
    }

    fn doubts(change: impl Fn(&mut Plan, &mut Outcome)) -> Vec<&'static str> {
        let (mut plan, mut outcome) = good();
        change(&mut plan, &mut outcome);
        let verdict = Verdict::of(&plan, &outcome);
        verdict.doubts.iter().map(Doubt::name).collect()
    }

    #[test]
    fn a_long_clean_run_with_a_generator_at_ease_is_believed() {
        assert_eq!(doubts(|_, _| {}), [""; 0]);
    }

    #[test]
    fn answers_that_are_errors_are_no_figures_of_a_service() {
        let (plan, mut outcome) = good();
        outcome.answered = 10_000;
        let error = crate::Cause::ErrorAnswer(crate::ErrorAnswer::Minus);
        outcome.tally.add(crate::Phase::Verify, error);
        let some = Verdict::of(&plan, &outcome);
        assert_eq!(some.word(), "with care");
        let text = some.doubts[0].to_string();
        assert!(text.starts_with("1 of 10000 answers"), "{text}");
        let names: Vec<_> = some.doubts.iter().map(Doubt::name).collect();
        assert_eq!(names, ["error_answers"], "and no other error");
        (1..10_000).for_each(|_| outcome.tally.add(crate::Phase::Verify, error));
        assert_eq!(Verdict::of(&plan, &outcome).word(), "no");
    }

    #[test]
    fn each_reason_to_doubt_is_named() {
        assert_eq!(
            doubts(|_, outcome| outcome.generator_cpu[1] = Duration::from_secs(9)),
            ["generator_limit"],
            "one thread at its limit is enough"
        );
        let open = |plan: &mut Plan, rate_per_s| {
            plan.pace = Pace::Open {
                rate_per_s,
                arrivals: Arrivals::Uniform,
            };
        };
        assert_eq!(
            doubts(|plan, outcome| {
                open(plan, 1_000.0);
                (0..100).for_each(|_| outcome.pacing_lag.record(300_000));
            }),
            ["pacing_lag"]
        );
        assert_eq!(
            doubts(|plan, outcome| {
                open(plan, 1_000.0);
                (0..100).for_each(|_| outcome.pacing_lag.record(150_000));
            }),
            [""; 0]
        );
        let behind = |missing| {
            doubts(|plan, outcome| {
                open(plan, 1_000.0);
                outcome.messages -= missing;
            })
        };
        // A twentieth, and three for what is always in flight.
        assert_eq!((behind(503), behind(504)), (vec![], vec!["overload"]));
        assert_eq!(
            doubts(|plan, outcome| {
                open(plan, 1_000.0);
                plan.connections = 5_000;
                outcome.messages -= 2_000;
            }),
            ["overload"],
            "that there are connections for all is no excuse"
        );
        assert_eq!(
            doubts(|plan, outcome| {
                open(plan, 1_000.0);
                outcome.ended = Ended::Interrupted;
            }),
            ["ended_early"],
            "that its user ended it is no overload"
        );
        assert_eq!(doubts(|_, outcome| outcome.cores = 1), ["crowded"]);
        assert_eq!(doubts(|_, outcome| outcome.held_back = 1), ["held_back"]);
        let little = |in_flight_ns| Little {
            capacity_ns: 100.0,
            in_flight_ns,
        };
        assert_eq!(
            doubts(|_, outcome| outcome.little = little(98.0)),
            ["littles_law"]
        );
        assert_eq!(doubts(|_, outcome| outcome.little = little(99.5)), [""; 0]);
        assert_eq!(
            doubts(|_, outcome| outcome.elapsed = Duration::from_millis(900)),
            ["short"]
        );
        assert_eq!(
            doubts(|_, outcome| outcome.unanswered = 1),
            ["missing_answers"]
        );
        let mut closed = Endings::default();
        closed.close(50, 7);
        assert_eq!(
            doubts(|_, outcome| {
                outcome.endings = closed;
                outcome.ended = Ended::NobodyLeft;
            }),
            ["closed"],
            "it says why the run ended early"
        );
        assert_eq!(
            doubts(|_, outcome| {
                outcome.latency = crate::Latency::new();
                outcome.messages = 0;
            }),
            ["no_messages"]
        );
        assert_eq!(
            doubts(|_, outcome| outcome.elapsed = Duration::ZERO),
            ["not_measured"]
        );
        assert_eq!(
            doubts(|_, outcome| outcome.generator_stalled[0] = Duration::from_millis(101)),
            ["held_up"]
        );
        assert_eq!(
            doubts(|_, outcome| outcome.fairness = Fairness::of(&[0, 10_000])),
            ["unserved"]
        );
        assert_eq!(
            doubts(|_, outcome| outcome.ended = Ended::Interrupted),
            ["ended_early"]
        );
    }
}
