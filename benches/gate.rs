//! Whether the gate (`portlab compare --against OTHER --fail-over 5%`) passes an unchanged build, and fails a slower one.
//!
//!     cargo bench --bench gate              twenty real runs and ten controls: about twenty minutes
//!     cargo bench --bench gate -- 4         four and two: a short trial
//!
//! - **Unchanged**: real runs of three models beside the same binary, each and a decision for each; then a
//!   thousand runs that are drawn from the measured rounds, and a thousand sets of pairs of runs. At most one in
//!   a hundred may fail.
//! - **A tenth more**: real runs in which one model of three spends a tenth more CPU on each message, and
//!   a thousand drawn ones. Nine of ten must be found.
//!
//! `--work cpu:` adds the tenth, and a script in front of the other build shortens this work; comparisons of many rounds
//! find the length first. docs/METHODOLOGY.md has the results.

use std::{fs, os::unix::fs::PermissionsExt, path::PathBuf, process::Command, time::Duration};

use portlab_stats::{
    changes::changes,
    gate::{Decision, Outcome, builds, runs},
    read::read,
    record::{Kind, Record},
};
use portlab_testkit::{binary, folder, is_bench, sized};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// One point of the echo; the number of rounds is the default of --against.
const POINT: &str = "--connections=100";
const MODELS: &str = "--models=event-loop,threads,tasks";
/// The model that spends more in the controls.
const SLOWER: &str = "event-loop";
const BAR: f64 = 0.05;
const MORE: f64 = 1.10;
/// Real runs of equal builds, by default. One of them may fail: if one in a hundred fails, two of twenty fail by chance
/// once in sixty times.
const REAL: usize = 20;
const REAL_FALSE_AT_MOST: usize = 1;
/// Runs that are drawn from the measured rounds.
const DRAWN: usize = 1_000;
/// Pairs of runs in a set of them.
const PAIRS: usize = 12;
/// The work on each message in the other build; a tenth of the whole is added to it in this build.
const WORK: Duration = Duration::from_micros(2);

fn main() -> Result<()> {
    if !is_bench() {
        return Ok(());
    }
    let real = std::env::args().find_map(|argument| argument.parse::<usize>().ok());
    let real = real.unwrap_or(REAL).max(2);
    let dir = folder("results");
    Bench { dir }.run(real)
}

struct Bench {
    dir: PathBuf,
}

/// The number of decisions of each kind.
#[derive(Default)]
struct Tally {
    passed: usize,
    failed: usize,
    undecided: usize,
}

impl Tally {
    fn of(outcomes: impl IntoIterator<Item = Outcome>) -> Self {
        let mut tally = Self::default();
        for outcome in outcomes {
            match outcome {
                Outcome::Passed => tally.passed += 1,
                Outcome::Failed => tally.failed += 1,
                Outcome::Undecided => tally.undecided += 1,
            }
        }
        tally
    }

    fn line(&self, what: &str, bound: &str, holds: bool) -> bool {
        let Self {
            passed,
            failed,
            undecided,
        } = self;
        let missed = if holds { "" } else { "  MISSED" };
        println!("{what:<46} {failed:>6} {passed:>6} {undecided:>9}  {bound}{missed}");
        holds
    }
}

