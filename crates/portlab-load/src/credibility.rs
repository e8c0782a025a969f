//! Whether a result can be believed.

use std::time::Duration;

use portlab_stats::summary::GENERATOR_LIMIT;
use portlab_words::{Text, tr, units};
use schemars::JsonSchema;
use serde::Serialize;

use crate::{Account, Ended, Fairness, Outcome, Pace, Plan, english};

/// Whether the figures of a run can be believed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Credibility {
    /// The reasons to doubt them; empty if they can be believed.
    pub cautions: Vec<Caution>,
}

/// A reason to doubt the figures.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Caution {
    /// What it is.
    #[serde(rename = "name", serialize_with = "by_name")]
    #[schemars(with = "String")]
    pub kind: CautionKind,
    /// What it is, in words, and what to do about it.
    #[serde(serialize_with = "english")]
    #[schemars(with = "String")]
    pub text: Text,
}

/// The kinds of reasons to doubt the figures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CautionKind {
    /// Nothing was answered while measuring; in a chat, no message reached its whole room.
    NoMessages,
    /// The run ended before measuring began.
    NotMeasured,
    /// Some answers were errors by their own protocol, or all.
    ErrorAnswers,
    /// All answers were errors by their own protocol.
    OnlyErrorAnswers,
    /// The chat lost, doubled or swapped messages, or delivered them to other rooms.
    BrokenPromises,
    /// The generator was the limit.
    GeneratorLimit,
    /// There are more threads than processors.
    Crowded,
    /// The generator itself was late, by more than a small part of what it measured.
    PacingLag,
    /// In a closed loop, connections stood still that should have sent.
    LittlesLaw,
    /// The rate was not kept: latency grows for as long as the run lasts.
    Overload,
    /// There are too few messages for a p99.
    FewSamples,
    /// Some connections got no answer while measuring.
    Unserved,
    /// The generator was kept from running: by other programs, or by the host of a virtual machine.
    HeldUp,
    /// Connections waited for their turn to be made.
    HeldBack,
    /// Some messages have no latency, because no answer came.
    MissingAnswers,
    /// There were errors, beside answers that were errors.
    Errors,
    /// It was measured for too short a time.
    Short,
    /// The rate was changed on the way.
    RateChanged,
    /// The run ended before its time.
    EndedEarly,
    /// The server ended connections that were in use.
    Closed,
    /// The knee of a ladder may be another rate.
    UnsureKnee,
    /// Latency doesn't rise with load.
    Uneven,
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

/// Whether a generator whose lag and latency have these 99th percentiles was late itself.
pub(crate) fn is_late(lag_p99_ns: u64, latency_p99_ns: u64) -> bool {
    lag_p99_ns > LAG_ALLOWED_NS && lag_p99_ns as f64 > LAG_SHARE * latency_p99_ns as f64
}

/// Whether a generator that computed for this share of its time was the limit.
pub(crate) fn is_limit(share: f64) -> bool {
    share >= GENERATOR_LIMIT
}

impl Credibility {
    /// How long a run must be for Little's law to hold closely: what is in flight at its edges must
    /// not matter.
    pub const LITTLE_NEEDS: Duration = Duration::from_secs(5);

    /// Judges what `plan` came to.
    #[must_use]
    pub fn of(plan: &Plan, outcome: &Outcome) -> Self {
        let mut judged = Self::default();
        let account = Account::of(plan, outcome);
        judged.look_at_the_answers(plan, outcome, &account);
        if plan.pace != Pace::Idle && account.samples > 0 {
            judged.look_at_the_generator(outcome);
            judged.look_at_the_load(plan, outcome, &account);
        }
        judged.look_at_what_is_missing(outcome, &account);
        judged.look_at_the_end(plan, outcome, &account);
        judged
    }

    fn add(&mut self, kind: CautionKind, text: Text) {
        self.cautions.push(Caution { kind, text });
    }

    /// Whether there were answers, and whether they were errors.
    fn look_at_the_answers(&mut self, plan: &Plan, outcome: &Outcome, account: &Account) {
        let answered = account.answered;
        let began = !outcome.elapsed.is_zero();
        if !began {
            let text = tr!(
                "the run ended before measuring began; until then {answered} messages were answered",
                "测量开始前运行就结束了；在此之前有 {answered} 条消息得到回应"
            );
            self.add(CautionKind::NotMeasured, text);
        }
        if plan.pace != Pace::Idle && began && account.measured == 0 {
            self.add(CautionKind::NoMessages, no_messages(outcome, account));
        }
        let errors = account.error_answers;
        if errors > 0 && errors == answered {
            let text = Text::new(
                "every answer was an error: the figures say how fast the server refuses, and not how fast it \
                 serves",
                "每个回应都是错误：这些数字说的是服务器拒绝得多快，而不是服务得多快",
            );
            self.add(CautionKind::OnlyErrorAnswers, text);
        } else if errors > 0 {
            let text = tr!(
                "{errors} of {answered} answers were errors, and the figures contain them",
                "{answered} 个回应中有 {errors} 个是错误，数字中也算了它们"
            );
            self.add(CautionKind::ErrorAnswers, text);
        }
    }

