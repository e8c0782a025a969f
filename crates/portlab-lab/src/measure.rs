//! One measurement of one cell: a fresh server, verified, then loaded and metered.

use std::{io, net::SocketAddr, process::ExitStatus, time::Duration};

use portlab_load::{Outcome, Plan, Progress, RunError, Script, Stop, Watch};
use portlab_stats::record::{Cell, Round};
use portlab_sys::meter::{Usage, pss_bytes, usage};

use crate::{Experiment, Observer, Server, ServerError};

/// Why there is no measurement.
#[derive(Debug, thiserror::Error)]
pub enum MeasureError {
    /// The server didn't start or didn't stop.
    #[error(transparent)]
    Server(#[from] ServerError),
    /// The load could not be generated.
    #[error(transparent)]
    Load(#[from] RunError),
    /// The server could not be metered.
    #[error("can't meter the server: {0}")]
    Meter(#[from] io::Error),
    /// Before measuring: it is not an echo.
    #[error("not measured, for it failed verification: {0}")]
    NotVerified(String),
    /// Some connections could not be made.
    #[error("{made} of {wanted} connections could be made: {why}")]
    Connections {
        /// Connections that were made.
        made: usize,
        /// Connections that were asked for.
        wanted: usize,
        /// The reasons.
        why: String,
    },
    /// It answered nothing while being measured.
    #[error("not one message was answered")]
    NoMessages,
    /// It ended while being measured.
    #[error("the server ended by itself, with {0}")]
    Died(ExitStatus),
    /// It ended badly after being measured.
    #[error("told to stop, the server ended with {0}")]
    Exit(ExitStatus),
    /// The user has ended the run.
    #[error("interrupted")]
    Interrupted,
}

/// How long an answer may take beside the work that was ordered: far longer than any that is worth
/// measuring.
const TIMEOUT: Duration = Duration::from_secs(5);

/// How long a server may take to drain and exit.
const STOPPING: Duration = Duration::from_secs(8);

/// Measures `cell` once, as round `round`.
pub(crate) fn measure(
    experiment: &Experiment,
    cell: &Cell,
    round: usize,
    observer: &mut dyn Observer,
) -> Result<Round, MeasureError> {
    let mut server = Server::start(&experiment.program, experiment.serve_options(cell))?;
    verify(experiment, server.addr(), observer)?;
    let plan = Plan {
        connections: cell.connections,
        threads: experiment.load_threads,
        depth: experiment.depth,
        script: Script::echo(experiment.size),
        warmup: experiment.warmup,
        stop: Stop::after(experiment.duration),
        timeout: timeout(experiment),
        ..Plan::new(server.addr())
    };
    let mut meter = Meter::new(&server, cell.connections, observer);
    let outcome = portlab_load::run(&plan, &mut meter)?;
    let readings = meter.readings;
    if let Some(status) = server.wait(Duration::ZERO)? {
        return Err(MeasureError::Died(status));
    }
    if outcome.interrupted() {
        return Err(MeasureError::Interrupted);
    }
    if outcome.connected < cell.connections {
        let (made, wanted) = (outcome.connected, cell.connections);
        return Err(MeasureError::Connections {
            made,
            wanted,
            why: failures(&outcome),
        });
    }
    let readings = readings?;
    if outcome.messages == 0 || outcome.metered_messages == 0 {
        return Err(MeasureError::NoMessages);
    }
    let ended = server.stop(STOPPING)?;
    if !ended.status.success() {
        return Err(MeasureError::Exit(ended.status));
    }
    Ok(round_of(round, &outcome, readings))
}

/// Makes sure that the server is an echo, byte for byte, before anything is measured: single bytes,
/// messages of the size to come, and messages longer than any one read.
fn verify(
    experiment: &Experiment,
    addr: SocketAddr,
    observer: &mut dyn Observer,
) -> Result<(), MeasureError> {
    for (size, messages) in [(1, 3), (experiment.size, 5), (100_000, 2)] {
        let plan = Plan {
            script: Script::echo(size),
            stop: Stop::messages(messages),
            timeout: timeout(experiment),
            ..Plan::new(addr)
        };
        let outcome = portlab_load::run(&plan, &mut Verifying(observer))?;
        if outcome.interrupted() {
            return Err(MeasureError::Interrupted);
        }
        if !outcome.is_clean() || outcome.messages != messages {
            let first = outcome
                .tally
                .first_mismatch()
                .map(|mismatch| mismatch.to_string());
            return Err(MeasureError::NotVerified(
                first.unwrap_or_else(|| failures(&outcome)),
            ));
        }
    }
    Ok(())
}

/// A message longer than any one read takes several, and so several times the work.
fn timeout(experiment: &Experiment) -> Duration {
    TIMEOUT + experiment.work_time * 4
}

/// Verification can be interrupted, and shows no progress.
struct Verifying<'a>(&'a mut dyn Observer);

impl Watch for Verifying<'_> {
    fn interrupted(&self) -> bool {
        self.0.interrupted()
    }
}

/// What was read off the server from outside.
#[derive(Clone, Copy, Debug, Default)]
struct Readings {
    begin: Usage,
    end: Usage,
    peak_pss_bytes: u64,
}

/// Reads the server's meters at the edges of what is measured.
struct Meter<'a> {
    pid: i32,
    wanted: usize,
    readings: io::Result<Readings>,
    observer: &'a mut dyn Observer,
}

