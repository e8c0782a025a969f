//! The result as JSON. Its schema, `docs/load.schema.json`, is made from these types.

use std::{io::Write, time::Duration};

use portlab_load::{
    Account, Chat, Ended, FirstLine, Latency, Mismatch, Outcome, Pace, Plan, Verdict, Warning,
};
use schemars::{JsonSchema, Schema, schema_for};
use serde::Serialize;

use crate::output;

/// What `portlab load --json` prints: a run, a ladder of runs, a chat, or the self-test.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(untagged)]
#[schemars(title = "portlab load --json")]
#[allow(
    dead_code,
    reason = "the schema is made from it; each part is printed by itself"
)]
enum Printed {
    Run(Box<Report>),
    Ladder(Ladder),
    Chat(Box<ChatReport>),
    SelfTest(SelfTest),
}

/// One run.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Report {
    /// The address that was loaded.
    target: String,
    /// What the proxy of `--through` did, in words; `null` without one.
    through: Option<String>,
    /// `closed`, `open` or `idle`.
    #[serde(rename = "loop")]
    pace: &'static str,
    /// The rate of an open loop.
    rate_per_s: Option<f64>,
    /// How an open loop's messages were spread: `uniform` or `poisson`.
    arrivals: Option<String>,
    /// What random lengths and arrivals follow from.
    seed: u64,
    /// Connections that were asked for.
    connections: usize,
    /// Connections that could talk when the load began.
    connected: usize,
    /// Connections that were made in all, those of churn included.
    connections_made: u64,
    /// Connections that were open when measuring ended.
    alive: usize,
    /// Messages in flight on a connection: always in a closed loop, at most in an open one.
    depth: usize,
    /// The shortest message.
    size_bytes: usize,
    /// The longest message.
    size_max_bytes: usize,
    /// What counted as an answer.
    expect: String,
    /// Whether every byte of every answer was compared with what was sent.
    every_byte_checked: bool,
    /// How far answers were checked: `every_byte`; `framing`, when they ended where they were to end
    /// and what they say was not looked at; or `nothing`, when there was none.
    checked: &'static str,
    /// Whether answers that are errors by their own protocol were counted as any other.
    any_answer: bool,
    /// Answers that were errors by their own protocol.
    error_answers: u64,
    /// The beginning of the first answer, where answers weren't compared byte by byte; of what came
    /// first, where none was expected. Other bytes than text escaped.
    first_answer: Option<String>,
    /// What such answers began with, the most frequent first.
    first_lines: Vec<AnswerLine>,
    /// Answers that began with none of these.
    other_first_lines: u64,
    /// Threads that generated the load.
    threads: usize,
    /// How the run ended: `done`, `interrupted`, `too_many_errors` or `nobody_left`.
    ended: &'static str,
    /// Whether its user ended the run.
    interrupted: bool,
    /// Messages answered since the run began, those of the warm-up included.
    answered: u64,
    /// Messages answered while measuring.
    messages: u64,
    /// How long was measured.
    elapsed_ns: u64,
    /// Messages divided by the time measured; of an open loop, by the time that they take at its rate,
    /// if that is longer.
    messages_per_s: f64,
    /// Bytes sent and received, those of the warm-up included.
    bytes_sent: u64,
    bytes_received: u64,
    /// From when a message was due to the last byte of its answer: of those that became due while
    /// measuring.
    latency_ns: Quantiles,
    /// The same from when it was sent; `null` in a closed loop, where it is no other.
    uncorrected_latency_ns: Option<Quantiles>,
    /// How late the generator itself sent messages; `null` in a closed loop.
    pacing_lag_ns: Option<Quantiles>,
    /// Messages that were due and never sent.
    due_not_sent: u64,
    /// How often a connection waited for its turn to be made.
    held_back: u64,
    /// The rate that the keys asked for at last.
    rate_changed_to_per_s: Option<f64>,
    /// Messages that were sent and not answered.
    unanswered: u64,
    /// How long it took to make all connections.
    connect_phase_ns: u64,
    /// How long each connection took to be made.
    connect_latency_ns: Quantiles,
    generator_cpu_ns: u64,
    generator_cpu_us_per_message: f64,
    /// The share of all threads' time, from 0 to 1.
    generator_cpu_share: f64,
    /// The share of each thread's time, from 0 to 1.
    generator_cpu_share_by_thread: Vec<f64>,
    generator_was_the_limit: bool,
    /// The share of its threads' runnable time, from 0 to 1, that they waited for a processor because
    /// other threads ran; `null` if they never ran.
    generator_wait_share: Option<f64>,
    /// How long each thread was kept from running, counting only what is far beyond the machine's
    /// usual way.
    generator_stalled_ns_by_thread: Vec<u64>,
    /// How evenly connections were served; `null` when none was.
    fairness: Option<Fairness>,
    /// Connections that the server ended while they were in use; `null` when there were none.
    closed_by_server: Option<Closed>,
    errors: u64,
    /// The errors by phase and cause.
    failures: Vec<Failure>,
    /// The first byte that came back different.
    first_mismatch: Option<WrongByte>,
    /// The beginning of the first read in which something was wrong, other bytes than ASCII escaped.
    first_wrong_answer: Option<String>,
    /// What was said before the run.
    preflight: Vec<String>,
    verdict: Judgement,
}

