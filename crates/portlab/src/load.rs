//! `portlab load`: drive a port, and measure it.

use std::{
    io::Write,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

use anyhow::{Context, bail};
use portlab_load::{Latency, Outcome, Phase, Plan, Stop, Watch};
use portlab_stats::units;
use serde_json::{Value, json};

use crate::{
    Verdict,
    args::{self, BAD, DIM, HEAD, WARN},
    progress::Progress,
};

/// Load an echo-like port and measure it, checking every byte that comes back
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  portlab load 127.0.0.1:9090
  portlab load 127.0.0.1:7 --connections 1000 --duration 30s --size 4KiB
  portlab load localhost:9090 --messages 1M --depth 16 --json

Ctrl-C ends the run and prints what was measured so far.
Exit codes: 0 fine, 1 errors or wrong bytes, 2 could not run.")]
pub(crate) struct Args {
    /// The port to load, HOST:PORT; any server that sends back what it gets
    #[arg(value_name = "ADDR")]
    addr: String,

    /// How many connections to hold
    #[arg(long, short, value_name = "N", default_value = "100", value_parser = units::count)]
    connections: u64,

    /// How long to measure, after the warm-up
    #[arg(long, short, value_name = "TIME", default_value = "10s", value_parser = units::duration)]
    #[arg(conflicts_with = "messages")]
    duration: Duration,

    /// Measure this many messages instead, from the first one on
    #[arg(long, value_name = "N", value_parser = units::count)]
    messages: Option<u64>,

    /// The length of a message
    #[arg(long, short, value_name = "BYTES", default_value = "64", value_parser = units::size)]
    size: usize,

    /// Messages that each connection keeps in flight (pipelining)
    #[arg(long, value_name = "N", default_value = "1", value_parser = units::count)]
    depth: u64,

    /// Threads that generate the load
    #[arg(long, value_name = "N", default_value = "1", value_parser = units::count)]
    threads: u64,

    /// Load before measuring [default: a tenth of the duration, at most 1s]
    #[arg(long, value_name = "TIME", value_parser = units::duration)]
    warmup: Option<Duration>,

    /// How long a connection may take to be made
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = units::duration)]
    connect_timeout: Duration,

    /// How long an answer may take before its connection is given up
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = units::duration)]
    timeout: Duration,

    /// Print the result as JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<Verdict> {
    let plan = plan(args)?;
    let interrupted = interrupt_flag()?;
    let mut screen = Screen {
        progress: Progress::new("connecting"),
        interrupted,
    };
    let outcome = portlab_load::run(&plan, &mut screen)?;
    screen.progress.finish();
    if outcome.connected == 0 && !outcome.interrupted {
        bail!(
            "no connection to {} could be made: {}",
            plan.target,
            reasons(&outcome)
        );
    }
    let mut out = anstream::stdout();
    if args.json {
        writeln!(out, "{:#}", as_json(&plan, &outcome))?;
    } else {
        print(&mut out, &plan, &outcome)?;
    }
    complain(&outcome);
    let nothing = outcome.messages == 0 && !outcome.interrupted;
    Ok(if outcome.is_clean() && !nothing {
        Verdict::Fine
    } else {
        Verdict::Failed
    })
}

/// Resolves the arguments to a plan, and checks it.
fn plan(args: &Args) -> anyhow::Result<Plan> {
    let target = args::resolve(&args.addr)?;
    if target.port() == 0 {
        bail!("{target} can't be connected to: port 0 stands for no port");
    }
    let stop = match args.messages {
        Some(count) => Stop::Messages(count),
        None if args.duration.is_zero() => bail!("--duration is 0; it must be longer"),
        None => Stop::After(args.duration),
    };
    let warmup = args
        .warmup
        .unwrap_or_else(|| (args.duration / 10).min(Duration::from_secs(1)));
    let plan = Plan {
        connections: usize::try_from(args.connections)?,
        threads: usize::try_from(args.threads)?,
        depth: usize::try_from(args.depth)?,
        size: args.size,
        warmup,
        stop,
        connect_timeout: args.connect_timeout,
        timeout: args.timeout,
        ..Plan::new(target)
    };
    plan.check()?;
    Ok(plan)
}