    /// Whether the generator was the limit, or late.
    fn look_at_the_generator(&mut self, outcome: &Outcome) {
        if outcome.generator_was_the_limit() {
            let percent = outcome.busiest_thread() * 100.0;
            let text = tr!(
                "the generator was the limit (a thread computed {percent:.0}% of its time): the server may be \
                 faster than this; try --threads",
                "瓶颈是负载生成器（有一个线程 {percent:.0}% 的时间都在计算）：服务器可能比这更快；请试试 --threads"
            );
            self.add(CautionKind::GeneratorLimit, text);
        }
        let (threads, cores) = (outcome.threads(), outcome.cores);
        if threads > cores {
            let text = tr!(
                "{threads} threads took turns on {cores} cores, and latencies contain that; use fewer --threads",
                "{threads} 个线程轮流使用 {cores} 个核，延迟中包含了等待；请减少 --threads"
            );
            self.add(CautionKind::Crowded, text);
        }
        let lag_p99_ns = outcome.pacing_lag.quantile_ns(0.99);
        let latency_p99_ns = outcome.latency.quantile_ns(0.99);
        if is_late(lag_p99_ns, latency_p99_ns) {
            let [lag, latency] = [lag_p99_ns, latency_p99_ns].map(|it| units::nanos(it as f64));
            let text = tr!(
                "the generator was late itself: p99 of its pacing lag is {lag}, and of the latency {latency}; \
                 try a lower --rate, --threads, --plain, or a machine that does nothing else",
                "负载生成器自己发晚了：它的滞后 p99 为 {lag}，延迟 p99 为 {latency}；请试试更低的 --rate、--threads、\
                 --plain，或换一台空闲的机器"
            );
            self.add(CautionKind::PacingLag, text);
        }
    }

    /// Whether the load was what it was to be, and is enough to judge by.
    fn look_at_the_load(&mut self, plan: &Plan, outcome: &Outcome, account: &Account) {
        let samples = account.samples;
        let long = outcome.elapsed >= Self::LITTLE_NEEDS;
        let residual = outcome.littles_law_residual().filter(|_| long);
        if let Some(residual) = residual.filter(|it| it.abs() > LITTLE_ALLOWED) {
            let percent = residual * 100.0;
            let text = tr!(
                "Little's law is missed by {percent:.1}%: some connections didn't send when they could",
                "与利特尔法则相差 {percent:.1}%：有些连接在可以发送时没有发送"
            );
            self.add(CautionKind::LittlesLaw, text);
        }
        if outcome.rate_changed_to.is_none() && !outcome.kept_up(plan) {
            let (due, measured) = (outcome.due(), account.measured);
            let text = tr!(
                "{due} messages became due while measuring, and {measured} were answered: messages queue up, and \
                 latency grows for as long as the run lasts",
                "测量期间应发 {due} 条消息，只有 {measured} 条得到回应：消息越积越多，运行多久，延迟就增长多久"
            );
            self.add(CautionKind::Overload, text);
        }
        if samples < SAMPLES {
            let messages = if samples == 1 {
                "message is"
            } else {
                "messages are"
            };
            let text = tr!(
                "{samples} {messages} too few for a p99; run longer",
                "{samples} 条消息不足以得出 p99；请延长运行时间"
            );
            let text = Text {
                zh: text.zh.replace(messages, "").into(),
                ..text
            };
            self.add(CautionKind::FewSamples, text);
        }
        if let (Pace::Closed, Some(fairness)) = (plan.pace, outcome.fairness) {
            let Fairness {
                unserved,
                connections,
                ..
            } = fairness;
            if (1..connections).contains(&unserved) {
                let text = tr!(
                    "{unserved} of {connections} connections got no answer while measuring: the percentiles are \
                     those of the others",
                    "{connections} 个连接中有 {unserved} 个在测量期间没有得到回应：百分位数只反映其余连接"
                );
                self.add(CautionKind::Unserved, text);
            }
        }
    }

