//! One measurement of one cell: a fresh server, verified, then loaded and metered.

use std::{io, path::Path, process::ExitStatus, time::Duration};

use portlab_load::{Latency, Outcome, Plan, RunError, Tally, Watch};
use portlab_stats::record::{Cell, Histogram, Round, Unmetered};

use crate::{
    Experiment, NotMetered, Observer, ServerError, chat, echo,
    experiment::{self, Part},
    meter::{Meter, Readings},
    running::Mark,
    workloads::Load,
};

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
    /// Not all that serves the connections could be metered.
    #[error(transparent)]
    NotMetered(#[from] NotMetered),
    /// The server failed verification, before measuring.
    #[error("not measured: verification failed: {0}")]
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
    /// Some members could not get into the chat.
    #[error("{made} of {wanted} members got in: {why}")]
    Members {
        /// Members that got in.
        made: usize,
        /// Members that were to.
        wanted: usize,
        /// The reasons.
        why: String,
    },
    /// It passed verification, and failed before anything was measured.
    #[error("verification passed, but the load failed before anything was measured: {0}")]
    Wrong(String),
    /// No message was answered while measuring, and there was no error.
    #[error("no message was answered")]
    NoMessages,
    /// No member received a message while measuring, and there was no error.
    #[error("no member received a message: {0}")]
    NotHeard(String),
    /// Its rate follows from its highest rate, which is unknown.
    #[error("not measured: its highest rate is unknown")]
    UnknownRate,
    /// The server ended while being measured.
    #[error("the server ended by itself, with {0}")]
    Died(ExitStatus),
    /// The server failed to end properly after being measured.
    #[error("the server was told to stop and ended with {0}")]
    Exit(ExitStatus),
    /// The user has ended the run.
    #[error("interrupted")]
    Interrupted,
}

impl MeasureError {
    /// Why a foreign server can't be metered, if that is it.
    pub fn unmetered(&self) -> Option<Unmetered> {
        match self {
            Self::NotMetered(why) | Self::Server(ServerError::NotMetered(why)) => Some(why.kind()),
            _ => None,
        }
    }
}

/// How long a server may take to drain and exit.
pub(crate) const STOPPING: Duration = Duration::from_secs(8);
/// The same for a foreign server.
const STRANGER_STOPPING: Duration = Duration::from_secs(2);

/// How long a server is loaded while it records what its threads do.
const TRACED: Duration = Duration::from_millis(250);
/// The most events that it records: about half a second of the quickest model.
const TRACED_EVENTS: usize = 200_000;

/// The result of one measurement: the figures, and the latencies to add to the cell's.
pub(crate) type Measured = (Round, Histogram);

/// A measurement without a message is repeated for so many times its duration.
pub(crate) const LONGER: u32 = 10;

/// Measures `cell` once, as round `round`; with `rate_per_s` in an open loop.
///
/// In a short time there may be no message, because none was due or the machine stalled. That says nothing
/// of the server, so it is measured again, for longer.
pub(crate) fn measure(
    experiment: &Experiment,
    cell: &Cell,
    which: (usize, Option<f64>),
    mark: &Mark,
    observer: &mut dyn Observer,
) -> Result<Measured, MeasureError> {
    let (part, entrant) = experiment.of(cell);
    let measured = match once(experiment, part, cell, which, mark, observer) {
        Err(MeasureError::NoMessages | MeasureError::NotHeard(_)) => {
            let longer = Part {
                duration: part.duration * LONGER,
                ..part.clone()
            };
            once(experiment, &longer, cell, which, mark, observer)
        }
        measured => measured,
    };
    // Also after an error: processes left behind must not disturb the next measurement.
    if entrant.is_strange() {
        mark.sweep()?;
    }
    measured
}

/// How long a trial loads the server, in addition to four times the handler's work.
pub(crate) const TRIAL: Duration = Duration::from_millis(5);