impl Bench {
    fn run(&self, real: usize) -> Result<()> {
        let mut equals = Vec::new();
        for run in 0..real {
            let record = self.compare(&[MODELS, POINT], run, binary())?;
            print_decision(&format!("unchanged {run}"), &record);
            equals.push(record);
        }
        let other = self.shortened()?;
        let work = format!("--work={}", nanos(self.sized(&other)?));
        let mut slower = Vec::new();
        for run in 0..real / 2 {
            let record = self.compare(&[MODELS, POINT, &work], run, &other)?;
            print_decision(&format!("{SLOWER} a tenth slower {run}"), &record);
            slower.push(found(&record));
        }
        let unchanged = Tally::of(equals.iter().map(decided));
        let slower = Tally::of(slower);
        println!(
            "\n{:<46} {:>6} {:>6} {:>9}  bound",
            "runs", "failed", "passed", "undecided"
        );
        let (hundredth, nine_tenths) = (DRAWN / 100, DRAWN * 9 / 10);
        let equal = drawn(&equals, (1.0, 1), decided);
        let tenth = drawn(&equals, (MORE, 1), found);
        let longer = drawn(&equals, (MORE, 2), found);
        let pairs = drawn_pairs(&equals);
        let controls = real / 2;
        let all = [
            unchanged.line(
                &format!("unchanged: {real} real runs"),
                &format!("at most {REAL_FALSE_AT_MOST} fails"),
                unchanged.failed <= REAL_FALSE_AT_MOST,
            ),
            equal.line(
                &format!("unchanged: {DRAWN} drawn from their rounds"),
                &format!("at most {hundredth} fail"),
                equal.failed <= hundredth,
            ),
            pairs.line(
                &format!("unchanged: {DRAWN} sets of {PAIRS} pairs of runs"),
                &format!("at most {hundredth} fail"),
                pairs.failed <= hundredth,
            ),
            slower.line(
                &format!("a tenth more CPU: {controls} real runs"),
                &format!("at least {} fail", controls * 9 / 10),
                slower.failed >= controls * 9 / 10,
            ),
            tenth.line(
                &format!("a tenth more CPU: {DRAWN} drawn"),
                &format!("at least {nine_tenths} fail"),
                tenth.failed >= nine_tenths,
            ),
        ];
        longer.line("the same, with twice as many rounds", "", true);
        one_each(&equals);
        match all.iter().all(|holds| *holds) {
            true => Ok(()),
            false => Err("a bound is missed".into()),
        }
    }

    /// Compares this build with `other`.
    fn compare(&self, options: &[&str], run: usize, other: &str) -> Result<Record> {
        let dir = self.dir.join("results");
        let output = Command::new(binary())
            .args(["compare", "--no-twin", "--json", "--against", other])
            .args(options)
            .arg(format!("--seed={run}"))
            .arg("--out")
            .arg(&dir)
            .output()?;
        // 1 means that a measurement failed; the gate takes that into account.
        if !matches!(output.status.code(), Some(0 | 1)) {
            return Err(String::from_utf8_lossy(&output.stderr).into());
        }
        Ok(read(&fs::read_to_string(dir.join("results.json"))?)?)
    }

    /// A script that runs this program, and in which the slower model always works for [`WORK`].
    fn shortened(&self) -> Result<String> {
        let file = self.dir.join("shortened");
        let work = nanos(WORK);
        let text = format!(
            "#!/bin/sh\ncase \" $* \" in *' --model={SLOWER} '*) for word; do shift; case \"$word\" in \
             --work=cpu:*) word=--work={work};; esac; set -- \"$@\" \"$word\"; done;; esac\n\
             exec '{}' \"$@\"\n",
            binary()
        );
        fs::write(&file, text)?;
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755))?;
        Ok(file.display().to_string())
    }

    /// The work on a message with which the slower model spends a tenth more, found by comparisons of many rounds.
    fn sized(&self, other: &str) -> Result<Duration> {
        let more = sized(WORK, MORE, |more| -> Result<f64> {
            let work = format!("--work={}", nanos(WORK + more));
            let options = [&format!("--models={SLOWER}"), POINT, "--rounds=45", &work];
            let record = self.compare(&options, 0, other)?;
            let gate = builds(&record, BAR);
            let ratio = gate.judged.first().and_then(|it| it.ratio);
            Ok(ratio.ok_or("nothing was measured")?.median)
        })?;
        Ok(WORK + more)
    }
}

fn nanos(time: Duration) -> String {
    format!("cpu:{}ns", time.as_nanos())
}

/// Prints the decision in a line.
fn print_decision(what: &str, record: &Record) {
    let gate = builds(record, BAR);
    let cells = gate.judged.iter().map(|it| {
        let ratio = it.ratio.map_or(f64::NAN, |it| it.median);
        let chance = it.chance.unwrap_or(1.0);
        format!("{} {ratio:.3} (chance {chance:.4})", it.cell.model)
    });
    println!(
        "{what}: {:?}: {}",
        gate.outcome(),
        cells.collect::<Vec<_>>().join(", ")
    );
}

