//! The load generator's own performance: its pacing lag and CPU time, the gain by pipelining, and the connections that it
//! can hold and make. `portlab load --self-test` checks whether its figures are true.
//!
//!     cargo bench --bench load

use std::{path::Path, time::Duration};

use portlab_lab::Server;
use portlab_load::{Arrivals, Outcome, Pace, Plan, Stop};
use portlab_stats::estimate::Estimate;
use portlab_sys::limits::raise_open_files;
use portlab_testkit::{binary, is_bench};
use portlab_words::units;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// How often each figure is measured, in turn with the others.
const ROUNDS: usize = 5;
/// Open loops: the rate, the highest p99 of the pacing lag, and the highest share of a core.
const PUNCTUAL: [(f64, Duration, f64); 2] = [
    (1_000.0, Duration::from_micros(100), 0.15),
    (10_000.0, Duration::from_micros(200), 1.0),
];
/// The depth of pipelining, and the least ratio of its message rate to that of depth 1.
const PIPELINED: (usize, f64) = (64, 5.0);
/// Connections held at once by one process.
const HELD: usize = 15_000;
/// Short connections, one message each.
const SHORT: u64 = 40_000;

fn main() -> Result<()> {
    if !is_bench() {
        return Ok(());
    }
    raise_open_files();
    println!("medians of {ROUNDS} rounds, from the lowest to the highest");
    let kept = [punctuality()?, pipelining()?, scale()?, churn()?];
    match kept.into_iter().all(|kept| kept) {
        true => Ok(()),
        false => Err("a bound was not kept".into()),
    }
}

fn start(model: &str) -> Result<Server> {
    let program = Path::new(binary());
    Ok(Server::start(program, [format!("--model={model}")])?)
}

/// A run without errors.
fn clean(plan: &Plan) -> Result<Outcome> {
    let outcome = portlab_load::run(plan, &mut ())?;
    match outcome.is_clean() {
        true => Ok(outcome),
        false => Err(format!("not clean: {:?}", outcome.tally).into()),
    }
}

fn punctuality() -> Result<bool> {
    let server = start("event-loop")?;
    let mut lags = [const { Vec::new() }; PUNCTUAL.len()];
    let mut shares = [const { Vec::new() }; PUNCTUAL.len()];
    for _ in 0..ROUNDS {
        for (index, (rate_per_s, ..)) in PUNCTUAL.into_iter().enumerate() {
            let outcome = clean(&Plan {
                connections: 10,
                pace: Pace::Open {
                    rate_per_s,
                    arrivals: Arrivals::Uniform,
                },
                warmup: Duration::from_millis(200),
                stop: Stop::after(Duration::from_secs(3)),
                ..Plan::new(server.addr())
            })?;
            lags[index].push(outcome.pacing_lag.quantile_ns(0.99) as f64);
            shares[index].push(outcome.generator_cpu_share() * 100.0);
        }
    }
    let mut kept = true;
    for ((rate, lag, share), (lags, shares)) in
        PUNCTUAL.into_iter().zip(lags.into_iter().zip(shares))
    {
        let rate = units::short(rate);
        let bound = lag.as_nanos() as f64;
        kept &= print_figure(
            &format!("pacing lag p99 at {rate}/s"),
            lags,
            units::nanos,
            |lag| lag <= bound,
            &units::time(lag),
        );
        let percent = |share: f64| format!("{share:.1}%");
        let bound = share * 100.0;
        kept &= print_figure(
            &format!("CPU of a thread at {rate}/s"),
            shares,
            percent,
            |share| share <= bound,
            &percent(bound),
        );
    }
    Ok(kept)
}

fn pipelining() -> Result<bool> {
    let server = start("event-loop")?;
    let (depth, bound) = PIPELINED;
    let rate = |depth: usize| -> Result<f64> {
        let outcome = clean(&Plan {
            connections: 100,
            depth,
            warmup: Duration::from_millis(100),
            stop: Stop::after(Duration::from_secs(1)),
            ..Plan::new(server.addr())
        })?;
        Ok(outcome.messages_per_s())
    };
    let ratios = (0..ROUNDS)
        .map(|_| Ok(rate(depth)? / rate(1)?))
        .collect::<Result<Vec<_>>>()?;
    let times = |ratio: f64| format!("{ratio:.1} times");
    let name = format!("messages at depth {depth} : depth 1");
    let keeps = |ratio| ratio >= bound;
    Ok(print_figure(&name, ratios, times, keeps, &times(bound)))
}

fn scale() -> Result<bool> {
    let server = start("event-loop")?;
    // Every connection gets a message, and all of them are open for the first one.
    let outcome = clean(&Plan {
        connections: HELD,
        stop: Stop::messages(HELD as u64 * 2),
        ..Plan::new(server.addr())
    })?;
    let least = outcome
        .fairness
        .map_or(0, |fairness| fairness.least_messages);
    println!(
        "{:>34}: {} open, each answered at least {least} times",
        format!("{HELD} connections at once"),
        outcome.alive
    );
    Ok(outcome.alive == HELD && least > 0)
}

fn churn() -> Result<bool> {
    let server = start("event-loop")?;
    let mut plan = Plan {
        connections: 50,
        stop: Stop::messages(SHORT),
        ..Plan::new(server.addr())
    };
    plan.life.per_connection = Some(1);
    let outcome = clean(&plan)?;
    println!(
        "{:>34}: {} made in {}, none failed",
        format!("{SHORT} short connections"),
        outcome.connect_latency.count(),
        units::time(outcome.elapsed)
    );
    Ok(outcome.connect_latency.count() >= SHORT)
}

/// Prints a figure and whether it is within its bound, and returns that.
fn print_figure(
    name: &str,
    values: Vec<f64>,
    write: impl Fn(f64) -> String,
    keeps: impl Fn(f64) -> bool,
    bound: &str,
) -> bool {
    let Estimate {
        median, min, max, ..
    } = Estimate::of(values).expect("there was a round");
    let kept = keeps(median);
    let verdict = if kept { "within" } else { "OVER" };
    let (median, min, max) = (write(median), write(min), write(max));
    println!("{name:>34}: {median} ({min} to {max}), {verdict} the bound of {bound}");
    kept
}