/// Measures `cell` briefly, to see how long the rest of a measurement takes.
pub(crate) fn trial(
    experiment: &Experiment,
    cell: &Cell,
    mark: &Mark,
    observer: &mut dyn Observer,
) -> Result<Measured, MeasureError> {
    let (part, entrant) = experiment.of(cell);
    let brief = Part {
        warmup: Duration::ZERO,
        duration: TRIAL + part.work_time * 4,
        ..part.clone()
    };
    let measured = once(experiment, &brief, cell, (0, None), mark, observer);
    if entrant.is_strange() {
        mark.sweep()?;
    }
    measured
}

fn once(
    experiment: &Experiment,
    part: &Part,
    cell: &Cell,
    (round, rate_per_s): (usize, Option<f64>),
    mark: &Mark,
    observer: &mut dyn Observer,
) -> Result<Measured, MeasureError> {
    let (_, entrant) = experiment.of(cell);
    let mut server =
        experiment.start(part, entrant, cell, (mark, &[]), &|| observer.interrupted())?;
    let addr = server.addr();
    let point = &cell.point;
    let seed = experiment.load_seed(round);
    let (loaded, readings, wanted) = match part.workload.load {
        Load::Echo(_) => {
            echo::verify(part, point.size_bytes, addr, observer)?;
            let mut plans = part.echo_plans(addr, point, experiment.load_threads, rate_per_s);
            for plan in &mut plans {
                plan.seed = seed;
            }
            let wanted = plans.first().map_or(0, |plan| plan.connections);
            let mut meter = Meter::new(&server, wanted, observer);
            (echo::load(&plans, &mut meter)?, meter.readings(), wanted)
        }
        Load::Chat => {
            chat::verify(part, addr, observer)?;
            let plan = Plan {
                seed,
                ..part.chat_plan(addr, point.connections, rate_per_s)
            };
            let wanted = plan.connections;
            let mut meter = Meter::new(&server, wanted, observer);
            (chat::load(&plan, &mut meter)?, meter.readings(), wanted)
        }
    };
    if let Some(status) = server.wait(Duration::ZERO)? {
        return Err(MeasureError::Died(status));
    }
    if loaded.interrupted {
        return Err(MeasureError::Interrupted);
    }
    if loaded.connected < wanted {
        let (made, why) = (loaded.connected, loaded.failures);
        return Err(match part.workload.load {
            Load::Echo(_) => MeasureError::Connections { made, wanted, why },
            Load::Chat => MeasureError::Members { made, wanted, why },
        });
    }
    let readings = readings?;
    // If the server's CPU clock didn't move, there were too few messages to measure by.
    let nothing = loaded.messages == 0
        || loaded.metered_messages == 0
        || readings.end.cpu <= readings.begin.cpu;
    if part.talks() && nothing && loaded.errors > 0 {
        return Err(MeasureError::Wrong(loaded.failures));
    }
    if part.talks() && nothing {
        return Err(match part.workload.load {
            Load::Echo(_) => MeasureError::NoMessages,
            Load::Chat => MeasureError::NotHeard(loaded.failures),
        });
    }
    match entrant.server {
        experiment::Server::Ours(_) => {
            let ended = server.stop(STOPPING)?;
            if !ended.status.success() {
                return Err(MeasureError::Exit(ended.status));
            }
        }
        // SIGTERM itself ends a textbook twin. A foreign server may ignore it, or end with an error: it has been
        // measured, and is killed.
        experiment::Server::Control(_) | experiment::Server::Foreign(_) => {
            let _ = server.stop(STRANGER_STOPPING);
        }
    }
    let latencies = histogram(&loaded.latency);
    Ok((round_of(round, rate_per_s, loaded, readings), latencies))
}

