//! Whether a result can be believed.

use std::time::Duration;

use portlab_stats::summary::GENERATOR_LIMIT;
use portlab_words::{Text, tr, units};
use schemars::JsonSchema;
use serde::Serialize;

use crate::{Ended, Outcome, Pace, Plan, decoding, endings::joined, english};

/// Whether the figures can be believed.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Judgement {
    /// Whether the figures can be trusted: no caution was raised.
    pub believable: bool,
    /// `yes`; `with care`, if there are doubts; `no`, if the figures say nothing.
    pub word: &'static str,
    /// The reasons to doubt them.
    pub doubts: Vec<Caution>,
    /// How many messages the latency is of.
    pub samples: u64,
    /// How late the generator itself was; `null` in a closed loop.
    pub pacing_lag_p99_ns: Option<u64>,
    /// By how much a closed loop that ends by the clock misses N = X R, as a share of N.
    pub littles_law_residual: Option<f64>,
    /// Whether the generator itself sent late, so that latencies say little about the server.
    #[serde(skip)]
    pub generator_was_late: bool,
}

/// A reason to doubt the figures.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Caution {
    /// What it is.
    #[serde(rename = "name")]
    #[schemars(with = "String")]
    pub kind: CautionKind,
    /// The reason in words, and what the user can do about it.
    #[serde(serialize_with = "english")]
    #[schemars(with = "String")]
    pub text: Text,
}

/// The kinds of reasons to doubt the figures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CautionKind {
    /// Nothing was answered while measuring; in a chat, no message reached its whole room.
    NoMessages,
    /// The run ended before measuring began.
    NotMeasured,
    /// Some answers were errors by their own protocol, or didn't meet a condition.
    ErrorAnswers,
    /// All answers were errors by their own protocol, or didn't meet a condition.
    #[serde(rename = "error_answers")]
    OnlyErrorAnswers,
    /// The chat lost, doubled or swapped messages, or delivered them to other rooms.
    BrokenPromises,
    /// The generator was the limit.
    GeneratorLimit,
    /// There are more threads than processors.
    Crowded,
    /// The generator itself sent late, by more than a tenth of the latency.
    PacingLag,
    /// In a closed loop, connections that could send did not.
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
    /// The time measured was too short.
    Short,
    /// The rate was changed during the run.
    RateChanged,
    /// The run ended before its time.
    EndedEarly,
    /// The server ended connections that were in use.
    Closed,
    /// For some time no connection could be made.
    Outage,
    /// The knee of a ladder may be another rate.
    UnsureKnee,
    /// Latency doesn't rise with load.
    Uneven,
}

/// A pacing lag up to this is never counted against the generator: it takes about as long to wake a thread.
const LAG_ALLOWED_NS: u64 = 200_000;
/// The share of the latency that lag may make up.
const LAG_SHARE: f64 = 0.1;
/// The share of its time that the generator may be kept from running: less does not change a p99.
const STALLED_SHARE: f64 = 0.01;
/// By how much Little's law may be missed.
const LITTLE_ALLOWED: f64 = 0.01;
/// How many samples a p99 needs: ten of 1,000 are above it.
const SAMPLES: u64 = 1_000;
/// How long a run must be.
const LENGTH: Duration = Duration::from_secs(1);

/// Whether a generator whose lag and latency have these 99th percentiles itself sent late.
pub(crate) fn is_late(lag_p99_ns: u64, latency_p99_ns: u64) -> bool {
    lag_p99_ns > LAG_ALLOWED_NS && lag_p99_ns as f64 > LAG_SHARE * latency_p99_ns as f64
}

/// Whether a generator that computed for this share of its time was the limit.
pub(crate) fn is_limit(share: f64) -> bool {
    share >= GENERATOR_LIMIT
}

impl Judgement {
    /// How long a run must be for the check of Little's law.
    pub const LITTLE_NEEDS: Duration = Duration::from_secs(5);

