//! The result of a run: derived once from its plan and its outcome, for everything that prints it.

use std::time::Duration;

use portlab_stats::load::{
    AnswerLine, DatagramResult, ExchangeLine, Fairness, OutageResult, Redirect, StatusCount,
    TargetResult, TlsResult,
};
use portlab_words::{Lang, Text, tr};
use schemars::JsonSchema;
use serde::{Serialize, Serializer};

use crate::{
    Answers, Cause, Caution, Checked, Details, Ended, Failure, Judgement, Latency, Mismatch,
    Origin, Outcome, Pace, Phase, Plan, WrongAnswer, by_target, decoding, endings::joined,
    limits::LimitResult, limits::Rule, outcome::per_s, thread_state::nanos, tls::SPEAKS_TLS,
};

/// The result of a run: the figures, and how far they can be believed.
///
/// As JSON it is what `portlab load --json` prints. Texts are in English there; the text for people chooses a language.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LoadResult {
    /// The plan of the run.
    #[serde(skip)]
    pub plan: Plan,
    /// How far answers were checked, for people.
    #[serde(skip)]
    pub checking: Checked,
    /// Where the result comes from.
    #[serde(flatten)]
    pub origin: Origin,
    /// The address that was loaded, or the URL.
    pub target: String,
    /// What the proxy of `--through` did, in words; `null` without one.
    pub through: Option<String>,
    /// `closed`, `open` or `idle`.
    #[serde(rename = "loop")]
    pub pace: &'static str,
    /// The rate of an open loop.
    pub rate_per_s: Option<f64>,
    /// How an open loop's messages were spread: `uniform` or `poisson`.
    pub arrivals: Option<String>,
    /// The seed of random lengths and arrivals.
    pub seed: u64,
    /// Connections that were asked for.
    pub connections: usize,
    /// Connections that were open when the load began.
    pub connected: usize,
    /// Connections that were made in all, those of churn included.
    pub connections_made: u64,
    /// Connections that were open when measuring ended.
    pub alive: usize,
    /// Messages in flight on a connection, in a chat in all rooms: always in a closed loop, at most in an open one.
    pub depth: usize,
    /// The shortest message.
    pub size_bytes: usize,
    /// The longest message.
    pub size_max_bytes: usize,
    /// What counted as an answer.
    pub expect: String,
    /// Whether every byte of every answer was compared with what was sent.
    pub every_byte_checked: bool,
    /// How far answers were checked: `every_byte`; `content`, if the conditions of `expect` were checked beside the end of
    /// each answer; `status`, if the end and the status of each answer of HTTP were; `framing`, if only the end was;
    /// `history`, in a chat; or `nothing`, if there was no answer.
    pub checked: &'static str,
    /// Whether answers that are errors by their own protocol were counted as any other.
    pub any_answer: bool,
    /// Answers that were errors by their own protocol.
    pub error_answers: u64,
    /// Answers that didn't meet a condition of `expect`.
    pub unmet_answers: u64,
    /// The beginning of the first answer: with HTTP, its status line and the beginning of its body; in a chat, the
    /// beginning of the first message that a member received; if no answer was expected, of what came first. Bytes that
    /// aren't text are escaped.
    pub first_answer: Option<String>,
    /// What answers began with, the most frequent first; none in a chat.
    pub first_lines: Vec<AnswerLine>,
    /// Answers that began with none of these.
    pub other_first_lines: u64,
    /// The messages of a dialogue file, in its order; empty without one.
    pub steps: Vec<ExchangeLine>,
    /// The shortest and the longest pause of `--think`; `null` without it.
    pub think_ns: Option<[u64; 2]>,
    /// The method of the requests, if the target is a URL.
    pub method: Option<String>,
    /// How often each status of HTTP came, the most frequent first.
    pub statuses: Vec<StatusCount>,
    /// The first redirect, which was not followed; `null` if there was none.
    pub redirect: Option<Redirect>,
    /// What answers began with, for adding up several runs.
    #[serde(skip)]
    pub answers: Answers,
    /// Threads that generated the load.
    pub threads: usize,
    /// How the run ended: `done`, `interrupted`, `too_many_errors` or `nobody_left`.
    #[schemars(with = "String")]
    pub ended: Ended,
    /// Whether its user ended the run.
    pub interrupted: bool,
    /// Messages answered since the run began, those of the warm-up included.
    pub answered: u64,
    /// Messages answered while measuring; in a chat, messages that reached their whole room.
    pub messages: u64,
    /// How long was measured.
    pub elapsed_ns: u64,
    /// How long the messages that became due while measuring take at the rate of an open loop, if that is longer.
    #[serde(skip)]
    pub by_rate: Duration,
    /// Messages divided by the time measured; in an open loop, by the time that they take at its rate, if that is
    /// longer.
    pub messages_per_s: f64,
    /// Bytes sent, those of the warm-up included.
    pub bytes_sent: u64,
    /// Bytes received, those of the warm-up included.
    pub bytes_received: u64,
    /// From when a message was due to the last byte of its answer, or to when the last member of its room
    /// received it: of those that became due while measuring.
    pub latency_ns: Latency,
    /// The same from when a message was sent; `null` in a closed loop, where both are equal.
    pub uncorrected_latency_ns: Option<Latency>,
    /// How late the generator itself sent messages; `null` in a closed loop.
    pub pacing_lag_ns: Option<Latency>,
    /// Messages that were due and never sent.
    pub due_not_sent: u64,
    /// How often a connection waited because too many others were being made.
    pub held_back: u64,
    /// The last rate that was set with the keys of the screen; `null` if none was.
    pub rate_changed_to_per_s: Option<f64>,
    /// Messages that were sent and not answered.
    pub unanswered: u64,
    /// How long it took to make all connections.
    pub connect_phase_ns: u64,
    /// How long each connection took to be made.
    pub connect_latency_ns: Latency,
    /// How long each handshake of TLS took after that; `null` without TLS.
    pub handshake_latency_ns: Option<Latency>,
    /// How connections were encrypted; `null` without TLS.
    pub tls: Option<TlsResult>,
    /// CPU time of all the generator's threads while measuring.
    pub generator_cpu_ns: u64,
    /// The same per message.
    pub generator_cpu_us_per_message: f64,
    /// The share of all threads' time, from 0 to 1.
    pub generator_cpu_share: f64,
    /// The share of each thread's time, from 0 to 1.
    pub generator_cpu_share_by_thread: Vec<f64>,
    /// Whether throughput says nothing about the server, because the generator had no more time.
    pub generator_was_the_limit: bool,
    /// The share of its threads' runnable time, from 0 to 1, that they waited for a processor because
    /// other threads ran; `null` if they never ran.
    pub generator_wait_share: Option<f64>,
    /// How long each thread was kept from running, in pieces of 10 ms and more.
    pub generator_stalled_ns_by_thread: Vec<u64>,
    /// How evenly connections were served; `null` when none was, and in a chat.
    pub fairness: Option<Fairness>,
    /// Connections that the server closed while they were in use; `null` if there were none.
    pub closed_by_server: Option<Closed>,
    /// Whether connections that the server closed were made again.
    pub reconnect: bool,
    /// The times in which no connection could be made although connections were made again; `null` if there were none.
    pub outages: Option<OutageResult>,
    /// The same in words; empty if there were none.
    #[serde(skip)]
    pub outages_text: Text,
    /// The figures of each target; empty if there is one.
    pub targets: Vec<TargetResult>,
    /// What became of UDP datagrams; `null` with other targets.
    pub datagrams: Option<DatagramResult>,
    /// All errors.
    pub errors: u64,
    /// The errors by phase and cause.
    pub failures: Vec<FailureLine>,
    /// The first byte that came back different.
    pub first_mismatch: Option<Mismatch>,
    /// The first answer that didn't meet a condition of `expect`.
    pub first_unmet: Option<WrongAnswer>,
    /// The beginning of the first read that contained an error; bytes that aren't ASCII are escaped.
    pub first_wrong_answer: Option<String>,
    /// The same, as it is shown to people.
    #[serde(skip)]
    pub first_wrong: Option<String>,
    /// The warnings before the run.
    #[serde(serialize_with = "all_english")]
    #[schemars(with = "Vec<String>")]
    pub preflight: Vec<Text>,
    /// Whether the figures can be believed.
    pub verdict: Judgement,
    /// The limits that were set, with their verdicts.
    pub limits: Vec<LimitResult>,
    /// Whether the server kept up with an open loop.
    #[serde(skip)]
    pub kept_up: bool,
    /// Whether an answer was wrong. Answers that are errors by their own protocol don't count.
    #[serde(skip)]
    pub has_wrong_answers: bool,
    /// Whether every promise of a chat was kept, and no target was away in the end.
    #[serde(skip)]
    pub is_sound: bool,
    /// The figures that only a chat has.
    #[serde(flatten)]
    pub chat: Option<ChatResult>,
    /// Its details.
    #[serde(flatten)]
    pub details: Details,
}