    /// What the figures don't contain, or shouldn't.
    fn look_at_what_is_missing(&mut self, outcome: &Outcome, account: &Account) {
        let broken = outcome.chat.as_ref().map_or(0, |it| it.violations);
        if broken > 0 {
            let text = tr!(
                "the chat broke its promises {broken} times",
                "聊天服务有 {broken} 次没有遵守约定"
            );
            self.add(CautionKind::BrokenPromises, text);
        }
        let stalled = outcome.longest_stalled();
        let share = stalled.as_secs_f64() / outcome.elapsed.as_secs_f64().max(f64::MIN_POSITIVE);
        if share > STALLED_SHARE {
            let stalled = units::time(stalled);
            let text = tr!(
                "the generator was kept from running for {stalled} in all, by other programs or by the machine \
                 itself, and latencies contain that; try again when nothing else runs",
                "负载生成器总共有 {stalled} 没能运行（其他程序或机器本身占用），延迟中包含了这段时间；请在机器空闲时重试"
            );
            self.add(CautionKind::HeldUp, text);
        }
        let count = outcome.held_back;
        if count > 0 {
            let text = tr!(
                "{count} times a connection waited for its turn to be made, for a thread makes 64 at once; try \
                 --threads",
                "有 {count} 次连接要排队才能建立，因为一个线程同时最多建立 64 个；请试试 --threads"
            );
            self.add(CautionKind::HeldBack, text);
        }
        let (unanswered, due_not_sent) = (outcome.unanswered, outcome.due_not_sent);
        let count = unanswered + due_not_sent;
        if count > 0 {
            let have = if count == 1 {
                "message has"
            } else {
                "messages have"
            };
            let (worse, worse_zh) = match account.samples > 0 {
                true => (": the true percentiles are worse", "：真实的百分位数更差"),
                false => ("", ""),
            };
            let text = Text {
                en: format!(
                    "{count} {have} no latency ({unanswered} sent and not answered, {due_not_sent} due and not \
                     sent){worse}"
                )
                .into(),
                zh: format!(
                    "{count} 条消息没有延迟（{unanswered} 条已发送但没有回应，{due_not_sent} 条到期未发送）{worse_zh}"
                )
                .into(),
            };
            self.add(CautionKind::MissingAnswers, text);
        }
        let count = account.errors - account.error_answers;
        if count > 0 {
            let text = match account.error_answers > 0 {
                true => tr!(
                    "beside the answers that were errors, there were other errors ({count})",
                    "除了是错误的回应，还有其他错误（{count} 个）"
                ),
                false => tr!("there were errors ({count})", "出现了错误（{count} 个）"),
            };
            self.add(CautionKind::Errors, text);
        }
    }

    /// How long was measured, and how the run ended. What comes last says what to do next.
    fn look_at_the_end(&mut self, plan: &Plan, outcome: &Outcome, account: &Account) {
        let began = !outcome.elapsed.is_zero();
        let idle = plan.pace == Pace::Idle;
        if began && (idle || account.samples > 0) && outcome.elapsed < LENGTH {
            let elapsed = units::time(outcome.elapsed);
            let text = tr!(
                "{elapsed} of measuring is short: chance plays a part; run longer",
                "只测量了 {elapsed}，时间太短，偶然因素影响大；请延长运行时间"
            );
            self.add(CautionKind::Short, text);
        }
        if let Some(to) = outcome.rate_changed_to {
            let to = units::short(to);
            let text = tr!(
                "the rate was changed on the way, to {to}/s",
                "运行中速率改为 {to}/s"
            );
            self.add(CautionKind::RateChanged, text);
        }
        let (endings, all) = (outcome.endings, outcome.ended == Ended::NobodyLeft);
        let says_why = all && endings.closed > 0;
        if began && outcome.ended != Ended::Done && !says_why {
            let text = Text::new("the run ended before its time", "运行提前结束");
            self.add(CautionKind::EndedEarly, text);
        }
        if !endings.is_none() {
            let text = match outcome.chat {
                Some(_) => endings.of_a_chat(all),
                None => endings.text(all, idle),
            };
            self.add(CautionKind::Closed, text);
        }
    }

    /// The verdict in a word: `yes`, `with care`, or `no` when there is nothing to believe.
    #[must_use]
    pub fn word(&self) -> &'static str {
        use CautionKind::{BrokenPromises, NoMessages, NotMeasured, OnlyErrorAnswers};
        let refuted = [NoMessages, NotMeasured, OnlyErrorAnswers, BrokenPromises];
        match self.cautions.as_slice() {
            [] => "yes",
            cautions if cautions.iter().any(|it| refuted.contains(&it.kind)) => "no",
            _ => "with care",
        }
    }

    /// Whether the generator itself was late, so that latencies say little about the server.
    #[must_use]
    pub fn generator_was_late(&self) -> bool {
        let late = [CautionKind::PacingLag, CautionKind::HeldUp];
        self.cautions.iter().any(|it| late.contains(&it.kind))
    }

    /// Whether there is no reason to doubt the figures.
    #[must_use]
    pub fn is_believable(&self) -> bool {
        self.cautions.is_empty()
    }
}