    /// Judges the `outcome` of `plan`.
    pub fn of(plan: &Plan, outcome: &Outcome) -> Self {
        use CautionKind::{
            BrokenPromises, HeldUp, NoMessages, NotMeasured, OnlyErrorAnswers, PacingLag,
        };
        let doubts = Judge::doubts(plan, outcome);
        let any = |kinds: &[CautionKind]| doubts.iter().any(|it| kinds.contains(&it.kind));
        let lag = &outcome.pacing_lag;
        Self {
            believable: doubts.is_empty(),
            word: match doubts.is_empty() {
                true => "yes",
                false if any(&[NoMessages, NotMeasured, OnlyErrorAnswers, BrokenPromises]) => "no",
                false => "with care",
            },
            samples: outcome.latency.count(),
            pacing_lag_p99_ns: (lag.count() > 0).then(|| lag.quantile_ns(0.99)),
            littles_law_residual: outcome.littles_law_residual(),
            generator_was_late: any(&[PacingLag, HeldUp]),
            doubts,
        }
    }
}

/// Collects the reasons to doubt an outcome.
struct Judge<'a> {
    plan: &'a Plan,
    outcome: &'a Outcome,
    /// Messages that have a latency.
    samples: u64,
    /// Answers that were errors by their own protocol.
    error_answers: u64,
    /// Answers that didn't meet a condition.
    unmet: u64,
    doubts: Vec<Caution>,
}

impl<'a> Judge<'a> {
    fn doubts(plan: &'a Plan, outcome: &'a Outcome) -> Vec<Caution> {
        let mut judge = Self {
            plan,
            outcome,
            samples: outcome.latency.count(),
            error_answers: match plan.is_udp() {
                true => outcome.tally.error_datagrams(),
                false => outcome.tally.error_answers(),
            },
            unmet: outcome.tally.unmet(),
            doubts: Vec::new(),
        };
        judge.look_at_the_answers();
        if plan.pace != Pace::Idle && judge.samples > 0 {
            judge.look_at_the_generator();
            judge.look_at_the_load();
        }
        judge.look_at_stalls();
        judge.look_at_what_is_missing();
        judge.look_at_the_end();
        judge.doubts
    }

    fn add(&mut self, kind: CautionKind, text: Text) {
        let text = self.plan.fitting(&text);
        self.doubts.push(Caution { kind, text });
    }

    fn began(&self) -> bool {
        !self.outcome.elapsed.is_zero()
    }

    /// Whether there were answers, and whether they were right.
    fn look_at_the_answers(&mut self) {
        let answered = self.outcome.answered;
        if !self.began() {
            let Text { en, zh } = match self.outcome.ended {
                Ended::Interrupted | Ended::Done => {
                    Text::new("; let it run longer", "；请让它运行得更久")
                }
                Ended::TooManyErrors | Ended::AllLost => {
                    Text::new(": see the errors", "：请看错误")
                }
            };
            let text = tr!(
                "the run ended before measuring began; until then {answered} messages were answered{en}",
                "测量开始前运行就结束了；在此之前有 {answered} 条消息得到响应{zh}"
            );
            self.add(CautionKind::NotMeasured, text);
        } else if self.plan.pace != Pace::Idle && self.outcome.messages == 0 {
            self.add(CautionKind::NoMessages, no_messages(self.outcome));
        }
        let bad = self.error_answers + self.unmet;
        if bad > 0 && bad == answered {
            let Text { en, zh } = self.what_is_bad(Text::new("was an error", "是错误"));
            let text = tr!(
                "every answer {en}: the figures say how fast the server refuses, and not how fast it serves; check the \
                 request (--text, --payload) and --expect; check the request (URL, --method, --header, --body) and \
                 --expect-status; check the messages in the file of --dialogue",
                "每个响应都{zh}：这些数字说的是服务端拒绝得多快，而不是服务得多快；请检查请求（--text、--payload）和 \
                 --expect；请检查请求（网址、--method、--header、--body）和 --expect-status；请检查 --dialogue 文件中的消息"
            );
            self.add(CautionKind::OnlyErrorAnswers, text);
        } else if bad > 0 {
            let Text { en, zh } = self.what_is_bad(Text::new("were errors", "是错误"));
            let (remedy_en, remedy_zh) = match self.unmet {
                0 => ("use --any-answer", "使用 --any-answer"),
                _ => ("change the condition", "修改条件"),
            };
            let text = tr!(
                "{bad} of {answered} answers {en}, and the figures contain them; if they are fine, {remedy_en}",
                "{answered} 个响应中有 {bad} 个{zh}，数字中也算了它们；如果它们是正常的，请{remedy_zh}"
            );
            self.add(CautionKind::ErrorAnswers, text);
        }
    }

