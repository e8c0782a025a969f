//! The JSON of `portlab load --json`. Its schema, `docs/load.schema.json`, is generated from these types.

use portlab_load::{Caution, LoadResult};
use schemars::{JsonSchema, Schema, schema_for};
use serde::Serialize;

/// What `portlab load --json` prints: a run, a ladder of runs, or the self-test.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(untagged)]
#[schemars(title = "portlab load --json")]
#[allow(
    dead_code,
    reason = "the schema is made from it; each part is printed by itself"
)]
enum Printed {
    Run(Box<LoadResult>),
    Ladder(Ladder),
    Find(Find),
    SelfTest(SelfTest),
}

/// One run per rate.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Ladder {
    pub(super) rungs: Vec<LoadResult>,
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
    /// Whether the knee can be trusted: no caution was raised.
    pub(super) believable: bool,
    /// The reasons to doubt the rates that show the knee.
    pub(super) doubts: Vec<Caution>,
}

/// The search of `--find`.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Find {
    /// The limits that the rate must meet.
    pub(super) limits: Vec<String>,
    /// The lowest rate of interest.
    pub(super) from_rate_per_s: f64,
    /// The highest rate of interest.
    pub(super) to_rate_per_s: f64,
    /// `between` two rates; `at_least`, if no higher rate could be tried; `below` the lowest rate of interest; or `unknown`.
    pub(super) found: &'static str,
    /// The lower end of the interval that contains the highest rate.
    pub(super) low_rate_per_s: Option<f64>,
    /// The upper end.
    pub(super) high_rate_per_s: Option<f64>,
    /// The probability that the interval contains it, in `[0, 1]`.
    pub(super) confidence: f64,
    /// Whether the interval is as narrow as it should be, 5 % of its lower end.
    pub(super) settled: bool,
    /// Why the search ended early.
    pub(super) cut_short: Option<String>,
    /// The command that repeats the search.
    pub(super) command: String,
    /// The trials, in the order in which they were made.
    pub(super) trials: Vec<FindTrial>,
}

/// A trial of a search.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct FindTrial {
    /// `held`, `missed`, or `nothing`, if it says nothing about the server.
    pub(super) finding: &'static str,
    /// What was missed: `errors`, `answers`, `unsent` or `limit`.
    pub(super) missed: Option<&'static str>,
    /// Its result.
    pub(super) result: LoadResult,
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
    pub(super) test: String,
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