/// The figures that only a chat has.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct ChatResult {
    /// Members, in all rooms.
    pub members: usize,
    /// Rooms.
    pub rooms: usize,
    /// The letters with which the names of this run's members and rooms begin.
    pub run: String,
    /// The encodings that members used, in turn.
    pub encodings: Vec<String>,
    /// How often a member received a message, while measuring.
    pub deliveries: u64,
    /// The same per second.
    pub deliveries_per_s: f64,
    /// From when a message was due to when the last member received it: the latency.
    pub fan_out_ns: Latency,
    /// From when a message was due to when each member received it.
    pub delivery_ns: Latency,
    /// Messages that didn't reach their whole room.
    pub unheard: u64,
    /// Lines that members received from clients that don't belong to this run.
    pub strangers_lines: u64,
    /// The beginning of the first of these lines; bytes that aren't text are escaped.
    pub first_strangers_line: Option<String>,
    /// How many promises of a chat were not kept.
    pub violations: u64,
    /// The first of them, in words.
    #[serde(serialize_with = "all_english")]
    #[schemars(with = "Vec<String>")]
    pub first_violations: Vec<Text>,
    /// The reasons to doubt the figures, as in the verdict.
    pub doubts: Vec<Caution>,
}

/// Connections that the server closed while they were in use. Times count from the beginning of measuring; `null`
/// before that.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Closed {
    connections: u64,
    /// The fewest answers on one of these connections.
    least_answers: u64,
    /// The most answers on one of these connections.
    most_answers: u64,
    /// When the first was closed.
    first_ns: Option<u64>,
    /// When the last was closed.
    last_ns: Option<u64>,
    /// Attempts to connect again that were refused.
    refused: u64,
    /// When the first attempt was refused.
    refused_from_ns: Option<u64>,
    /// Whether a program listened on the port when every connection had been lost.
    listens: Option<bool>,
}