    /// What is wrong with the answers that are, as the end of a sentence; `error` says that they are errors.
    fn what_is_bad(&self, error: Text) -> Text {
        match (self.error_answers, self.unmet) {
            (_, 0) => error,
            (0, _) => Text::new("failed a condition of --expect", "不符合 --expect 的条件"),
            _ => {
                let Text { en, zh } = error;
                tr!(
                    "{en} or failed a condition of --expect",
                    "{zh}或不符合 --expect 的条件"
                )
            }
        }
    }

    /// Whether the generator was the limit, or late.
    fn look_at_the_generator(&mut self) {
        let outcome = self.outcome;
        if outcome.generator_was_the_limit() {
            let percent = outcome.busiest_thread() * 100.0;
            let text = tr!(
                "the generator was the limit (a thread computed {percent:.0}% of its time): the server may be \
                 faster than this; try --threads",
                "瓶颈是负载生成器（有一个线程 {percent:.0}% 的时间都在计算）：服务端可能比这更快；请试试 --threads"
            );
            self.add(CautionKind::GeneratorLimit, text);
        }
        let (threads, cores) = (outcome.threads(), outcome.cores);
        if threads > cores {
            let text = tr!(
                "{threads} threads shared {cores} cores, and latencies contain their waiting; use fewer --threads",
                "{threads} 个线程轮流使用 {cores} 个核，延迟中包含了等待；请减少 --threads"
            );
            self.add(CautionKind::Crowded, text);
        }
        let p99s_ns = [&outcome.pacing_lag, &outcome.latency].map(|it| it.quantile_ns(0.99));
        if is_late(p99s_ns[0], p99s_ns[1]) {
            let [lag, latency] = p99s_ns.map(|it| units::nanos(it as f64));
            let text = tr!(
                "the generator itself sent late: p99 of its pacing lag is {lag}, and of the latency {latency}; \
                 try a lower --rate, or a machine that does nothing else; try more --threads",
                "负载生成器自己发送晚了：它的滞后 p99 为 {lag}，延迟 p99 为 {latency}；请试试更低的 --rate，或换一台空闲的机器；\
                 请试试更多 --threads"
            );
            self.add(CautionKind::PacingLag, text);
        }
    }

    /// Whether the load was as planned, and large enough for percentiles.
    fn look_at_the_load(&mut self) {
        let (plan, outcome, samples) = (self.plan, self.outcome, self.samples);
        let residual = outcome.littles_law_residual().unwrap_or_default();
        if outcome.elapsed >= Judgement::LITTLE_NEEDS && residual.abs() > LITTLE_ALLOWED {
            let percent = residual * 100.0;
            let text = tr!(
                "Little's law is missed by {percent:.1}%: some connections didn't send when they could; use fewer \
                 --connections; use more --threads",
                "与利特尔法则相差 {percent:.1}%：有些连接在可以发送时没有发送；请减少 --connections；请增加 --threads"
            );
            self.add(CautionKind::LittlesLaw, text);
        }
        if outcome.rate_changed_to.is_none() && !outcome.kept_up(plan) {
            let (due, measured) = (outcome.due(), outcome.messages);
            let text = tr!(
                "{due} messages became due while measuring, and {measured} were answered: messages queue up, and \
                 latency grows for as long as the run lasts; use a lower --rate; --find 'p99<10ms' searches for the highest \
                 good one",
                "测量期间应发 {due} 条消息，只有 {measured} 条得到响应：消息越积越多，运行多久，延迟就增长多久；请降低 --rate；--find \
                 'p99<10ms' 会找出满足条件的最高速率"
            );
            self.add(CautionKind::Overload, text);
        }
        if samples < SAMPLES {
            let are = if samples == 1 { " is" } else { "s are" };
            let Text { en, zh } = longer(plan);
            let text = tr!(
                "{samples} message{are} too few for a p99; {en}",
                "{samples} 条消息不足以得出 p99；{zh}"
            );
            self.add(CautionKind::FewSamples, text);
        }
        if let (Pace::Closed, Some(fairness)) = (plan.pace, outcome.fairness) {
            let (unserved, connections) = (fairness.unserved, fairness.connections);
            if (1..connections).contains(&unserved) {
                let text = tr!(
                    "{unserved} of {connections} connections got no answer while measuring: the percentiles \
                     describe only the others; use fewer --connections",
                    "{connections} 个连接中有 {unserved} 个在测量期间没有得到响应：分位数只反映其余连接；请减少 --connections"
                );
                self.add(CautionKind::Unserved, text);
            }
        }
    }

