//! Whether `portlab compare` finds existing differences, and reports none between equal servers.
//!
//!     cargo bench --bench differences
//!
//! - **A/A**: twenty quick comparisons of a server with itself under another name. One of them may
//!   report a difference.
//! - **Positive control**: ten quick comparisons of a server with one that spends a tenth more CPU on
//!   each message. Nine of them must find it.
//!
//! `--work cpu:` adds the tenth; two comparisons of many rounds find its length first. docs/METHODOLOGY.md has the
//! results.

use std::{process::Command, time::Duration};

use portlab_stats::{
    analysis::{Group, groups},
    estimate::Estimate,
    measure::Measure,
    read::read,
};
use portlab_testkit::{binary, folder, is_bench, sized};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

const EQUALS: usize = 20;
const CONTROLS: usize = 10;
/// So many comparisons of equal servers may report a difference.
const FALSE_AT_MOST: usize = 1;
/// So many of the controls must be found.
const FOUND_AT_LEAST: usize = 9;
/// The CPU time of the control, as a multiple of the other's.
const MORE: f64 = 1.10;
/// The work on each message in the server that the control is compared with: so much that a tenth of the whole is
/// more than a step of the clock that ends such work.
const WORK: Duration = Duration::from_micros(2);

fn main() -> Result<()> {
    if !is_bench() {
        return Ok(());
    }
    println!("A/A: {EQUALS} quick comparisons of an event-loop with itself");
    let mut called = 0;
    for run in 0..EQUALS {
        let verdict = compare(&[], run, "none", "none")?;
        called += usize::from(verdict.differs);
        println!("{run:>4}: {verdict}");
    }
    println!("called different: {called} of {EQUALS} (at most {FALSE_AT_MOST})");

    let ratio = |more| -> Result<f64> {
        let compared = compare(&["--rounds=45"], 0, &work(WORK), &work(WORK + more))?;
        Ok(compared.ratio.median)
    };
    let more = WORK + sized(WORK, MORE, ratio)?;
    println!("positive control: {CONTROLS} quick comparisons of cpu:{WORK:?} with cpu:{more:?}");
    let mut found = 0;
    for run in 0..CONTROLS {
        let verdict = compare(&[], run, &work(WORK), &work(more))?;
        // A difference in the wrong direction doesn't count as found.
        found += usize::from(verdict.differs && verdict.ratio.median > 1.0);
        println!("{run:>4}: {verdict}");
    }
    println!("found: {found} of {CONTROLS} (at least {FOUND_AT_LEAST})");
    if called > FALSE_AT_MOST || found < FOUND_AT_LEAST {
        return Err("a bound is missed".into());
    }
    Ok(())
}

/// The result of one comparison for its two entrants.
struct Verdict {
    differs: bool,
    ratio: Estimate,
    floor: f64,
}

impl std::fmt::Display for Verdict {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Estimate {
            median, low, high, ..
        } = self.ratio;
        write!(
            f,
            "{median:.3} ({low:.3} to {high:.3}), floor {:.1} %{}",
            self.floor * 100.0,
            if self.differs { "  different" } else { "" }
        )
    }
}

/// Compares an event-loop that does `one` for each message with one that does `other`.
fn compare(options: &[&str], run: usize, one: &str, other: &str) -> Result<Verdict> {
    let dir = folder("results");
    let server = |name: &str, work: &str| {
        format!(
            "--server={name}='{}' serve --model event-loop --work {work} --bind \
             127.0.0.1:{{port}}",
            binary()
        )
    };
    let status = Command::new(binary())
        .args(["compare", "--quick", "--models=none", "--warmup=30ms"])
        .args([server("one", one), server("other", other)])
        .args(options)
        .arg(format!("--seed={run}"))
        .arg("--out")
        .arg(&dir)
        .output()?;
    if !status.status.success() {
        return Err(String::from_utf8_lossy(&status.stderr).into());
    }
    let record = read(&std::fs::read_to_string(dir.join("results.json"))?)?;
    let groups = groups(&record);
    verdict(&groups[0]).ok_or_else(|| "nothing was measured".into())
}

/// The two servers differ if they have different ranks, as in the report.
fn verdict(group: &Group) -> Option<Verdict> {
    let measure = Measure::CpuPerMessage;
    let column = group.column(measure);
    let at = |name: &str| group.cells.iter().position(|cell| cell.model == name);
    let (one, other) = (at("one")?, at("other")?);
    Some(Verdict {
        differs: column.ranks[one]? != column.ranks[other]?,
        ratio: group.cells[other].ratio(group.cells[one], measure)?,
        floor: column.floor.share,
    })
}

fn work(time: Duration) -> String {
    format!("cpu:{}ns", time.as_nanos())
}