/// Errors of one kind.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FailureLine {
    /// `connect`, `handshake`, `greeting`, `send`, `receive`, `verify` or `close`.
    #[schemars(with = "String")]
    pub phase: Phase,
    /// Why it failed.
    #[serde(serialize_with = "english")]
    #[schemars(with = "String")]
    pub cause: Text,
    /// The system's error number.
    pub errno: Option<i32>,
    /// How often.
    pub count: u64,
    /// What to do about it.
    #[serde(serialize_with = "maybe_english")]
    #[schemars(with = "Option<String>")]
    pub hint: Option<Text>,
}

impl LoadResult {
    /// The result of `plan`, with the warnings that were given `before` the run.
    #[allow(clippy::too_many_lines, reason = "a line for each field")]
    pub fn of(plan: &Plan, mut outcome: Outcome, before: &[Text]) -> Self {
        let encoding = plan.script.exchange(0).1.encoding;
        outcome.answers.show_in(encoding);
        let (pace, arrivals) = loop_of(plan.pace);
        let rate_per_s = plan.pace.rate_per_s();
        let sizes = plan.script.sizes();
        let checking = Checked::of(plan, &outcome);
        let verdict = Judgement::of(plan, &outcome);
        let wrong = outcome.tally.first_wrong();
        let unmet = outcome.tally.first_unmet().cloned();
        let stalled = outcome.generator_stalled.iter();
        let result = Self {
            origin: Origin::of(&outcome),
            details: Details::of(plan, &outcome, checking),
            target: plan.targets_text(),
            through: plan.through.as_ref().map(|it| it.faults.clone()),
            pace,
            rate_per_s,
            arrivals,
            seed: plan.seed,
            connections: plan.connections,
            connected: outcome.connected,
            connections_made: outcome.connect_latency.count(),
            alive: outcome.alive,
            depth: plan.depth,
            size_bytes: *sizes.start(),
            size_max_bytes: *sizes.end(),
            expect: plan.script.expectation(),
            every_byte_checked: plan.checks_every_byte(),
            checked: checking.name(),
            any_answer: plan.script.any_answer,
            error_answers: outcome.tally.error_answers(),
            unmet_answers: outcome.tally.unmet(),
            first_answer: outcome.answers.first().map(ToString::to_string),
            first_lines: outcome.answers.lines(),
            other_first_lines: outcome.answers.others(),
            steps: outcome.exchanges.lines(),
            think_ns: plan.script.think().map(|it| it.ends().map(nanos)),
            method: plan.script.http().map(|it| it.method.name().to_owned()),
            statuses: outcome.answers.statuses(),
            redirect: outcome.answers.redirect().cloned(),
            threads: outcome.threads(),
            ended: outcome.ended,
            interrupted: outcome.interrupted(),
            answered: outcome.answered,
            messages: outcome.messages,
            elapsed_ns: nanos(outcome.elapsed),
            by_rate: outcome.by_rate,
            messages_per_s: outcome.messages_per_s(),
            bytes_sent: outcome.bytes_sent,
            bytes_received: outcome.bytes_received,
            uncorrected_latency_ns: rate_per_s.map(|_| outcome.uncorrected.clone()),
            pacing_lag_ns: rate_per_s.map(|_| outcome.pacing_lag.clone()),
            due_not_sent: outcome.due_not_sent,
            held_back: outcome.held_back,
            rate_changed_to_per_s: outcome.rate_changed_to,
            unanswered: outcome.unanswered,
            connect_phase_ns: nanos(outcome.connect_phase),
            generator_cpu_ns: nanos(outcome.generator_cpu.iter().sum()),
            generator_cpu_us_per_message: outcome.generator_cpu_us_per_message(),
            generator_cpu_share: outcome.generator_cpu_share(),
            generator_cpu_share_by_thread: outcome.generator_cpu_shares(),
            generator_was_the_limit: outcome.generator_was_the_limit(),
            generator_wait_share: outcome.generator_wait_share(),
            generator_stalled_ns_by_thread: stalled.copied().map(nanos).collect(),
            fairness: outcome.fairness,
            closed_by_server: Closed::of(&outcome),
            reconnect: plan.life.reconnect,
            outages: outcome.outages.result(plan),
            outages_text: outcome.outages.text(),
            targets: by_target::results(plan, &outcome),
            datagrams: outcome.datagrams.map(|it| it.result(&outcome)),
            errors: outcome.tally.total(),
            failures: FailureLine::all(plan, &outcome),
            first_mismatch: outcome.tally.first_mismatch(),
            first_unmet: unmet.map(|it| it.in_encoding(encoding)),
            first_wrong_answer: wrong.map(|it| it.bytes().escape_ascii().to_string()),
            first_wrong: wrong.map(|it| it.clone().in_encoding(encoding).to_string()),
            preflight: before.to_vec(),
            limits: Vec::new(),
            kept_up: outcome.kept_up(plan),
            has_wrong_answers: outcome.tally.has_wrong_answers(),
            is_sound: outcome.is_sound(),
            chat: ChatResult::of(plan, &outcome, &verdict),
            verdict,
            tls: outcome.handshakes.result(plan),
            handshake_latency_ns: plan.tls.as_ref().map(|_| outcome.handshakes.latency),
            latency_ns: outcome.latency,
            connect_latency_ns: outcome.connect_latency,
            answers: outcome.answers,
            plan: plan.clone(),
            checking,
        };
        result.translated()
    }