    /// Whether a chat kept its promises, and whether the generator, or a connection, had to wait.
    fn look_at_stalls(&mut self) {
        let outcome = self.outcome;
        let broken = outcome.chat.as_ref().map_or(0, |it| it.violations);
        if broken > 0 {
            let text = tr!(
                "the chat broke its promises {broken} times: see the broken promises",
                "聊天服务有 {broken} 次没有遵守约定：请看违反约定之处"
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
                "{count} times a connection waited for its turn to be made, because a thread makes 64 at once; try \
                 --threads",
                "有 {count} 次连接要排队才能建立，因为一个线程同时最多建立 64 个；请试试 --threads"
            );
            self.add(CautionKind::HeldBack, text);
        }
    }

    /// Messages that the figures don't contain, and errors.
    fn look_at_what_is_missing(&mut self) {
        let (unanswered, due_not_sent) = (self.outcome.unanswered, self.outcome.due_not_sent);
        let count = unanswered + due_not_sent;
        if count > 0 {
            let have = if count == 1 { " has" } else { "s have" };
            let worse = match self.samples > 0 {
                true => Text::new(": the true percentiles are worse", "：真实的分位数更差"),
                false => Text::new("", ""),
            };
            let remedy = match due_not_sent > 0 {
                true => Text::new(
                    "; to send what is due, use more --connections; use a greater --depth",
                    "；要发出到期的消息，请增加 --connections；请增大 --depth",
                ),
                false => Text::new("", ""),
            };
            let Text { en, zh } = joined(&[worse, remedy]);
            let text = tr!(
                "{count} message{have} no latency ({unanswered} sent and not answered, {due_not_sent} due and not \
                 sent){en}",
                "{count} 条消息没有延迟（{unanswered} 条已发送但没有响应，{due_not_sent} 条到期未发送）{zh}"
            );
            self.add(CautionKind::MissingAnswers, text);
        }
        let bad = self.error_answers + self.unmet;
        let count = self.outcome.tally.total() - bad;
        if count > 0 {
            let text = match bad > 0 {
                true => tr!(
                    "beside the wrong answers, there were other errors ({count}): see the errors",
                    "除了错误的响应，还有其他错误（{count} 个）：请看错误"
                ),
                false => tr!(
                    "there were errors ({count}): see the errors",
                    "出现了错误（{count} 个）：请看错误"
                ),
            };
            self.add(CautionKind::Errors, text);
        }
    }

