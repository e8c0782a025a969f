//! What the traits cost: server CPU per message through `Service` and `Session`, divided by that of the model's
//! textbook twin. Both are loaded in turn for a short time each, so that changes of the machine's speed affect both.
//!
//!     cargo bench --bench traits
//!     cargo bench --bench traits -- threads event-loop       only these models
//!
//! `portlab compare --controls` measures the same with a fresh process for every measurement. Here both servers
//! run all the time, and one of them is always idle. Exit code 1 if a model costs more than the bound.

use std::{env, path::Path, time::Duration};

use portlab_backends::{MODELS, Sheet};
use portlab_lab::Server;
use portlab_load::{Plan, Script, Stop, Watch};
use portlab_stats::{estimate::Estimate, summary::CONTROL_SUFFIX};
use portlab_sys::meter;
use portlab_testkit::{binary, is_bench};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

const CONNECTIONS: usize = 100;
/// Workers of a pool. If each worker serves one connection, there are also as many connections.
const WORKERS: usize = 16;
const SIZE: usize = 64;
/// The most that a model may cost, as a multiple of its twin's cost.
const BOUND: f64 = 1.03;
/// Fresh pairs of processes for each model: the ratios of two pairs may differ by more than the bound.
const PAIRS: usize = 7;
/// Turns of each server in a pair.
const TURNS: usize = 16;
const TURN: Duration = Duration::from_millis(150);
const WARMUP: Duration = Duration::from_millis(20);

fn main() -> Result<()> {
    if !is_bench() {
        return Ok(());
    }
    println!(
        "{CONNECTIONS} connections (or as many as the model serves), {SIZE} B, depth 1; {TURNS} turns of {TURN:?} \
         each; server CPU per message, through the traits : by hand"
    );
    let mut over = Vec::new();
    let asked: Vec<String> = env::args()
        .skip(1)
        .filter(|it| !it.starts_with('-'))
        .collect();
    for sheet in MODELS.iter().map(|model| model.sheet()) {
        let model = sheet.name;
        if !asked.is_empty() && !asked.iter().any(|it| it == model) {
            continue;
        }
        let ratios = (0..PAIRS)
            .map(|pair| ratio(sheet, pair))
            .collect::<Result<Vec<_>>>()?;
        let ratio = Estimate::of(ratios).expect("there was a pair");
        let Estimate {
            median, min, max, ..
        } = ratio;
        println!("{model:>16}: median {median:.3}, from {min:.3} to {max:.3}, {PAIRS} pairs");
        if median > BOUND {
            over.push(model);
        }
    }
    match over.is_empty() {
        true => Ok(()),
        false => Err(format!("more than {BOUND}: {}", over.join(", ")).into()),
    }
}

/// The median over the turns of one pair of processes.
fn ratio(sheet: &Sheet, pair: usize) -> Result<f64> {
    let model = sheet.name;
    let connections = sheet.capacity(WORKERS).unwrap_or(CONNECTIONS);
    let start = |name: String| {
        Server::start(
            Path::new(binary()),
            [format!("--model={name}"), format!("--workers={WORKERS}")],
        )
    };
    let cpu_us_per_message = |server: &Server| cpu_us_per_message(server, connections);
    let through = start(model.to_owned())?;
    let by_hand = start(format!("{model}{CONTROL_SUFFIX}"))?;
    let mut ratios = Vec::new();
    for turn in 0..TURNS {
        // A B, B A, A B, ...: each server is the first in half of the turns.
        if (turn + pair).is_multiple_of(2) {
            let through = cpu_us_per_message(&through)?;
            ratios.push(through / cpu_us_per_message(&by_hand)?);
        } else {
            let by_hand = cpu_us_per_message(&by_hand)?;
            ratios.push(cpu_us_per_message(&through)? / by_hand);
        }
    }
    // On a busy machine a turn may have no message, and so no ratio.
    ratios.retain(|ratio| ratio.is_finite());
    Ok(Estimate::of(ratios).expect("there was a turn").median)
}

fn cpu_us_per_message(server: &Server, connections: usize) -> Result<f64> {
    let plan = Plan {
        connections,
        script: Script::echo(SIZE),
        warmup: WARMUP,
        stop: Stop::after(TURN),
        ..Plan::new(server.addr())
    };
    let mut meter = Meter {
        pid: server.pid(),
        begin: Duration::ZERO,
        end: Duration::ZERO,
    };
    let outcome = portlab_load::run(&plan, &mut meter)?;
    assert!(outcome.is_clean(), "the server answered wrongly");
    Ok((meter.end - meter.begin).as_secs_f64() * 1e6 / outcome.metered_messages as f64)
}

struct Meter {
    pid: i32,
    begin: Duration,
    end: Duration,
}

impl Watch for Meter {
    fn begin(&mut self) {
        self.begin = meter::usage(self.pid).expect("the server runs").cpu;
    }

    fn end(&mut self) {
        self.end = meter::usage(self.pid).expect("the server runs").cpu;
    }
}