fn no_messages(outcome: &Outcome, account: &Account) -> Text {
    let without_errors = account.errors == 0;
    if outcome.chat.is_some() {
        return match without_errors {
            true => Text::new(
                "no message reached its whole room while measuring; try a longer --duration",
                "测量期间没有一条消息送达房间里的所有成员；请试试更长的 --duration",
            ),
            false => Text::new(
                "no message reached its whole room while measuring: see the errors",
                "测量期间没有一条消息送达房间里的所有成员：请看错误",
            ),
        };
    }
    let (answered, answered_zh) = match account.answered {
        0 => (String::new(), String::new()),
        count => (
            format!(" ({count} were before it or after it)"),
            format!("（测量前后有 {count} 个）"),
        ),
    };
    let (next, next_zh) = match without_errors {
        true => (
            "; try a longer --duration or a smaller --size",
            "；请试试更长的 --duration 或更小的 --size",
        ),
        false => (": see the errors", "：请看错误"),
    };
    Text {
        en: format!("no answer was complete in the time measured{answered}{next}").into(),
        zh: format!("测量期间没有一个完整的回应{answered_zh}{next_zh}").into(),
    }
}

fn by_name<S: serde::Serializer>(kind: &CautionKind, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(kind.name())
}

impl CautionKind {
    /// Its name, for programs.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::NoMessages => "no_messages",
            Self::NotMeasured => "not_measured",
            Self::ErrorAnswers | Self::OnlyErrorAnswers => "error_answers",
            Self::BrokenPromises => "broken_promises",
            Self::GeneratorLimit => "generator_limit",
            Self::Crowded => "crowded",
            Self::PacingLag => "pacing_lag",
            Self::LittlesLaw => "littles_law",
            Self::Overload => "overload",
            Self::FewSamples => "few_samples",
            Self::Unserved => "unserved",
            Self::HeldUp => "held_up",
            Self::HeldBack => "held_back",
            Self::MissingAnswers => "missing_answers",
            Self::Errors => "errors",
            Self::Short => "short",
            Self::RateChanged => "rate_changed",
            Self::EndedEarly => "ended_early",
            Self::Closed => "closed",
            Self::UnsureKnee => "unsure_knee",
            Self::Uneven => "uneven",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Arrivals, Endings,
        stats::{Little, Stats},
    };

    /// A plan and an outcome that nothing can be said against.
    fn good() -> (Plan, Outcome) {
        let plan = Plan::new("127.0.0.1:1".parse().unwrap());
        let mut outcome = Outcome::empty(2);
        let mut stats = Stats {
            messages: 10_000,
            ..Stats::default()
        };
        (0..10_000).for_each(|_| stats.latency.record(1_000_000));
        outcome.take_in(&stats);
        outcome.elapsed = Duration::from_secs(10);
        outcome.cores = 2;
        (plan, outcome)
    }

    fn doubts(change: impl Fn(&mut Plan, &mut Outcome)) -> Vec<&'static str> {
        let (mut plan, mut outcome) = good();
        change(&mut plan, &mut outcome);
        let verdict = Credibility::of(&plan, &outcome);
        verdict.cautions.iter().map(|it| it.kind.name()).collect()
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
        let some = Credibility::of(&plan, &outcome);
        assert_eq!(some.word(), "with care");
        let text = some.cautions[0].text.to_string();
        assert!(text.starts_with("1 of 10000 answers"), "{text}");
        let names: Vec<_> = some.cautions.iter().map(|it| it.kind.name()).collect();
        assert_eq!(names, ["error_answers"], "and no other error");
        (1..10_000).for_each(|_| outcome.tally.add(crate::Phase::Verify, error));
        assert_eq!(Credibility::of(&plan, &outcome).word(), "no");
    }

    #[test]
    fn an_open_loop_is_doubted_if_the_generator_was_late_or_the_server_fell_behind() {
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
    }

    #[test]
    fn each_reason_to_doubt_is_named() {
        assert_eq!(
            doubts(|_, outcome| outcome.generator_cpu[1] = Duration::from_secs(9)),
            ["generator_limit"],
            "one thread at its limit is enough"
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