/// Quantiles in nanoseconds, `null` when nothing was recorded.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Quantiles {
    /// How many were recorded.
    count: u64,
    mean: Option<f64>,
    p50: Option<u64>,
    p90: Option<u64>,
    p99: Option<u64>,
    p999: Option<u64>,
    max: Option<u64>,
}

/// A first line of answers.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct AnswerLine {
    /// Without its end, and at most 80 bytes of it; other bytes than text escaped.
    line: String,
    /// Answers that began with it.
    count: u64,
    /// What error it is by its protocol, if it is one.
    error: Option<String>,
}

/// Connections that the server ended while they were in use. Times are since measuring began; `null`
/// before that.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Closed {
    connections: u64,
    /// Answers on the one of them that had fewest.
    least_answers: u64,
    /// Answers on the one of them that had most.
    most_answers: u64,
    /// When the first was closed.
    first_ns: Option<u64>,
    /// When the last was closed.
    last_ns: Option<u64>,
    /// Attempts to connect again that were refused.
    refused: u64,
    /// When the first of them was.
    refused_from_ns: Option<u64>,
    /// Whether something listened on the port when every connection had been lost.
    listens: Option<bool>,
}

/// Messages answered by connection.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Fairness {
    connections: usize,
    /// Connections that got no answer at all.
    unserved: usize,
    least_messages: u64,
    most_messages: u64,
    /// From 1/n to 1.
    jain_index: f64,
}

/// Errors of one kind.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Failure {
    /// `connect`, `greeting`, `send`, `receive`, `verify` or `close`.
    phase: String,
    cause: String,
    /// The system's error number.
    errno: Option<i32>,
    count: u64,
    /// What to do about it.
    hint: Option<&'static str>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct WrongByte {
    /// Counted from 0.
    connection: usize,
    /// Its place in what the connection sent, counted from 0.
    offset: u64,
    expected: u8,
    got: u8,
}

/// Whether the figures can be believed.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Judgement {
    /// Whether there is no doubt.
    believable: bool,
    /// `yes`; `with care`, when there are doubts; `no`, when there is nothing to believe.
    word: &'static str,
    doubts: Vec<Doubt>,
    /// How many messages the latency is of.
    samples: u64,
    pacing_lag_p99_ns: Option<u64>,
    /// By how much a closed loop that ends by the clock misses N = X R, as a share of N.
    littles_law_residual: Option<f64>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Doubt {
    name: &'static str,
    text: String,
}

