//! The verdict: what `--json` prints, and what a classroom page receives.

use portlab_conformance::experiments::Weight;
use portlab_words::{Text, tr};
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

/// The mark: `points` of `of`. A bug that a program must not have costs 2 points, one that it should not have 1, one that
/// it may have 0.5; a program that works has at least 3. A program that doesn't start, or a client that doesn't connect,
/// has 0; one that answers or asks nothing has 2.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Mark {
    /// The points, in steps of 0.5.
    pub points: f64,
    /// Always 10.
    pub of: u32,
    /// How many experiments were passed.
    pub passed: u32,
    /// How many experiments have decided.
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
    /// Why it was skipped; of one that ran, a remark.
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
    /// The experiment didn't run, or couldn't decide.
    Skipped,
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
    /// The last lines of the program's stderr.
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
        self.experiments.iter().all(|it| it.result != Result::Fail)
    }
}

impl Row {
    pub(crate) fn new(
        experiment: &str,
        [en, zh]: [&'static str; 2],
        weight: Weight,
        result: Result,
    ) -> Self {
        Self {
            experiment: experiment.to_owned(),
            about: Text::new(en, zh),
            weight: weight.name().to_owned(),
            result,
            bug: None,
            why: None,
        }
    }
}

impl Result {
    /// The result of an experiment with this weight that has found a bug.
    pub(crate) fn of(weight: Weight) -> Self {
        match weight {
            Weight::Must | Weight::Should => Self::Fail,
            Weight::May => Self::Warn,
        }
    }
}

impl Mark {
    /// The mark of a program with `bugs`, found by `rows`.
    pub fn of(rows: &[Row], bugs: &[Finding]) -> Self {
        let judged = || rows.iter().filter(|it| it.result != Result::Skipped);
        let passed = judged().filter(|it| it.result == Result::Pass).count();
        let points = match Worth::of(rows) {
            Worth::Nothing => 0.0,
            Worth::Mute => MUTE,
            Worth::Works => {
                let lost: f64 = COSTS.iter().map(|it| it.1 * count(bugs, it.0)).sum();
                (MOST - lost).max(LEAST)
            }
        };
        let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        Self {
            points,
            of: MOST as u32,
            passed: number(passed),
            judged: number(judged().count()),
        }
    }
}

impl Verdict {
    /// How the points come about, such as `10 - 4 (2 must) - 1 (1 should)`.
    pub fn sum(&self) -> Text {
        match Worth::of(&self.experiments) {
            Worth::Nothing => Text::new("it must start first", "首先要能启动"),
            Worth::Mute => Text::new("it must do its work first", "首先要能正常收发"),
            Worth::Works => {
                let mut sum = format!("{MOST}");
                for (weight, cost) in COSTS {
                    let count = count(&self.bugs, weight);
                    if count > 0.0 {
                        sum += &format!(" - {} ({count} {weight})", cost * count);
                    }
                }
                tr!("{sum}", "{sum}")
            }
        }
    }
}

/// How far a program works.
enum Worth {
    /// It doesn't start, or doesn't connect.
    Nothing,
    /// It answers or asks nothing.
    Mute,
    Works,
}

impl Worth {
    fn of(rows: &[Row]) -> Self {
        let fails = |experiment: &str| {
            let mut failed = rows.iter().filter(|it| it.result == Result::Fail);
            failed
                .any(|it| it.experiment == experiment && it.bug.as_deref() != Some("wrong-answer"))
        };
        match () {
            () if rows.is_empty() || fails("starts_and_listens") || fails("connects") => {
                Self::Nothing
            }
            () if fails("answers_a_client") || fails("asks") => Self::Mute,
            () => Self::Works,
        }
    }
}

/// How many of `bugs` have this weight.
fn count(bugs: &[Finding], weight: &str) -> f64 {
    bugs.iter().filter(|it| it.weight == weight).count() as f64
}

/// What a bug of each weight costs.
const COSTS: [(&str, f64); 3] = [("must", 2.0), ("should", 1.0), ("may", 0.5)];

/// The mark of a program without bugs.
const MOST: f64 = 10.0;

/// The least mark of a program that works.
const LEAST: f64 = 3.0;

/// The mark of a program that starts, and does nothing more.
const MUTE: f64 = 2.0;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_says_what_each_bug_costs() {
        let finding = |weight: &str| Finding {
            bug: "x".to_owned(),
            experiment: "x".to_owned(),
            weight: weight.to_owned(),
            title: Text::default(),
            evidence: Vec::new(),
            stderr: Vec::new(),
            cause: Text::default(),
            source: None,
            remedy: Text::default(),
            code: String::new(),
            lesson: String::new(),
        };
        let row = |experiment, result| Row::new(experiment, ["", ""], Weight::Must, result);
        let verdict = |rows: &[Row], weights: &[&str]| {
            let bugs: Vec<_> = weights.iter().map(|it| finding(it)).collect();
            Verdict {
                format: Verdict::FORMAT,
                portlab_version: String::new(),
                name: String::new(),
                side: Side::Server,
                command: Vec::new(),
                addr: None,
                speech: None,
                started_unix_s: 0,
                took_ms: 0,
                mark: Mark::of(rows, &bugs),
                experiments: rows.to_vec(),
                bugs,
            }
        };
        let works = [row("answers_a_client", Result::Pass)];
        let found = verdict(&works, &["must", "should", "must", "may"]);
        assert!((found.mark.points - 4.5).abs() < f64::EPSILON);
        assert_eq!(
            found.sum().en,
            "10 - 4 (2 must) - 1 (1 should) - 0.5 (1 may)"
        );
        let points = |rows: &[Row], weights: &[&str]| verdict(rows, weights).mark.points as u32;
        assert_eq!(points(&works, &[]), 10);
        assert_eq!(points(&works, &["must"; 9]), 3);
        assert_eq!(
            points(&[row("answers_a_client", Result::Fail)], &["must"]),
            2
        );
        assert_eq!(points(&[row("connects", Result::Fail)], &["must"]), 0);
        assert_eq!(points(&[], &[]), 0);
    }
}
