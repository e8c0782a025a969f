//! The record of a load, as `portlab load --json` prints it: as much of it as a report uses. Every key carries its
//! unit. Its schema is docs/load.schema.json.

pub mod changes;
mod check;
mod fairness;
mod figures;
#[doc(hidden)]
pub mod fixture;

use std::collections::BTreeMap;

use portlab_words::Lang;
use serde::{Deserialize, Serialize};

pub use check::{MOST_ITEMS, MOST_NUMBER};
pub(crate) use check::{check, check_values};
pub use fairness::Fairness;
pub use figures::*;

/// The version of this form. It changes when a reader of the old one would misread the new one.
pub const FORMAT: &str = "portlab-load/1";

/// A run of a load.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(
    missing_docs,
    reason = "the keys are explained in docs/load.schema.json"
)]
pub struct LoadRecord {
    pub format: String,
    pub portlab_version: String,
    pub command: String,
    pub started_unix_s: u64,
    pub headline: String,
    pub target: String,
    pub through: Option<String>,
    #[serde(rename = "loop")]
    pub pace: Loop,
    pub rate_per_s: Option<f64>,
    pub arrivals: Option<String>,
    pub seed: u64,
    pub connections: u64,
    pub connected: u64,
    pub connections_made: u64,
    pub alive: u64,
    pub depth: u64,
    pub size_bytes: u64,
    pub size_max_bytes: u64,
    pub expect: String,
    pub first_answer: Option<String>,
    pub first_lines: Vec<AnswerLine>,
    pub other_first_lines: u64,
    pub threads: u64,
    pub ended: Ended,
    pub messages: u64,
    pub elapsed_ns: u64,
    pub messages_per_s: f64,
    pub bytes_sent: u64,
    pub bytes_received: u64,
    pub latency_ns: Quantiles,
    pub uncorrected_latency_ns: Option<Quantiles>,
    pub pacing_lag_ns: Option<Quantiles>,
    pub due_not_sent: u64,
    pub rate_changed_to_per_s: Option<f64>,
    pub unanswered: u64,
    pub connect_phase_ns: u64,
    pub connect_latency_ns: Quantiles,
    pub handshake_latency_ns: Option<Quantiles>,
    pub tls: Option<TlsResult>,
    pub method: Option<String>,
    #[serde(default)]
    pub statuses: Vec<StatusCount>,
    pub redirect: Option<Redirect>,
    #[serde(default)]
    pub steps: Vec<ExchangeLine>,
    pub think_ns: Option<[u64; 2]>,
    pub generator_cpu_us_per_message: f64,
    pub generator_cpu_share: f64,
    pub generator_wait_share: Option<f64>,
    pub fairness: Option<Fairness>,
    #[serde(default)]
    pub reconnect: bool,
    pub outages: Option<OutageResult>,
    #[serde(default)]
    pub targets: Vec<TargetResult>,
    pub datagrams: Option<DatagramResult>,
    pub errors: u64,
    pub failures: Vec<Failure>,
    pub first_wrong_answer: Option<String>,
    pub preflight: Vec<String>,
    pub verdict: Verdict,
    #[serde(default)]
    pub limits: Vec<Limit>,
    /// Of a chat only, as the keys up to `first_violations`.
    pub members: Option<u64>,
    pub rooms: Option<u64>,
    pub deliveries_per_s: Option<f64>,
    pub delivery_ns: Option<Quantiles>,
    #[serde(default)]
    pub first_violations: Vec<String>,
    pub checked_how: String,
    pub notes: Vec<String>,
    pub intervals: Vec<IntervalLine>,
    pub histograms: Histograms,
    pub chinese: BTreeMap<String, String>,
}

/// When messages were sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Loop {
    /// When an answer had arrived.
    Closed,
    /// At a rate.
    Open,
    /// Never.
    Idle,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ended {
    /// As planned.
    #[default]
    Done,
    /// The user ended it.
    Interrupted,
    /// There were more errors than allowed.
    TooManyErrors,
    /// Every connection was lost.
    #[serde(rename = "nobody_left")]
    AllLost,
}

/// Errors of one kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(
    missing_docs,
    reason = "the keys are explained in docs/load.schema.json"
)]
pub struct Failure {
    pub phase: String,
    pub cause: String,
    pub count: u64,
    pub hint: Option<String>,
}

/// Whether the figures can be believed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(
    missing_docs,
    reason = "the keys are explained in docs/load.schema.json"
)]
pub struct Verdict {
    pub believable: bool,
    pub word: Word,
    pub doubts: Vec<Doubt>,
    pub samples: u64,
}

/// The verdict in a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Word {
    /// The figures can be believed.
    #[serde(rename = "yes")]
    Yes,
    /// There are doubts.
    #[serde(rename = "with care")]
    WithCare,
    /// The figures say nothing.
    #[serde(rename = "no")]
    No,
}

/// A reason to doubt the figures.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(
    missing_docs,
    reason = "the keys are explained in docs/load.schema.json"
)]
pub struct Doubt {
    pub name: String,
    pub text: String,
}

/// A limit that was set, with its verdict.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(
    missing_docs,
    reason = "the keys are explained in docs/load.schema.json"
)]
pub struct Limit {
    pub limit: String,
    pub unit: Unit,
    pub value: Option<f64>,
    pub low: Option<f64>,
    pub high: Option<f64>,
    pub failed: bool,
    pub sure: Option<bool>,
    pub reason: Option<String>,
}

/// The unit of a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Nanoseconds.
    Ns,
    /// How many.
    Count,
    /// A share; 1 is the whole.
    Share,
    /// How many per second.
    PerS,
}

impl LoadRecord {
    /// A text of this record, which is English, in `lang`.
    pub fn in_lang<'a>(&'a self, text: &'a str, lang: Lang) -> &'a str {
        let chinese = || self.chinese.get(text).map_or(text, String::as_str);
        match lang {
            Lang::En => text,
            Lang::Zh => chinese(),
        }
    }

    /// Whether an answer was wrong, missing or an error, or a limit wasn't met.
    pub fn has_failed(&self) -> bool {
        self.errors > 0
            || !self.first_violations.is_empty()
            || self.limits.iter().any(|limit| limit.failed)
            || (self.ended == Ended::Done && self.unanswered + self.due_not_sent > 0)
    }
}