/// One run per rate.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Ladder {
    pub(super) rungs: Vec<Report>,
    /// The rate with the most power: messages per second over their p99. `null` when the lowest rate
    /// was too much, or latency doesn't rise with load.
    pub(super) knee_rate_per_s: Option<f64>,
    /// Whether power still rose at the highest rate that says anything, so that the knee may lie beyond.
    pub(super) knee_is_beyond: bool,
    /// The probability that the knee is this rate and not another of the ladder, in `[0, 1]`.
    pub(super) knee_confidence: Option<f64>,
    /// The lowest rate that may be the knee, with 95 %.
    pub(super) knee_from_rate_per_s: Option<f64>,
    /// The highest one.
    pub(super) knee_to_rate_per_s: Option<f64>,
    pub(super) verdict: LadderVerdict,
}

/// Whether the knee can be believed.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct LadderVerdict {
    /// Whether there is no doubt.
    believable: bool,
    /// What speaks against the rates that show the knee.
    doubts: Vec<Doubt>,
}

impl LadderVerdict {
    pub(super) fn of(doubts: Vec<(&'static str, String)>) -> Self {
        Self {
            believable: doubts.is_empty(),
            doubts: doubts
                .into_iter()
                .map(|(name, text)| Doubt { name, text })
                .collect(),
        }
    }
}

/// A load of a chat.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ChatReport {
    /// The address that was loaded.
    target: String,
    /// What the proxy of `--through` did, in words; `null` without one.
    through: Option<String>,
    /// `closed` or `open`.
    #[serde(rename = "loop")]
    pace: &'static str,
    /// The rate of an open loop, over all members.
    rate_per_s: Option<f64>,
    seed: u64,
    members: usize,
    rooms: usize,
    /// What the names of the members and the rooms of this run begin with.
    run: String,
    /// The encodings that members spoke, in turn.
    encodings: Vec<String>,
    /// How the run ended: `done`, `interrupted`, `too_many_errors` or `nobody_left`.
    ended: &'static str,
    /// Messages that everybody has heard who was to, while measuring.
    messages: u64,
    /// Messages divided by the time measured; of an open loop, by the time that they take at its rate,
    /// if that is longer.
    messages_per_s: f64,
    /// How often a member has heard a message, while measuring.
    deliveries: u64,
    deliveries_per_s: f64,
    elapsed_ns: u64,
    /// From when a message was due to when the last heard it.
    fan_out_ns: Quantiles,
    /// From when a message was due to when somebody heard it.
    delivery_ns: Quantiles,
    /// How late the generator itself was; `null` in a closed loop.
    pacing_lag_ns: Option<Quantiles>,
    /// Messages that not everybody heard.
    unheard: u64,
    /// Messages that were due and never said.
    due_not_sent: u64,
    generator_cpu_share: f64,
    /// The share of its runnable time, from 0 to 1, that the generator waited for a processor because
    /// other threads ran; `null` if it never ran.
    generator_wait_share: Option<f64>,
    errors: u64,
    /// The errors by phase and cause.
    failures: Vec<Failure>,
    /// Lines that members heard of others, who are not of this run.
    strangers_lines: u64,
    /// The beginning of the first of them, other bytes than text escaped.
    first_strangers_line: Option<String>,
    /// How many promises of a chat were not kept.
    violations: u64,
    /// The first of them, in words.
    first_violations: Vec<String>,
    /// The reasons to doubt the figures.
    doubts: Vec<Doubt>,
}

/// The self-test.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SelfTest {
    pub(super) passed: bool,
    pub(super) checks: Vec<Check>,
}

/// One check of the self-test.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Check {
    /// The server that was loaded.
    pub(super) test: &'static str,
    /// What was looked at.
    pub(super) name: String,
    pub(super) expected: String,
    pub(super) got: String,
    pub(super) passed: bool,
}

/// The schema of all that is printed.
pub(super) fn schema() -> Schema {
    schema_for!(Printed)
}