    /// How long was measured, and how the run ended. The last text says what the user can do next.
    fn look_at_the_end(&mut self) {
        let outcome = self.outcome;
        let idle = self.plan.pace == Pace::Idle;
        if self.began() && (idle || self.samples > 0) && outcome.elapsed < LENGTH {
            let elapsed = units::time(outcome.elapsed);
            let Text { en, zh } = longer(self.plan);
            let text = tr!(
                "{elapsed} of measuring is short, so chance has a large effect; {en}",
                "只测量了 {elapsed}，时间太短，偶然因素影响大；{zh}"
            );
            self.add(CautionKind::Short, text);
        }
        if let Some(to) = outcome.rate_changed_to {
            let to = units::short(to);
            let text = tr!(
                "the rate was changed on the way, to {to}/s; for figures of one rate, run again with --rate {to}",
                "运行中速率改为 {to}/s；要得到一个速率的数字，请用 --rate {to} 重新运行"
            );
            self.add(CautionKind::RateChanged, text);
        }
        let (endings, all) = (outcome.endings, outcome.ended == Ended::AllLost);
        let says_why = all && endings.closed > 0;
        if self.began() && outcome.ended != Ended::Done && !says_why {
            let text = match outcome.ended {
                Ended::TooManyErrors => Text::new(
                    "the run ended before its time, by --max-errors: see the errors",
                    "运行因 --max-errors 提前结束：请看错误",
                ),
                Ended::AllLost => Text::new(
                    "the run ended before its time, because every connection was lost: see the errors",
                    "失去了所有连接，运行提前结束：请看错误",
                ),
                Ended::Interrupted | Ended::Done => Text::new(
                    "the run ended before its time, by the user; let it run to its end",
                    "运行被用户提前结束；请让它运行到底",
                ),
            };
            self.add(CautionKind::EndedEarly, text);
        }
        let reconnects = self.plan.life.reconnect;
        if !outcome.outages.is_none() {
            let next = after_an_outage(self.plan, outcome);
            let text = joined(&[outcome.outages.text(), next]);
            self.add(CautionKind::Outage, text);
        } else if !(endings.is_none() || reconnects && outcome.unanswered == 0) {
            let text = match outcome.chat {
                Some(_) => endings.of_a_chat(all),
                None => endings.text(self.plan, all),
            };
            self.add(CautionKind::Closed, text);
        }
    }
}

/// What an outage means, and what the user can do if it lasted to the end of the run.
fn after_an_outage(plan: &Plan, outcome: &Outcome) -> Text {
    let contained = Text::new("; the figures contain that", "；数字中包含了这段时间");
    if !outcome.outages.goes_on() {
        return contained;
    }
    let mut said = vec![contained, Text::new("; ", "；"), decoding::LOOK];
    let advice = decoding::advice(&plan.script.payload, outcome.tally.first_wrong());
    if let Some(advice) = advice.filter(|_| outcome.answered == 0) {
        said.extend([Text::new("; ", "；"), advice]);
    }
    joined(&said)
}

/// How to measure longer.
fn longer(plan: &Plan) -> Text {
    match plan.stop.messages {
        Some(_) => Text::new("use more --messages", "请增加 --messages"),
        None => Text::new("use a longer --duration", "请延长 --duration"),
    }
}

fn no_messages(outcome: &Outcome) -> Text {
    let without_errors = outcome.tally.total() == 0;
    if outcome.chat.is_some() {
        return match without_errors {
            true => Text::new(
                "no message reached its whole room while measuring; try a longer --duration",
                "测量期间没有一条消息送达聊天室里的所有成员；请试试更长的 --duration",
            ),
            false => Text::new(
                "no message reached its whole room while measuring: see the errors",
                "测量期间没有一条消息送达聊天室里的所有成员：请看错误",
            ),
        };
    }
    let beside = match outcome.answered {
        0 => Text::new("", ""),
        count => tr!(
            " ({count} were before it or after it)",
            "（测量前后有 {count} 个）"
        ),
    };
    let next = match without_errors {
        true => Text::new(
            "; try a longer --duration; try a smaller --size",
            "；请试试更长的 --duration；请试试更小的 --size",
        ),
        false => Text::new(": see the errors", "：请看错误"),
    };
    let what = Text::new(
        "no answer was complete in the time measured",
        "测量期间没有一个完整的响应",
    );
    joined(&[what, beside, next])
}

#[cfg(test)]
mod tests {
    use super::{CautionKind::*, *};
    use crate::{
        Arrivals, Cause, Endings, ErrorAnswer, Fairness, Latency, Phase,
        stats::{Little, Stats},
    };