/// Loads the server of `cell` briefly, while it records into `file` what its threads do.
pub(crate) fn traced(
    experiment: &Experiment,
    cell: &Cell,
    mark: &Mark,
    file: &Path,
    observer: &mut dyn Observer,
) -> Result<(), MeasureError> {
    let (part, entrant) = experiment.of(cell);
    let options = [
        format!("--trace={}", file.display()),
        format!("--trace-events={TRACED_EVENTS}"),
    ];
    let server = experiment.start(part, entrant, cell, (mark, &options), &|| {
        observer.interrupted()
    })?;
    let brief = Part {
        warmup: Duration::ZERO,
        duration: TRACED,
        ..part.clone()
    };
    let mut watch = Verifying(observer);
    let loaded = match part.workload.load {
        Load::Echo(_) => {
            let plans = brief.echo_plans(server.addr(), &cell.point, 1, None);
            echo::load(&plans, &mut watch)?
        }
        Load::Chat => {
            let plan = brief.chat_plan(server.addr(), cell.point.connections, None);
            chat::load(&plan, &mut watch)?
        }
    };
    if loaded.interrupted {
        return Err(MeasureError::Interrupted);
    }
    let ended = server.stop(STOPPING)?;
    match ended.status.success() {
        true => Ok(()),
        false => Err(MeasureError::Exit(ended.status)),
    }
}

/// The result of a load, of either service.
#[derive(Debug)]
pub(crate) struct Loaded {
    pub(crate) interrupted: bool,
    /// Connections that were made.
    pub(crate) connected: usize,
    /// Messages that the server has answered, or delivered, while measuring.
    pub(crate) messages: u64,
    /// The same between [`Watch::begin`] and [`Watch::end`].
    pub(crate) metered_messages: u64,
    pub(crate) elapsed: Duration,
    pub(crate) latency: Latency,
    pub(crate) errors: u64,
    /// The errors, in words.
    pub(crate) failures: String,
    /// How late the generator of an open loop was itself; empty in a closed one.
    pub(crate) pacing_lag: Latency,
    /// Messages that fell due in an open loop while measuring.
    pub(crate) due: u64,
    /// Those of them that it could not send.
    pub(crate) due_not_sent: u64,
    /// CPU time of all the generator's threads while measuring.
    pub(crate) generator_cpu: Duration,
    /// The share, in `[0, 1]`, of its time that the busiest of them was computing.
    pub(crate) generator_cpu_share: f64,
    /// The share, in `[0, 1]`, of their runnable time that they waited for a processor.
    pub(crate) generator_wait_share: Option<f64>,
}

impl Loaded {
    /// What a load of answered messages came to, whose errors in words are `failures`.
    pub(crate) fn of(outcome: Outcome, failures: String) -> Self {
        Self {
            interrupted: outcome.interrupted(),
            due: outcome.due(),
            connected: outcome.connected,
            messages: outcome.messages,
            metered_messages: outcome.metered_messages,
            errors: outcome.tally.total() + outcome.unanswered,
            failures,
            elapsed: outcome.elapsed,
            generator_cpu: outcome.generator_cpu.iter().sum(),
            generator_cpu_share: outcome.busiest_thread(),
            generator_wait_share: outcome.generator_wait_share(),
            pacing_lag: outcome.pacing_lag,
            due_not_sent: outcome.due_not_sent,
            latency: outcome.latency,
        }
    }
}

/// Verification can be interrupted, and shows no progress.
pub(crate) struct Verifying<'a>(pub(crate) &'a mut dyn Observer);

impl Watch for Verifying<'_> {
    fn interrupted(&self) -> bool {
        self.0.interrupted()
    }
}