impl<'a> Meter<'a> {
    fn new(server: &Server, wanted: usize, observer: &'a mut dyn Observer) -> Self {
        Self {
            pid: server.pid(),
            wanted,
            readings: Ok(Readings::default()),
            observer,
        }
    }

    /// Takes a reading; the first failure stays.
    fn read(&mut self, take: impl FnOnce(i32, &mut Readings) -> io::Result<()>) {
        if let Ok(readings) = &mut self.readings
            && let Err(error) = take(self.pid, readings)
        {
            self.readings = Err(error);
        }
    }

    /// Memory is read when nothing is being measured: walking page tables takes CPU time.
    fn read_memory(&mut self) {
        self.read(|pid, readings| {
            readings.peak_pss_bytes = readings.peak_pss_bytes.max(pss_bytes(pid)?);
            Ok(())
        });
    }
}

impl Watch for Meter<'_> {
    fn connected(&mut self, connected: usize) -> bool {
        self.read_memory();
        connected == self.wanted
    }

    fn begin(&mut self) {
        self.read(|pid, readings| {
            readings.begin = usage(pid)?;
            Ok(())
        });
    }

    fn end(&mut self) {
        self.read(|pid, readings| {
            readings.end = usage(pid)?;
            Ok(())
        });
    }

    fn drained(&mut self) {
        self.read_memory();
    }

    fn tick(&mut self, progress: &Progress) {
        self.observer.tick(progress.share);
    }

    fn interrupted(&self) -> bool {
        self.observer.interrupted()
    }
}

fn round_of(round: usize, outcome: &Outcome, readings: Readings) -> Round {
    let Readings {
        begin,
        end,
        peak_pss_bytes,
    } = readings;
    let messages = outcome.metered_messages as f64;
    let cpu = end.cpu.saturating_sub(begin.cpu);
    let switches = end.context_switches.saturating_sub(begin.context_switches);
    Round {
        round,
        messages: outcome.messages,
        elapsed_ms: outcome.elapsed.as_secs_f64() * 1e3,
        messages_per_s: outcome.messages_per_s(),
        latency_p50_ns: outcome.latency.quantile_ns(0.5),
        latency_p90_ns: outcome.latency.quantile_ns(0.9),
        latency_p99_ns: outcome.latency.quantile_ns(0.99),
        latency_p999_ns: outcome.latency.quantile_ns(0.999),
        latency_max_ns: outcome.latency.max_ns(),
        server_cpu_us_per_message: cpu.as_secs_f64() * 1e6 / messages,
        context_switches_per_message: switches as f64 / messages,
        peak_pss_bytes,
        threads: end.threads,
        processes: end.processes,
        errors: outcome.tally.total() + outcome.unanswered,
        generator_cpu_us_per_message: outcome.generator_cpu_us_per_message(),
        generator_cpu_share: outcome.generator_cpu_share(),
    }
}

fn failures(outcome: &Outcome) -> String {
    let failures = outcome.tally.failures();
    let texts: Vec<_> = failures
        .map(|failure| format!("{}: {}", failure.phase, failure.cause))
        .collect();
    if texts.is_empty() {
        "no answer in time".to_owned()
    } else {
        texts.join(", ")
    }
}
