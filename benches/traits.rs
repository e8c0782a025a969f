//! What the traits cost: server CPU per message through `Service` and `Session`, divided by that of the model's
//! textbook twin.
//!
//!     cargo bench --bench traits
//!     cargo bench --bench traits -- threads event-loop       only these models
//!
//! `portlab compare --controls` measures the same with a fresh process for every measurement. Here both servers
//! run all the time, and one of them is always idle. Exit code 1 if a model costs more than the bound.

mod cost;

use std::{env, path::Path, time::Duration};

use portlab_backends::{MODELS, Sheet};
use portlab_lab::Server;
use portlab_load::{Plan, Script, Stop};
use portlab_stats::{estimate::Estimate, summary::CONTROL_SUFFIX};
use portlab_testkit::{binary, is_bench};

use cost::{Result, TURNS};

const CONNECTIONS: usize = 100;
/// Workers of a pool. If each worker serves one connection, there are also as many connections.
const WORKERS: usize = 16;
const SIZE: usize = 64;
/// The most that a model may cost, as a multiple of its twin's cost.
const BOUND: f64 = 1.03;
/// Fresh pairs of processes for each model: the ratios of two pairs may differ by more than the bound.
const PAIRS: usize = 7;
const TURN: Duration = Duration::from_millis(150);

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

/// The ratio of one pair of processes.
fn ratio(sheet: &Sheet, pair: usize) -> Result<f64> {
    let model = sheet.name;
    let connections = sheet.capacity(WORKERS).unwrap_or(CONNECTIONS);
    let start = |name: String| {
        Server::start(
            Path::new(binary()),
            [format!("--model={name}"), format!("--workers={WORKERS}")],
        )
    };
    let through = start(model.to_owned())?;
    let by_hand = start(format!("{model}{CONTROL_SUFFIX}"))?;
    let plan = Plan {
        connections,
        script: Script::echo(SIZE),
        stop: Stop::after(TURN),
        ..Plan::new(through.addr())
    };
    cost::ratio(pair, [&through, &by_hand], &plan)
}
