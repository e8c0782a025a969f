//! What a viewer costs: server CPU per message with `--live`, divided by that without, at a fixed rate of messages. The ring is
//! read 20 times a second meanwhile.
//!
//!     cargo bench --bench live
//!     cargo bench --bench live -- threads event-loop       only these models
//!
//! Exit code 1 if a viewer costs more than the bound.

mod cost;

use std::{
    env,
    path::Path,
    sync::atomic::{AtomicBool, Ordering::Relaxed},
    thread,
    time::Duration,
};

use portlab_backends::{
    Backend, Sheet,
    live::{LINES, Reader},
    models::runnable,
};
use portlab_lab::Server;
use portlab_load::{Arrivals, Pace, Plan, Script, Stop};
use portlab_stats::estimate::Estimate;
use portlab_testkit::{binary, is_bench};

use cost::{Result, TURNS, ratio};

const RATE_PER_S: f64 = 10_000.0;
const CONNECTIONS: usize = 16;
const SIZE: usize = 64;
/// The most that a message may cost with a viewer, as a multiple of its cost without.
const BOUND: f64 = 1.05;
/// Fresh pairs of processes for each model.
const PAIRS: usize = 5;
const TURN: Duration = Duration::from_millis(200);
/// A viewer draws 20 times a second.
const UPDATE: Duration = Duration::from_millis(50);

fn main() -> Result<()> {
    if !is_bench() {
        return Ok(());
    }
    println!(
        "{CONNECTIONS} connections (or as many as the model serves), {SIZE} B, {RATE_PER_S} messages a second; {TURNS} turns of \
         {TURN:?} each; server CPU per message, with --live : without"
    );
    let mut over = Vec::new();
    let asked: Vec<String> = env::args()
        .skip(1)
        .filter(|it| !it.starts_with('-'))
        .collect();
    for sheet in runnable().map(Backend::sheet) {
        let model = sheet.name;
        if !asked.is_empty() && !asked.iter().any(|it| it == model) {
            continue;
        }
        let pairs = (0..PAIRS)
            .map(|pair| pair_of(sheet, pair))
            .collect::<Result<Vec<_>>>()?;
        let events: u64 = pairs.iter().map(|(_, events)| events).sum();
        let ratio = Estimate::of(pairs.iter().map(|(ratio, _)| *ratio));
        let Estimate {
            median, min, max, ..
        } = ratio.expect("there was a pair");
        println!(
            "{model:>16}: median {median:.3}, from {min:.3} to {max:.3}, {PAIRS} pairs, {events} events"
        );
        if median > BOUND {
            over.push(model);
        }
    }
    match over.is_empty() {
        true => Ok(()),
        false => Err(format!("more than {BOUND}: {}", over.join(", ")).into()),
    }
}

/// The ratio of one pair of processes, and how many events were read.
fn pair_of(sheet: &Sheet, pair: usize) -> Result<(f64, u64)> {
    let mut reader = Reader::create(LINES)?;
    let options = [
        format!("--model={}", sheet.name),
        format!("--workers={CONNECTIONS}"),
    ];
    let live = format!("--live={}", reader.path().display());
    let plain = Server::start(Path::new(binary()), &options)?;
    let seen = Server::start(Path::new(binary()), options.iter().chain([&live]))?;
    let connections = sheet.capacity(CONNECTIONS).unwrap_or(CONNECTIONS);
    let plan = Plan {
        connections,
        pace: Pace::Open {
            rate_per_s: RATE_PER_S,
            arrivals: Arrivals::Uniform,
        },
        script: Script::echo(SIZE),
        stop: Stop::after(TURN),
        ..Plan::new(plain.addr())
    };
    let ended = AtomicBool::new(false);
    thread::scope(|scope| {
        let viewer = scope.spawn(|| {
            let (mut events, mut lost) = (0, 0);
            while !ended.load(Relaxed) {
                thread::sleep(UPDATE);
                lost += reader.read(|_| events += 1);
            }
            assert_eq!(lost, 0, "events were lost");
            events
        });
        let ratio = ratio(pair, [&seen, &plain], &plan);
        ended.store(true, Relaxed);
        let events = viewer.join().expect("the viewer loses no event");
        Ok((ratio?, events))
    })
}
