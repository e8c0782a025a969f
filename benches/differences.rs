//! Whether `portlab compare` finds differences where there are some, and none where there are none.
//!
//!     cargo bench --bench differences
//!
//! - **A/A**: twenty quick comparisons of a server with itself under another name. One of them may
//!   call a difference.
//! - **Positive control**: ten quick comparisons of a server with one that spends a tenth more CPU on
//!   each message. Nine of them must find it.
//!
//! The tenth is put in by `--work cpu:`, whose length is first sized for it on two servers that live
//! side by side and are loaded in turns. The figures stand in docs/METHODOLOGY.md.

use std::{path::Path, process::Command, time::Duration};

use portlab_lab::Server;
use portlab_load::{Plan, Script, Stop, Watch};
use portlab_stats::{
    analysis::{Group, groups},
    estimate::Estimate,
    measure::Measure,
    read::read,
};
use portlab_sys::{
    clock::process_cpu,
    machine::{halves, keep_to},
};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

const PROGRAM: &str = env!("CARGO_BIN_EXE_portlab");
const EQUALS: usize = 20;
const CONTROLS: usize = 10;
/// How many comparisons of equals may call a difference.
const FALSE_AT_MOST: usize = 1;
/// How many of the controls must be found.
const FOUND_AT_LEAST: usize = 9;
/// What the control spends, in parts of the other.
const MORE: f64 = 1.10;
/// What each message is worked on in the server that the control is compared with: enough that a
/// tenth of the whole can be added in steps of the clock that ends such work.
const WORK: Duration = Duration::from_micros(2);

fn main() -> Result<()> {
    // `cargo test --benches` passes no `--bench`: then there is nothing to measure.
    if !std::env::args().any(|argument| argument == "--bench") {
        return Ok(());
    }
    println!("A/A: {EQUALS} quick comparisons of an event-loop with itself");
    let mut called = 0;
    for run in 0..EQUALS {
        let verdict = compare(run, "none", "none")?;
        called += usize::from(verdict.differs);
        println!("{run:>4}: {verdict}");
    }
    println!("called different: {called} of {EQUALS} (at most {FALSE_AT_MOST})");

    let more = sized()?;
    println!("positive control: {CONTROLS} quick comparisons of cpu:{WORK:?} with cpu:{more:?}");
    let mut found = 0;
    for run in 0..CONTROLS {
        let verdict = compare(run, &work(WORK), &work(more))?;
        // Found the wrong way round would be worse than not found.
        found += usize::from(verdict.differs && verdict.ratio.median > 1.0);
        println!("{run:>4}: {verdict}");
    }
    println!("found: {found} of {CONTROLS} (at least {FOUND_AT_LEAST})");
    if called > FALSE_AT_MOST || found < FOUND_AT_LEAST {
        return Err("a bound is missed".into());
    }
    Ok(())
}

/// What one comparison says of its two entrants.
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
fn compare(run: usize, one: &str, other: &str) -> Result<Verdict> {
    let dir = std::env::temp_dir().join(format!("portlab-differences-{}", std::process::id()));
    let server = |name: &str, work: &str| {
        format!(
            "--server={name}='{PROGRAM}' serve --model event-loop --work {work} --bind \
             127.0.0.1:{{port}}"
        )
    };
    let status = Command::new(PROGRAM)
        .args(["compare", "--quick", "--models=none", "--warmup=30ms"])
        .args([server("one", one), server("other", other)])
        .arg(format!("--seed={run}"))
        .arg("--out")
        .arg(&dir)
        .output()?;
    if !status.status.success() {
        return Err(String::from_utf8_lossy(&status.stderr).into());
    }
    let record = read(&std::fs::read_to_string(dir.join("results.json"))?)?;
    std::fs::remove_dir_all(dir)?;
    let groups = groups(&record);
    verdict(&groups[0]).ok_or_else(|| "nothing was measured".into())
}

/// Told apart as every reader of the report is told: by their places.
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

/// How long the control is to work on a message.
fn sized() -> Result<Duration> {
    let mut more = WORK.mul_f64(MORE);
    for _ in 0..8 {
        let ratio = in_turns(more)?;
        println!("sizing: cpu:{more:?} spends {ratio:.3} times as much as cpu:{WORK:?}");
        if (ratio - MORE).abs() < 0.004 {
            break;
        }
        // What a whole message costs isn't known, but that its cost grows with this.
        let missing = (MORE - ratio) * 4.0 * WORK.as_secs_f64();
        more = Duration::from_secs_f64((more.as_secs_f64() + missing).max(0.0));
    }
    Ok(more)
}

/// The ratio of CPU per message of a server that works `more` and one that works [`WORK`]; both live
/// side by side and are loaded in turns, so that a machine's moods meet both.
fn in_turns(more: Duration) -> Result<f64> {
    const TURNS: usize = 24;
    let start = |time: Duration| {
        let options = [
            "--model=event-loop".to_owned(),
            format!("--work={}", work(time)),
        ];
        Server::start(Path::new(PROGRAM), options)
    };
    if let Ok(halves) = halves() {
        keep_to(&halves.first)?;
    }
    let servers = [start(WORK)?, start(more)?];
    if let Ok(halves) = halves() {
        keep_to(&halves.second)?;
    }
    let mut ratios = Vec::new();
    for turn in 0..TURNS {
        let mut costs = [0.0; 2];
        for at in [turn % 2, 1 - turn % 2] {
            costs[at] = cpu_us_per_message(&servers[at])?;
        }
        ratios.push(costs[1] / costs[0]);
    }
    Ok(Estimate::of(ratios).ok_or("there was no turn")?.median)
}

fn cpu_us_per_message(server: &Server) -> Result<f64> {
    let plan = Plan {
        connections: 10,
        script: Script::echo(64),
        warmup: Duration::from_millis(20),
        stop: Stop::after(Duration::from_millis(100)),
        ..Plan::new(server.addr())
    };
    let mut meter = Meter {
        pid: server.pid(),
        begin: Duration::ZERO,
        end: Duration::ZERO,
    };
    let outcome = portlab_load::run(&plan, &mut meter)?;
    Ok((meter.end - meter.begin).as_secs_f64() * 1e6 / outcome.metered_messages as f64)
}

struct Meter {
    pid: i32,
    begin: Duration,
    end: Duration,
}

impl Watch for Meter {
    fn begin(&mut self) {
        self.begin = process_cpu(self.pid).expect("the server is alive");
    }

    fn end(&mut self) {
        self.end = process_cpu(self.pid).expect("the server is alive");
    }
}