/// Prints `result`, and a line break.
pub(super) fn print(out: &mut impl Write, result: &impl Serialize) -> anyhow::Result<()> {
    // Written at once: a pipe that closes in the middle is then one error, of the pipe.
    let text = output::json(result)?;
    writeln!(out, "{text}")?;
    out.flush()?;
    Ok(())
}

impl Report {
    pub(super) fn of(
        plan: &Plan,
        outcome: &Outcome,
        verdict: &Verdict,
        warnings: &[Warning],
    ) -> Self {
        let (pace, rate_per_s, arrivals) = match plan.pace {
            Pace::Closed => ("closed", None, None),
            Pace::Open {
                rate_per_s,
                arrivals,
            } => ("open", Some(rate_per_s), Some(arrivals.to_string())),
            Pace::Idle => ("idle", None, None),
        };
        let open = rate_per_s.is_some();
        let sizes = plan.script.say.sizes();
        let account = Account::of(plan, outcome);
        Self {
            target: plan.target.to_string(),
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
            expect: plan.script.expect.to_string(),
            every_byte_checked: plan.checks_every_byte(),
            checked: account.checked.name(),
            any_answer: plan.script.any_answer,
            error_answers: account.error_answers,
            first_answer: outcome.answers.first().map(ToString::to_string),
            first_lines: {
                let lines = outcome.answers.lines();
                lines.into_iter().map(AnswerLine::of).collect()
            },
            other_first_lines: outcome.answers.others(),
            threads: outcome.threads(),
            ended: ended(outcome.ended),
            interrupted: outcome.interrupted(),
            answered: outcome.answered,
            messages: outcome.messages,
            elapsed_ns: nanos(outcome.elapsed),
            messages_per_s: outcome.messages_per_s(),
            bytes_sent: outcome.bytes_sent,
            bytes_received: outcome.bytes_received,
            latency_ns: Quantiles::of(&outcome.latency),
            uncorrected_latency_ns: open.then(|| Quantiles::of(&outcome.uncorrected)),
            pacing_lag_ns: open.then(|| Quantiles::of(&outcome.pacing_lag)),
            due_not_sent: outcome.due_not_sent,
            held_back: outcome.held_back,
            rate_changed_to_per_s: outcome.rate_changed_to,
            unanswered: outcome.unanswered,
            connect_phase_ns: nanos(outcome.connect_phase),
            connect_latency_ns: Quantiles::of(&outcome.connect_latency),
            generator_cpu_ns: nanos(outcome.generator_cpu.iter().sum()),
            generator_cpu_us_per_message: outcome.generator_cpu_us_per_message(),
            generator_cpu_share: outcome.generator_cpu_share(),
            generator_cpu_share_by_thread: outcome.generator_cpu_shares(),
            generator_was_the_limit: outcome.generator_was_the_limit(),
            generator_wait_share: outcome.generator_wait_share(),
            generator_stalled_ns_by_thread: {
                let stalled = outcome.generator_stalled.iter();
                stalled.copied().map(nanos).collect()
            },
            fairness: outcome.fairness.map(|fairness| Fairness {
                connections: fairness.connections,
                unserved: fairness.unserved,
                least_messages: fairness.least,
                most_messages: fairness.most,
                jain_index: fairness.jain,
            }),
            closed_by_server: Closed::of(&outcome.endings),
            errors: account.errors,
            failures: outcome.tally.failures().map(Failure::of).collect(),
            first_mismatch: outcome.tally.first_mismatch().map(WrongByte::of),
            first_wrong_answer: outcome
                .tally
                .first_wrong()
                .map(|wrong| wrong.bytes().escape_ascii().to_string()),
            preflight: warnings.iter().map(Warning::to_string).collect(),
            verdict: Judgement {
                believable: verdict.is_believable(),
                word: verdict.word(),
                doubts: verdict.doubts.iter().map(Doubt::of).collect(),
                samples: outcome.latency.count(),
                pacing_lag_p99_ns: (outcome.pacing_lag.count() > 0)
                    .then(|| outcome.pacing_lag.quantile_ns(0.99)),
                littles_law_residual: outcome.littles_law_residual(),
            },
        }
    }
}