    /// How long was measured.
    pub fn elapsed(&self) -> Duration {
        Duration::from_nanos(self.elapsed_ns)
    }

    /// Whether every answer came and was correct, and every limit is met. If the user ended the run, answers may be
    /// missing.
    ///
    /// A limit to a figure takes the place of the usual rule: with the limit `errors>10`, ten errors are fine.
    pub fn is_fine(&self) -> bool {
        let kept = self.chat.as_ref().is_none_or(|it| it.violations == 0);
        kept && self.meets_its_limits() && self.keeps_the_rules()
    }

    fn keeps_the_rules(&self) -> bool {
        let none = |rule, count| count == 0 || self.replaces(rule);
        if self.interrupted {
            let wrong = self.has_wrong_answers_by_rule();
            return !wrong && none(Rule::NoErrors, self.error_answers);
        }
        // A limit may allow lost connections, but a run needs one.
        let went_on = self.ended != Ended::AllLost || !self.replaces(Rule::NoErrors);
        let measured = self.messages > 0 || self.plan.pace == Pace::Idle;
        let all_came =
            none(Rule::AllAnswered, self.unanswered) && none(Rule::AllSent, self.due_not_sent);
        self.is_sound && self.errors_by_rule() == 0 && all_came && measured && went_on
    }
}

/// The name of a loop, and how its messages were spread.
fn loop_of(pace: Pace) -> (&'static str, Option<String>) {
    match pace {
        Pace::Closed => ("closed", None),
        Pace::Open { arrivals, .. } => ("open", Some(arrivals.to_string())),
        Pace::Idle => ("idle", None),
    }
}

