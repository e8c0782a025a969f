//! What the traits cost: server CPU per message through `Service` and `Session`, against the same
//! echo by hand, in slices so short and so closely in turn that a machine's moods meet both.
//!
//!     cargo bench --bench traits
//!
//! `portlab compare --controls` measures the same with a fresh process for every measurement. Here
//! two servers live side by side, one of them always idle, and are loaded in turn.

use std::{path::Path, time::Duration};

use portlab_lab::Server;
use portlab_load::{Plan, Script, Stop, Watch};
use portlab_stats::{estimate::Estimate, summary::CONTROL_SUFFIX};
use portlab_sys::clock::process_cpu;
use portlab_testkit::binary;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

const CONNECTIONS: usize = 100;
const SIZE: usize = 64;
/// Fresh pairs of processes for each model.
const PAIRS: usize = 7;
/// Turns of each server in a pair.
const TURNS: usize = 16;
const TURN: Duration = Duration::from_millis(150);
const WARMUP: Duration = Duration::from_millis(20);

fn main() -> Result<()> {
    // `cargo test --benches` passes no `--bench`: then there is nothing to measure.
    if !std::env::args().any(|argument| argument == "--bench") {
        return Ok(());
    }
    println!(
        "{CONNECTIONS} connections, {SIZE} B, depth 1; {PAIRS} pairs of processes, {TURNS} turns of \
         {TURN:?} each; server CPU per message, through the traits : by hand"
    );
    for model in ["threads", "event-loop", "tasks"] {
        let ratios = (0..PAIRS)
            .map(|pair| ratio(model, pair))
            .collect::<Result<Vec<_>>>()?;
        let ratio = Estimate::of(ratios).expect("there was a pair");
        let Estimate {
            median, min, max, ..
        } = ratio;
        println!("{model:>12}: median {median:.3}, from {min:.3} to {max:.3}");
    }
    Ok(())
}

/// The median over the turns of one pair of processes.
fn ratio(model: &str, pair: usize) -> Result<f64> {
    let start = |name: String| Server::start(Path::new(binary()), [format!("--model={name}")]);
    let through = start(model.to_owned())?;
    let by_hand = start(format!("{model}{CONTROL_SUFFIX}"))?;
    let mut ratios = Vec::new();
    for turn in 0..TURNS {
        // A B, B A, A B, ...: neither is always the first.
        if (turn + pair).is_multiple_of(2) {
            let through = cpu_us_per_message(&through)?;
            ratios.push(through / cpu_us_per_message(&by_hand)?);
        } else {
            let by_hand = cpu_us_per_message(&by_hand)?;
            ratios.push(cpu_us_per_message(&through)? / by_hand);
        }
    }
    Ok(Estimate::of(ratios).expect("there was a turn").median)
}

fn cpu_us_per_message(server: &Server) -> Result<f64> {
    let plan = Plan {
        connections: CONNECTIONS,
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
        self.begin = process_cpu(self.pid).expect("the server is alive");
    }

    fn end(&mut self) {
        self.end = process_cpu(self.pid).expect("the server is alive");
    }
}
