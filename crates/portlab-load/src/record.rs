//! What makes a result a record that others can read, draw and compare: where it comes from, and its details.

use std::collections::BTreeMap;

use portlab_stats::record::Histogram;
use portlab_words::Text;
use schemars::JsonSchema;
use serde::Serialize;

use crate::{IntervalLine, LoadResult, Outcome, TimeSeries, english, one_line::in_one_line};

/// Where a result comes from.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Origin {
    /// [`LoadResult::FORMAT`].
    pub format: &'static str,
    /// The version of portlab that measured.
    pub portlab_version: &'static str,
    /// The command that was given; what authorises its user is masked.
    pub command: String,
    /// When the run began, in seconds since 1970 (UTC).
    pub started_unix_s: u64,
    /// What was done, in one line.
    #[serde(serialize_with = "english")]
    #[schemars(with = "String")]
    pub headline: Text,
}

/// The details of a result.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Details {
    /// The figures over time, of at most 300 intervals.
    #[schemars(with = "Vec<IntervalLine>")]
    pub intervals: TimeSeries,
    /// How often each time was measured.
    pub histograms: Histograms,
    /// The texts of this result that are in English, each with its Chinese.
    pub chinese: BTreeMap<String, String>,
}

/// How often each time was measured: pairs of a time in nanoseconds, the upper end of a bucket that is two per cent wide,
/// and a count, in rising order.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Histograms {
    /// Of `latency_ns`.
    #[serde(serialize_with = "in_one_line")]
    latency: Histogram,
    /// Of `uncorrected_latency_ns`; empty in a closed loop.
    #[serde(serialize_with = "in_one_line")]
    uncorrected_latency: Histogram,
    /// Of `connect_latency_ns`.
    #[serde(serialize_with = "in_one_line")]
    connect_latency: Histogram,
}

impl Origin {
    pub(crate) fn of(outcome: &Outcome) -> Self {
        Self {
            format: LoadResult::FORMAT,
            portlab_version: env!("CARGO_PKG_VERSION"),
            command: String::new(),
            started_unix_s: outcome.started_unix_s,
            headline: Text::default(),
        }
    }
}

impl Details {
    pub(crate) fn of(outcome: &Outcome) -> Self {
        Self {
            intervals: outcome.series.clone(),
            histograms: Histograms {
                latency: outcome.latency.rounded(),
                uncorrected_latency: outcome.uncorrected.rounded(),
                connect_latency: outcome.connect_latency.rounded(),
            },
            chinese: outcome.answers.errors_in_chinese(),
        }
    }
}

impl LoadResult {
    /// The version of the form. It changes when a reader of the old one would misread the new one.
    pub const FORMAT: &'static str = "portlab-load/1";

    /// The same with the `command` that was given, and what it did in one line.
    #[must_use]
    pub fn described(mut self, command: &str, headline: Text) -> Self {
        command.clone_into(&mut self.origin.command);
        self.origin.headline = headline;
        self.translated()
    }

    /// Adds the texts of the result to `chinese`.
    pub(crate) fn translated(mut self) -> Self {
        let failures = self.failures.iter();
        let failures = failures.flat_map(|it| it.hint.iter().chain([&it.cause]));
        let doubts = self.verdict.doubts.iter().map(|it| &it.text);
        let violations = self.chat.iter().flat_map(|it| &it.first_violations);
        let reasons = self.limits.iter().flat_map(|it| &it.reason);
        let texts = failures.chain(doubts).chain(violations).chain(reasons);
        let texts = texts.chain(&self.preflight).chain([&self.origin.headline]);
        let pairs = texts
            .filter(|it| it.en != it.zh)
            .map(|it| (it.en.to_string(), it.zh.to_string()));
        self.details.chinese.extend(pairs);
        self
    }
}