fn round_of(round: usize, rate_per_s: Option<f64>, loaded: Loaded, readings: Readings) -> Round {
    let Readings {
        begin,
        end,
        empty_pss_bytes,
        peak_pss_bytes,
        machine_cpu_pressure_share,
    } = readings;
    let latency = loaded.latency;
    let (messages, metered) = (loaded.messages as f64, loaded.metered_messages as f64);
    let per = |amount: f64, messages: f64| (messages > 0.0).then_some(amount / messages);
    let cpu = end.cpu.saturating_sub(begin.cpu);
    let switches = end.context_switches.saturating_sub(begin.context_switches);
    Round {
        round,
        messages: loaded.messages,
        elapsed_ms: loaded.elapsed.as_secs_f64() * 1e3,
        messages_per_s: messages / loaded.elapsed.as_secs_f64().max(f64::MIN_POSITIVE),
        latency_count: Some(latency.count()),
        latency_p50_ns: latency.quantile_ns(0.5),
        latency_p90_ns: latency.quantile_ns(0.9),
        latency_p99_ns: latency.quantile_ns(0.99),
        latency_p999_ns: latency.quantile_ns(0.999),
        latency_max_ns: latency.max_ns(),
        server_cpu_us_per_message: per(cpu.as_secs_f64() * 1e6, metered),
        context_switches_per_message: per(switches as f64, metered),
        empty_pss_bytes: Some(empty_pss_bytes),
        peak_pss_bytes,
        threads: end.threads,
        processes: end.processes,
        errors: loaded.errors,
        first_error: (loaded.errors > 0).then_some(loaded.failures),
        generator_cpu_us_per_message: per(loaded.generator_cpu.as_secs_f64() * 1e6, messages),
        generator_cpu_share: loaded.generator_cpu_share,
        server_wait_share: end.runnable.wait_share_since(&begin.runnable),
        generator_wait_share: loaded.generator_wait_share,
        machine_cpu_pressure_share,
        offered_per_s: rate_per_s,
        pacing_lag_p99_ns: rate_per_s.map(|_| loaded.pacing_lag.quantile_ns(0.99)),
        due_messages: rate_per_s.map(|_| loaded.due),
        due_not_sent: rate_per_s.map(|_| loaded.due_not_sent),
    }
}

/// Buckets from a latency to its double: each is two per cent wide.
const BUCKETS_PER_DOUBLE: f64 = 32.0;

/// The latencies in buckets as a record keeps them.
fn histogram(latency: &Latency) -> Histogram {
    let mut histogram = Histogram::default();
    for (nanos, count) in latency.recorded() {
        let bucket = (nanos.max(1) as f64).log2() * BUCKETS_PER_DOUBLE;
        let upper = (bucket.ceil() / BUCKETS_PER_DOUBLE).exp2().round() as u64;
        match histogram.0.last_mut() {
            Some((last, sum)) if *last == upper => *sum += count,
            _ => histogram.0.push((upper, count)),
        }
    }
    histogram
}

/// The failures of a load, in words; `silence` if there is none.
pub(crate) fn in_words(tally: &Tally, silence: &str) -> String {
    let failures = tally.failures();
    let texts: Vec<_> = failures
        .map(|failure| format!("{}: {}", failure.phase, failure.cause))
        .collect();
    if texts.is_empty() {
        silence.to_owned()
    } else {
        texts.join(", ")
    }
}

/// The beginning of the first wrong answer, if it was kept.
pub(crate) fn what_came(tally: &Tally) -> String {
    tally
        .first_wrong()
        .map_or(String::new(), |came| format!("; what came: \"{came}\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_histogram_keeps_every_latency_to_two_per_cent() {
        let mut latency = Latency::new();
        for nanos in (1..2_000).map(|step| step * 1_111) {
            latency.record(nanos);
        }
        let histogram = histogram(&latency);
        assert_eq!(histogram.count(), latency.count());
        assert!(histogram.0.is_sorted_by(|a, b| a.0 < b.0));
        assert!(histogram.0.len() < 350, "{}", histogram.0.len());
        for quantile in [0.01, 0.5, 0.99, 1.0] {
            let (exact, kept) = (latency.quantile_ns(quantile), histogram.quantile(quantile));
            let error = kept.unwrap() as f64 / exact as f64 - 1.0;
            assert!((-0.01..0.025).contains(&error), "{quantile}: {error}");
        }
    }
}