/// A flag that Ctrl-C sets, so that a run ends with what it has. The second Ctrl-C ends it at once.
pub(crate) fn interrupt_flag() -> anyhow::Result<Arc<AtomicBool>> {
    portlab_sys::interrupt::interrupt_flag().context("can't catch Ctrl-C")
}

/// What is shown while the load runs.
struct Screen {
    progress: Progress,
    interrupted: Arc<AtomicBool>,
}

impl Watch for Screen {
    fn connected(&mut self, connected: usize) -> bool {
        let what = if connected == 1 {
            "connection"
        } else {
            "connections"
        };
        self.progress.say(&format!("loading, {connected} {what}"));
        true
    }

    fn tick(&mut self, share: f64) {
        self.progress.at(share);
    }

    fn interrupted(&self) -> bool {
        self.interrupted.load(Relaxed)
    }
}

const QUANTILES: [(&str, f64); 4] = [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p99.9", 0.999)];

fn print(out: &mut impl Write, plan: &Plan, outcome: &Outcome) -> std::io::Result<()> {
    let Outcome {
        latency,
        connect_latency,
        ..
    } = outcome;
    let (connections, depth) = (plural(plan.connections, "connection"), plan.depth);
    writeln!(
        out,
        "{HEAD}{}{HEAD:#}  {connections} x depth {depth}, messages of {}, closed loop",
        plan.target,
        units::bytes(plan.size as f64),
    )?;
    if outcome.interrupted {
        writeln!(
            out,
            "{WARN}interrupted: this is what was measured so far{WARN:#}"
        )?;
    }
    let mut row = |name: &str, value: String, rest: String| {
        let rest = if rest.is_empty() {
            rest
        } else {
            format!("  {DIM}{rest}{DIM:#}")
        };
        writeln!(out, "  {name:<12} {value:>10}{rest}")
    };
    row(
        "throughput",
        format!("{}/s", units::short(outcome.messages_per_s())),
        format!(
            "{} messages in {}",
            outcome.messages,
            units::time(outcome.elapsed)
        ),
    )?;
    for (name, quantile) in QUANTILES {
        let rest = if name == "p50" {
            "latency, from sending to the last byte"
        } else {
            ""
        };
        row(
            name,
            known(latency, latency.quantile_ns(quantile)),
            rest.to_owned(),
        )?;
    }
    row(
        "max",
        known(latency, latency.max_ns()),
        format!("of {}", latency.count()),
    )?;
    row(
        "connect",
        units::nanos(connect_latency.quantile_ns(0.5) as f64),
        format!(
            "p50; p99 {}; all {} in {}",
            units::nanos(connect_latency.quantile_ns(0.99) as f64),
            outcome.connected,
            units::time(outcome.connect_phase),
        ),
    )?;
    row(
        "generator",
        format!("{:.0}% CPU", outcome.generator_cpu_share() * 100.0),
        format!(
            "of {}; {} per message",
            plural(outcome.threads, "thread"),
            units::nanos(outcome.generator_cpu_us_per_message() * 1e3),
        ),
    )?;
    row(
        "errors",
        outcome.tally.total().to_string(),
        unanswered(outcome),
    )?;
    for failure in outcome.tally.failures() {
        let hint = failure
            .cause
            .hint()
            .map_or_else(String::new, |hint| format!(" ({hint})"));
        let (phase, cause) = (failure.phase, failure.cause);
        writeln!(
            out,
            "    {BAD}{:>6}x{BAD:#} {phase}: {cause}{hint}",
            failure.count
        )?;
    }
    Ok(())
}

fn unanswered(outcome: &Outcome) -> String {
    match outcome.unanswered {
        0 => "every byte was checked".to_owned(),
        count => format!("not answered: {count}"),
    }
}

/// A latency; a dash when there was none.
fn known(latency: &Latency, nanos: u64) -> String {
    if latency.count() == 0 {
        "–".to_owned()
    } else {
        units::nanos(nanos as f64)
    }
}

fn plural(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

/// When a handshake that was not answered is sent again for the first time (RFC 6298, 2.1).
const HANDSHAKE_RETRY_NS: u64 = 1_000_000_000;

/// Says on stderr what is wrong with the run, if something is.
fn complain(outcome: &Outcome) {
    if let Some(mismatch) = outcome.tally.first_mismatch() {
        crate::tell!("{BAD}wrong bytes:{BAD:#} {mismatch}");
    }
    if outcome.messages == 0 && outcome.tally.total() == 0 {
        crate::tell!(
            "{WARN}note:{WARN:#} no answer was complete in the time measured; try a longer --duration or \
             a smaller --size"
        );
    }
    if outcome.connect_latency.max_ns() >= HANDSHAKE_RETRY_NS {
        crate::tell!(
            "{WARN}note:{WARN:#} some connections took {} to make: the server's accept queue was full, \
             and their handshakes were sent again after 1 s, 3 s, ...",
            units::nanos(outcome.connect_latency.max_ns() as f64)
        );
    }
    if outcome.generator_was_the_limit() {
        crate::tell!(
            "{WARN}note:{WARN:#} the generator was the limit ({:.0}% of its CPU): the server may be \
             faster than this; try --threads",
            outcome.generator_cpu_share() * 100.0
        );
    }
}

fn reasons(outcome: &Outcome) -> String {
    let reasons: Vec<_> = outcome
        .tally
        .failures()
        .filter(|failure| failure.phase == Phase::Connect)
        .map(|failure| {
            let hint = failure
                .cause
                .hint()
                .map_or_else(String::new, |hint| format!("; {hint}"));
            format!("{}{hint}", failure.cause)
        })
        .collect();
    reasons.join(", ")
}

fn as_json(plan: &Plan, outcome: &Outcome) -> Value {
    let failures: Vec<_> = outcome
        .tally
        .failures()
        .map(|failure| {
            json!({
                "phase": failure.phase.to_string(),
                "cause": failure.cause.to_string(),
                "errno": failure.cause.errno(),
                "count": failure.count,
            })
        })
        .collect();
    let Outcome {
        latency,
        connect_latency,
        ..
    } = outcome;
    json!({
        "target": target(plan.target),
        "loop": "closed",
        "connections": plan.connections,
        "connected": outcome.connected,
        "depth": plan.depth,
        "size_bytes": plan.size,
        "threads": outcome.threads,
        "interrupted": outcome.interrupted,
        "messages": outcome.messages,
        "elapsed_ns": nanos(outcome.elapsed),
        "messages_per_s": outcome.messages_per_s(),
        "latency_ns": quantiles(latency),
        "connect_phase_ns": nanos(outcome.connect_phase),
        "connect_latency_ns": quantiles(connect_latency),
        "generator_cpu_ns": nanos(outcome.generator_cpu),
        "generator_cpu_us_per_message": outcome.generator_cpu_us_per_message(),
        "generator_cpu_share": outcome.generator_cpu_share(),
        "generator_was_the_limit": outcome.generator_was_the_limit(),
        "unanswered": outcome.unanswered,
        "errors": outcome.tally.total(),
        "failures": failures,
        "first_mismatch": outcome.tally.first_mismatch().map(|mismatch| json!({
            "connection": mismatch.connection,
            "offset": mismatch.offset,
            "expected": mismatch.expected,
            "got": mismatch.got,
        })),
    })
}

fn quantiles(latency: &Latency) -> Value {
    let mut object = serde_json::Map::new();
    object.insert("count".into(), json!(latency.count()));
    let in_json = |nanos: u64| {
        if latency.count() == 0 {
            Value::Null
        } else {
            json!(nanos)
        }
    };
    for (name, quantile) in QUANTILES {
        object.insert(
            name.replace('.', ""),
            in_json(latency.quantile_ns(quantile)),
        );
    }
    object.insert("max".into(), in_json(latency.max_ns()));
    Value::Object(object)
}

fn target(addr: SocketAddr) -> String {
    addr.to_string()
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}
