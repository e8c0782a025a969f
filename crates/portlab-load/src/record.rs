//! What makes a result a record that others can read, draw and compare: where it comes from, and its details.

use std::collections::BTreeMap;

use portlab_stats::load::{FORMAT, Histograms, IntervalLine};
use portlab_words::Text;
use schemars::JsonSchema;
use serde::Serialize;

use crate::{Checked, LoadResult, Outcome, Plan, TimeSeries, all_english, english};

/// Where a result comes from.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Origin {
    /// `portlab-load/1`.
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
    /// How far answers were checked, in words; empty if none was to come.
    #[serde(serialize_with = "english")]
    #[schemars(with = "String")]
    pub checked_how: Text,
    /// What else there is to say about the run.
    #[serde(serialize_with = "all_english")]
    #[schemars(with = "Vec<String>")]
    pub notes: Vec<Text>,
    /// The figures over time, of at most 300 intervals.
    #[schemars(with = "Vec<IntervalLine>")]
    pub intervals: TimeSeries,
    /// How often each time was measured.
    pub histograms: Histograms,
    /// The texts of this result that are in English, each with its Chinese.
    pub chinese: BTreeMap<String, String>,
}

impl Origin {
    pub(crate) fn of(outcome: &Outcome) -> Self {
        Self {
            format: FORMAT,
            portlab_version: env!("CARGO_PKG_VERSION"),
            command: String::new(),
            started_unix_s: outcome.started_unix_s,
            headline: Text::default(),
        }
    }
}

impl Details {
    pub(crate) fn of(plan: &Plan, outcome: &Outcome, checked: Checked) -> Self {
        Self {
            checked_how: checked.text(),
            notes: Vec::new(),
            intervals: outcome.series.clone(),
            histograms: Histograms {
                latency: outcome.latency.rounded(),
                uncorrected_latency: outcome.uncorrected.rounded(),
                connect_latency: outcome.connect_latency.rounded(),
                handshake_latency: plan
                    .tls
                    .as_ref()
                    .map(|_| outcome.handshakes.latency.rounded()),
            },
            chinese: outcome.answers.errors_in_chinese(),
        }
    }
}

impl LoadResult {
    /// The same with the `command` that was given, what it did in one line, and what else there is to say.
    #[must_use]
    pub fn described(mut self, command: &str, headline: Text, notes: Vec<Text>) -> Self {
        command.clone_into(&mut self.origin.command);
        self.origin.headline = headline;
        self.details.notes.extend(notes);
        self.translated()
    }

    /// Adds the texts of the result to `chinese`.
    pub(crate) fn translated(mut self) -> Self {
        let phases: Vec<Text> = self.failures.iter().map(|it| it.phase.text()).collect();
        let failures = self.failures.iter();
        let failures = failures.flat_map(|it| it.hint.iter().chain([&it.cause]));
        let doubts = self.verdict.doubts.iter().map(|it| &it.text);
        let violations = self.chat.iter().flat_map(|it| &it.first_violations);
        let reasons = self.limits.iter().flat_map(|it| &it.reason);
        let texts = failures.chain(&phases).chain(doubts).chain(violations);
        let details = &self.details;
        let said = details
            .notes
            .iter()
            .chain([&details.checked_how, &self.origin.headline]);
        let texts = texts.chain(&self.preflight).chain(said).chain(reasons);
        let texts = texts.filter(|it| it.en != it.zh);
        let pairs: Vec<_> = texts
            .map(|it| (it.en.to_string(), it.zh.to_string()))
            .collect();
        self.details.chinese.extend(pairs);
        self
    }
}