    /// A plan and an outcome without a reason for doubt.
    fn good() -> (Plan, Outcome) {
        let plan = Plan::new(std::net::SocketAddr::from(([127, 0, 0, 1], 1)));
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

    fn kinds(judged: &Judgement) -> Vec<CautionKind> {
        judged.doubts.iter().map(|it| it.kind).collect()
    }

    #[test]
    fn answers_that_are_errors_raise_a_doubt() {
        let (plan, mut outcome) = good();
        outcome.answered = 10_000;
        let error = Cause::ErrorAnswer(ErrorAnswer::Minus);
        outcome.tally.add(Phase::Verify, error);
        let some = Judgement::of(&plan, &outcome);
        assert_eq!((some.word, kinds(&some)), ("with care", vec![ErrorAnswers]));
        let text = some.doubts[0].text.to_string();
        assert!(text.starts_with("1 of 10000 answers"), "{text}");
        (1..10_000).for_each(|_| outcome.tally.add(Phase::Verify, error));
        assert_eq!(Judgement::of(&plan, &outcome).word, "no");
        // Wrong datagrams are answers too.
        let (mut plan, mut outcome) = good();
        outcome.answered = 10_000;
        plan.targets = vec![crate::Target::Udp(std::net::SocketAddr::from((
            [127, 0, 0, 1],
            1,
        )))];
        (0..10_000).for_each(|_| outcome.tally.add(Phase::Verify, Cause::Length));
        assert_eq!(Judgement::of(&plan, &outcome).word, "no");
    }

    /// The reasons to doubt the good outcome after a change, of a closed loop, or of an open one.
    fn doubts(is_open: bool, change: impl FnOnce(&mut Outcome)) -> Vec<CautionKind> {
        let (mut plan, mut outcome) = good();
        if is_open {
            plan.pace = Pace::Open {
                rate_per_s: 1_000.0,
                arrivals: Arrivals::Uniform,
            };
            // A backlog is a doubt even if there are connections for all messages.
            plan.connections = 5_000;
        }
        change(&mut outcome);
        kinds(&Judgement::of(&plan, &outcome))
    }

    #[test]
    fn an_open_loop_is_doubted_if_the_generator_was_late_or_the_server_fell_behind() {
        let late = |lag_ns| {
            doubts(true, |outcome| {
                (0..100).for_each(|_| outcome.pacing_lag.record(lag_ns));
            })
        };
        assert_eq!((late(150_000), late(300_000)), (vec![], vec![PacingLag]));
        // A twentieth, and three for what is always in flight.
        let behind = |missing| doubts(true, |outcome| outcome.messages -= missing);
        assert_eq!((behind(503), behind(504)), (vec![], vec![Overload]));
        // Messages that wait for a connection aren't in flight, even if all answers came late.
        let slow = |outcome: &mut Outcome| {
            (0..90_000).for_each(|_| outcome.latency.record(3_000_000_000));
        };
        assert_eq!(doubts(true, slow), [Overload]);
        // An interrupted run isn't overload.
        let interrupted = doubts(true, |outcome| outcome.ended = Ended::Interrupted);
        assert_eq!(interrupted, [EndedEarly]);
    }

    #[test]
    fn each_reason_to_doubt_is_named_and_a_long_clean_run_is_believed() {
        let little = |in_flight_ns| Little {
            capacity_ns: 100.0,
            in_flight_ns,
        };
        let millis = Duration::from_millis;
        type Change<'a> = &'a dyn Fn(&mut Outcome);
        let cases: [(Change<'_>, &[CautionKind]); 14] = [
            (&|_| {}, &[]),
            // One thread at its limit is enough.
            (&|it| it.generator_cpu[1] = millis(9_000), &[GeneratorLimit]),
            (&|it| it.cores = 1, &[Crowded]),
            (&|it| it.held_back = 1, &[HeldBack]),
            (&|it| it.little = little(98.0), &[LittlesLaw]),
            (&|it| it.little = little(99.5), &[]),
            (&|it| it.elapsed = millis(900), &[Short]),
            (&|it| it.unanswered = 1, &[MissingAnswers]),
            (
                &|it| (it.latency, it.messages) = (Latency::new(), 0),
                &[NoMessages],
            ),
            (&|it| it.elapsed = Duration::ZERO, &[NotMeasured]),
            (&|it| it.generator_stalled[0] = millis(101), &[HeldUp]),
            (&|it| it.fairness = Fairness::of(&[0, 10_000]), &[Unserved]),
            (&|it| it.ended = Ended::Interrupted, &[EndedEarly]),
            (
                &|it| {
                    // The closed connections say why the run ended early.
                    it.ended = Ended::AllLost;
                    it.endings = Endings::default();
                    it.endings.close(50, 7);
                },
                &[Closed],
            ),
        ];
        for (number, (change, expected)) in cases.into_iter().enumerate() {
            assert_eq!(doubts(false, change), expected, "case {number}");
        }
    }
}