impl ChatResult {
    fn of(plan: &Plan, outcome: &Outcome, verdict: &Judgement) -> Option<Self> {
        let chat = plan.script.chat.as_ref()?;
        let found = outcome.chat.clone().unwrap_or_default();
        Some(Self {
            members: plan.connections,
            rooms: chat.rooms,
            run: chat.run.to_string(),
            encodings: chat.encodings.iter().map(|it| it.label.clone()).collect(),
            deliveries: found.deliveries,
            deliveries_per_s: per_s(found.deliveries, outcome.time()),
            fan_out_ns: outcome.latency.clone(),
            delivery_ns: found.delivery,
            unheard: outcome.unanswered,
            strangers_lines: found.strangers,
            first_strangers_line: found.first_stranger.map(|it| it.to_string()),
            violations: found.violations,
            first_violations: found.first_violations,
            doubts: verdict.doubts.clone(),
        })
    }
}

impl FailureLine {
    fn all(plan: &Plan, outcome: &Outcome) -> Vec<Self> {
        let tls = plan.tls.as_ref();
        let certificate = tls.and_then(|it| Some((it.certificate()?, it.name())));
        let line = |failure: Failure| Self {
            phase: failure.phase,
            cause: match (failure.cause, &certificate) {
                (Cause::Tls(fault), Some((it, name))) => fault.text_with(it, name),
                _ => failure.cause.text(),
            },
            errno: failure.cause.errno(),
            count: failure.count,
            hint: hint(failure, plan, outcome),
        };
        outcome.tally.failures().map(line).collect()
    }

    /// Why it failed, and what to do about it where that is known.
    pub fn with_hint(&self, lang: Lang) -> String {
        let cause = self.cause.pick(lang);
        match &self.hint {
            Some(hint) => {
                let hint = hint.pick(lang);
                tr!(lang, "{cause} ({hint})", "{cause}（{hint}）")
            }
            None => cause.to_owned(),
        }
    }

    /// What failed and why, and what to do about it where that is known.
    pub fn in_words(&self, lang: Lang) -> String {
        let (phase, why) = (self.phase.text(), self.with_hint(lang));
        let Text { en, zh } = phase;
        tr!(lang, "{en}: {why}", "{zh}：{why}")
    }
}

/// What to do about `failure` in a run of `plan`.
fn hint(failure: Failure, plan: &Plan, outcome: &Outcome) -> Option<Text> {
    let Failure { phase, cause, .. } = failure;
    if outcome.tally.speaks_tls() && phase > Phase::Connect {
        return Some(SPEAKS_TLS);
    }
    let hint = cause.hint(match (&outcome.chat, phase, cause) {
        // A chat has no --greeting: the hint is that of a line.
        (Some(_), Phase::Greeting, Cause::NoEnd) => Phase::Receive,
        _ => phase,
    })?;
    // If the server closed connections, the verdict says this.
    let may_decode = outcome.chat.is_none() && outcome.answered == 0 && outcome.endings.closed == 0;
    let advice = match (phase, cause) {
        (Phase::Receive, Cause::TimedOut) | (Phase::Verify, Cause::WrongByte) if may_decode => {
            decoding::advice(plan.script.exchange(0).0, outcome.tally.first_wrong())
        }
        _ => None,
    };
    let hint = match advice {
        None => hint,
        Some(advice) => joined(&[
            hint,
            Text::new("; ", "；"),
            decoding::LOOK,
            Text::new("; ", "；"),
            advice,
        ]),
    };
    Some(plan.fitting_advice(&hint)).filter(|it| !it.en.is_empty())
}

impl Closed {
    fn of(outcome: &Outcome) -> Option<Self> {
        let endings = &outcome.endings;
        let (least_answers, most_answers) = endings.answers.unwrap_or_default();
        let closed = endings.closed_at();
        (!endings.is_none()).then(|| Self {
            connections: endings.closed,
            least_answers,
            most_answers,
            first_ns: closed.map(|(first, _)| nanos(first)),
            last_ns: closed.map(|(_, last)| nanos(last)),
            refused: endings.refused,
            refused_from_ns: endings.refused_at().map(nanos),
            listens: endings.listens,
        })
    }
}

/// JSON is read by programs, so its texts are English.
pub(crate) fn english<S: Serializer>(text: &Text, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(&text.en)
}

pub(crate) fn maybe_english<S: Serializer>(text: &Option<Text>, to: S) -> Result<S::Ok, S::Error> {
    text.as_ref().map(|it| &it.en).serialize(to)
}

pub(crate) fn all_english<S: Serializer>(texts: &[Text], to: S) -> Result<S::Ok, S::Error> {
    to.collect_seq(texts.iter().map(|it| &it.en))
}