impl ChatReport {
    pub(super) fn of(plan: &Plan, chat: &Chat, outcome: &Outcome, verdict: &Verdict) -> Self {
        let found = outcome.chat.clone().unwrap_or_default();
        let rate_per_s = plan.pace.rate_per_s();
        Self {
            target: plan.target.to_string(),
            through: plan.through.as_ref().map(|it| it.faults.clone()),
            pace: if rate_per_s.is_some() {
                "open"
            } else {
                "closed"
            },
            rate_per_s,
            seed: plan.seed,
            members: plan.connections,
            rooms: chat.rooms,
            run: chat.run.to_string(),
            encodings: chat.encodings.iter().map(|it| it.label.clone()).collect(),
            ended: ended(outcome.ended),
            messages: outcome.messages,
            messages_per_s: outcome.messages_per_s(),
            deliveries: found.deliveries,
            deliveries_per_s: outcome.deliveries_per_s(),
            elapsed_ns: nanos(outcome.elapsed),
            fan_out_ns: Quantiles::of(&outcome.latency),
            delivery_ns: Quantiles::of(&found.delivery),
            pacing_lag_ns: rate_per_s.map(|_| Quantiles::of(&outcome.pacing_lag)),
            unheard: outcome.unanswered,
            due_not_sent: outcome.due_not_sent,
            generator_cpu_share: outcome.generator_cpu_share(),
            generator_wait_share: outcome.generator_wait_share(),
            errors: outcome.tally.total(),
            failures: outcome.tally.failures().map(Failure::of).collect(),
            strangers_lines: found.strangers,
            first_strangers_line: found.first_stranger.as_ref().map(ToString::to_string),
            violations: found.violations,
            first_violations: found
                .first_violations
                .iter()
                .map(ToString::to_string)
                .collect(),
            doubts: verdict.doubts.iter().map(Doubt::of).collect(),
        }
    }
}

fn ended(how: Ended) -> &'static str {
    match how {
        Ended::Done => "done",
        Ended::Interrupted => "interrupted",
        Ended::TooManyErrors => "too_many_errors",
        Ended::NobodyLeft => "nobody_left",
    }
}

impl Quantiles {
    fn of(latency: &Latency) -> Self {
        let known = latency.count() > 0;
        let at = |quantile| known.then(|| latency.quantile_ns(quantile));
        Self {
            count: latency.count(),
            mean: known.then(|| latency.mean_ns()),
            p50: at(0.5),
            p90: at(0.9),
            p99: at(0.99),
            p999: at(0.999),
            max: known.then(|| latency.max_ns()),
        }
    }
}

impl Failure {
    fn of(failure: portlab_load::Failure) -> Self {
        Self {
            phase: failure.phase.to_string(),
            cause: failure.cause.to_string(),
            errno: failure.cause.errno(),
            count: failure.count,
            hint: failure.hint(),
        }
    }
}

impl AnswerLine {
    fn of(line: &FirstLine) -> Self {
        Self {
            line: line.text(),
            count: line.count(),
            error: line.error().map(|error| error.to_string()),
        }
    }
}

impl Closed {
    fn of(endings: &portlab_load::Endings) -> Option<Self> {
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

impl WrongByte {
    fn of(mismatch: Mismatch) -> Self {
        Self {
            connection: mismatch.connection,
            offset: mismatch.offset,
            expected: mismatch.expected,
            got: mismatch.got,
        }
    }
}

impl Doubt {
    fn of(doubt: &portlab_load::Doubt) -> Self {
        Self {
            name: doubt.name(),
            text: doubt.to_string(),
        }
    }
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}