fn decided(record: &Record) -> Outcome {
    builds(record, BAR).outcome()
}

/// As [`decided`], but a run counts as failed only if it found the slower model to be worse, and no other.
fn found(record: &Record) -> Outcome {
    let gate = builds(record, BAR);
    let judged = gate.judged.iter();
    let worse = judged.filter(|it| it.decision == Decision::Worse);
    let worse: Vec<&str> = worse.map(|it| it.cell.model.as_str()).collect();
    match gate.outcome() {
        Outcome::Failed if worse != [SLOWER] => Outcome::Passed,
        outcome => outcome,
    }
}

/// A run whose rounds are drawn from all rounds of `equals`, each with all of its cells. It has `times` as
/// many rounds as a run has. The slower model's cost is multiplied by `factor`.
fn draw(equals: &[Record], (factor, times): (f64, usize), random: &mut fastrand::Rng) -> Record {
    let mut record = equals[0].clone();
    let rounds = record.setup.rounds;
    for cell in &mut record.cells {
        cell.rounds.clear();
        cell.failures.clear();
    }
    for round in 1..=rounds * times {
        let from = &equals[random.usize(..equals.len())];
        let drawn = random.usize(1..=rounds);
        for (cell, source) in record.cells.iter_mut().zip(&from.cells) {
            let Some(measured) = source.rounds.iter().find(|it| it.round == drawn) else {
                continue;
            };
            let mut measured = measured.clone();
            measured.round = round;
            if cell.model == SLOWER {
                let cpu = measured.server_cpu_us_per_message;
                measured.server_cpu_us_per_message = cpu.map(|cpu| cpu * factor);
            }
            cell.rounds.push(measured);
        }
    }
    record
}

/// How drawn runs are decided.
fn drawn(equals: &[Record], which: (f64, usize), decide: fn(&Record) -> Outcome) -> Tally {
    let mut random = fastrand::Rng::with_seed(1);
    Tally::of((0..DRAWN).map(|_| decide(&draw(equals, which, &mut random))))
}

/// Sets of pairs of separate runs of one binary: two runs that followed each other, in either order.
fn drawn_pairs(equals: &[Record]) -> Tally {
    let mut random = fastrand::Rng::with_seed(3);
    let set = |_| {
        let (mut before, mut after) = (Vec::new(), Vec::new());
        for pair in 0..PAIRS {
            let at = random.usize(..equals.len() - 1);
            let mut two = [equals[at].clone(), equals[at + 1].clone()];
            if random.bool() {
                two.reverse();
            }
            for (place, run) in two.iter_mut().enumerate() {
                run.started_unix_s = (2 * pair + place) as u64;
            }
            let [one, other] = two;
            before.push(one);
            after.push(other);
        }
        runs(&before, &after, BAR).map_or(Outcome::Undecided, |gate| gate.outcome())
    };
    Tally::of((0..DRAWN).map(set))
}

/// Prints how many pairs of single runs would have failed by the noise of their rounds alone: therefore one run of each
/// build decides nothing.
fn one_each(equals: &[Record]) {
    let ours: Vec<Record> = equals.iter().cloned().map(alone).collect();
    let mut pairs = 0;
    let mut failed = 0;
    for (at, before) in ours.iter().enumerate() {
        for after in &ours[at + 1..] {
            pairs += 1;
            failed += usize::from(changes(before, after).worse_by(BAR).next().is_some());
        }
    }
    println!(
        "one run of each, by the noise within runs alone: {failed} of {pairs} pairs of these runs would fail"
    );
}

/// A run without the other build.
fn alone(mut record: Record) -> Record {
    record
        .entrants
        .retain(|it| !matches!(it.kind, Kind::Build { .. }));
    let names: Vec<_> = record.entrants.iter().map(|it| it.name.clone()).collect();
    record.cells.retain(|cell| names.contains(&cell.model));
    record
}
