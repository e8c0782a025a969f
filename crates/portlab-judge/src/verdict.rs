//! The verdict: what `--json` prints, and what a classroom page receives.

use portlab_conformance::experiments::Experiment;
use portlab_words::Text;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The verdict on one program.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Verdict {
    /// The form of this record. It grows when a field changes its meaning.
    pub format: u32,
    /// The version of portlab that judged.
    pub portlab_version: String,
    /// Whose program it is: as given with --name, or else the address.
    pub name: String,
    /// Whether a server or a client was judged.
    pub side: Side,
    /// The command that was started; empty for a server that ran already.
    pub command: Vec<String>,
    /// Where the server listens; `null` if it doesn't.
    pub addr: Option<String>,
    /// What the program was found to speak, or was said to speak.
    pub speech: Option<String>,
    /// When the judge began, in seconds since 1970.
    pub started_unix_s: u64,
    /// How long the judge took, in milliseconds.
    pub took_ms: u64,
    /// The mark.
    pub mark: Mark,
    /// Each experiment, in the order in which it ran.
    pub experiments: Vec<Row>,
    /// The bugs that were found, each once.
    pub bugs: Vec<Finding>,
    /// With `--as http`, each rule of HTTP; otherwise none.
    #[serde(default)]
    pub rules: Vec<RuleRow>,
}

/// Whether a server or a client is judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// A server.
    Server,
    /// A client.
    Client,
}

/// The mark: `points` of `of`. An experiment that a program must pass counts 3, one that it should pass 2, one that it
/// may pass 1; the share that was reached is rounded down to tenths. An experiment that a bug keeps from running counts as
/// not passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Mark {
    /// The tenths.
    pub points: u32,
    /// Always 10.
    pub of: u32,
    /// How many experiments were passed.
    pub passed: u32,
    /// How many experiments count.
    pub judged: u32,
}

/// One experiment.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Row {
    /// Its name.
    pub experiment: String,
    /// What the program should do.
    pub about: Text,
    /// How much it matters: `must`, `should` or `may`.
    pub weight: String,
    /// How it ended.
    pub result: Result,
    /// The bug that was found.
    pub bug: Option<String>,
    /// Why it didn't run; of one that ran, a remark.
    pub why: Option<Text>,
}

/// How an experiment ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Result {
    /// The program does what it should.
    Pass,
    /// It doesn't, in something that it may do otherwise.
    Warn,
    /// It doesn't.
    Fail,
    /// A bug that was named keeps the experiment from running, or the program has ended: it counts as not passed.
    Blocked,
    /// It doesn't fit the program, or can't be made here: it doesn't count.
    Skipped,
}

/// A rule of HTTP, and whether the server follows it.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct RuleRow {
    /// Its name.
    pub rule: String,
    /// The RFC and its section, such as `9112 6.3`.
    pub section: String,
    /// What a server does.
    pub about: Text,
    /// How much it matters: `must`, `should` or `may`.
    pub weight: String,
    /// `pass`, `fail` (of a must), `warn` or `skipped`.
    pub result: Result,
    /// What was seen instead, or why the rule was skipped.
    pub why: Option<Text>,
    /// What was sent, if the rule is broken: as text that shows every byte.
    pub request: Option<String>,
    /// What came.
    pub answer: Option<String>,
    /// A line for a shell that sends the same.
    pub line: Option<String>,
}

/// A bug, and how it was found.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Finding {
    /// Its name.
    pub bug: String,
    /// The experiment that found it.
    pub experiment: String,
    /// How much it matters: `must`, `should` or `may`.
    pub weight: String,
    /// What goes wrong.
    pub title: Text,
    /// What was seen, in order.
    pub evidence: Vec<Seen>,
    /// What the program wrote to stderr during the experiment: the last lines.
    pub stderr: Vec<String>,
    /// The likely cause.
    pub cause: Text,
    /// The line of the program to look at.
    pub source: Option<Place>,
    /// What to do about it.
    pub remedy: Text,
    /// The code to write, in Python.
    pub code: String,
    /// The lesson to read: `portlab lesson NAME`.
    pub lesson: String,
}

/// One thing that was seen.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Seen {
    /// Milliseconds since the experiment began.
    pub at_ms: u64,
    /// What happened.
    pub what: Text,
}

/// A line of the program.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Place {
    /// The file.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// Its text.
    pub text: String,
}

impl Verdict {
    /// The number in `format`.
    pub const FORMAT: u32 = 1;

    /// Whether the program has no bug that fails it; warnings are fine.
    pub fn is_fine(&self) -> bool {
        let results = self.experiments.iter().map(|it| it.result);
        let mut results = results.chain(self.rules.iter().map(|it| it.result));
        results.all(|it| !matches!(it, Result::Fail | Result::Blocked))
    }
}

impl Row {
    pub(crate) fn new<Fits, Run>(experiment: &Experiment<Fits, Run>, result: Result) -> Self {
        let [en, zh] = experiment.about;
        Self {
            experiment: experiment.name.to_owned(),
            about: Text::new(en, zh),
            weight: experiment.weight.name().to_owned(),
            result,
            bug: None,
            why: None,
        }
    }
}

impl Mark {
    /// The mark of `rows`.
    pub fn of(rows: &[Row]) -> Self {
        let judged = || rows.iter().filter(|it| it.result != Result::Skipped);
        let passed = || judged().filter(|it| it.result == Result::Pass);
        let points = |row: &Row| match row.weight.as_str() {
            "must" => 3,
            "should" => 2,
            _ => 1,
        };
        let reached: u32 = passed().map(points).sum();
        let all: u32 = judged().map(points).sum();
        let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        Self {
            points: (10 * reached).checked_div(all).unwrap_or(0),
            of: 10,
            passed: count(passed().count()),
            judged: count(judged().count()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_bug_keeps_from_running_counts_as_not_passed() {
        let row = |result| Row::new(&Experiment::any(|| (), || ()), result);
        let mark = |results: &[Result]| {
            let rows: Vec<_> = results.iter().copied().map(row).collect();
            let mark = Mark::of(&rows);
            (mark.points, mark.passed, mark.judged)
        };
        assert_eq!(mark(&[Result::Pass, Result::Skipped]), (10, 1, 1));
        assert_eq!(
            mark(&[Result::Pass, Result::Fail, Result::Blocked]),
            (3, 1, 3)
        );
        assert_eq!(mark(&[Result::Skipped]), (0, 0, 0));
    }
}
