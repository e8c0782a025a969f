//! One measurement of one cell: a fresh server, verified, then loaded and metered.

use std::{io, process::ExitStatus, time::Duration};

use portlab_load::{Latency, RunError, Tally, Watch};
use portlab_stats::record::{Cell, Round};

use crate::{
    Experiment, Observer, Server, ServerError, Service, chat, echo,
    meter::{Meter, Readings},
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
    /// Before measuring: it is not the service that it should be.
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
    /// It answered nothing while being measured.
    #[error("not one message was answered")]
    NoMessages,
    /// Nobody heard anything while it was being measured.
    #[error("not one message was heard: {0}")]
    NotHeard(String),
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
    let addr = server.addr();
    match &experiment.service {
        Service::Echo => echo::verify(experiment, addr, observer)?,
        Service::Chat { rooms, tongues } => {
            chat::verify(experiment, addr, (*rooms, tongues), observer)?;
        }
    }
    let wanted = cell.connections;
    let mut meter = Meter::new(&server, wanted, observer);
    let loaded = match &experiment.service {
        Service::Echo => echo::load(experiment, addr, wanted, &mut meter)?,
        Service::Chat { rooms, tongues } => {
            chat::load(experiment, addr, wanted, (*rooms, tongues), &mut meter)?
        }
    };
    let readings = meter.readings();
    if let Some(status) = server.wait(Duration::ZERO)? {
        return Err(MeasureError::Died(status));
    }
    if loaded.interrupted {
        return Err(MeasureError::Interrupted);
    }
    if loaded.connected < wanted {
        let (made, why) = (loaded.connected, loaded.failures);
        return Err(match experiment.service {
            Service::Echo => MeasureError::Connections { made, wanted, why },
            Service::Chat { .. } => MeasureError::Members { made, wanted, why },
        });
    }
    let readings = readings?;
    if loaded.messages == 0 || loaded.metered_messages == 0 {
        return Err(match experiment.service {
            Service::Echo => MeasureError::NoMessages,
            Service::Chat { .. } => MeasureError::NotHeard(loaded.failures),
        });
    }
    let ended = server.stop(STOPPING)?;
    if !ended.status.success() {
        return Err(MeasureError::Exit(ended.status));
    }
    Ok(round_of(round, loaded, readings))
}

/// What the load has come to, whatever the service.
#[derive(Debug)]
pub(crate) struct Loaded {
    pub(crate) interrupted: bool,
    /// Connections that were made.
    pub(crate) connected: usize,
    /// Messages that the server has dealt with while measuring.
    pub(crate) messages: u64,
    /// The same between [`Watch::begin`] and [`Watch::end`].
    pub(crate) metered_messages: u64,
    pub(crate) elapsed: Duration,
    pub(crate) latency: Latency,
    pub(crate) errors: u64,
    /// What went wrong, in words.
    pub(crate) failures: String,
    /// CPU time of all the generator's threads while measuring.
    pub(crate) generator_cpu: Duration,
    /// The share, in `[0, 1]`, of their time that they were computing.
    pub(crate) generator_cpu_share: f64,
}

/// Verification can be interrupted, and shows no progress.
pub(crate) struct Verifying<'a>(pub(crate) &'a mut dyn Observer);

impl Watch for Verifying<'_> {
    fn interrupted(&self) -> bool {
        self.0.interrupted()
    }
}

fn round_of(round: usize, loaded: Loaded, readings: Readings) -> Round {
    let Readings {
        begin,
        end,
        peak_pss_bytes,
    } = readings;
    let latency = loaded.latency;
    let (messages, metered) = (loaded.messages as f64, loaded.metered_messages as f64);
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
        server_cpu_us_per_message: cpu.as_secs_f64() * 1e6 / metered,
        context_switches_per_message: switches as f64 / metered,
        peak_pss_bytes,
        threads: end.threads,
        processes: end.processes,
        errors: loaded.errors,
        first_error: (loaded.errors > 0).then_some(loaded.failures),
        generator_cpu_us_per_message: loaded.generator_cpu.as_secs_f64() * 1e6 / messages,
        generator_cpu_share: loaded.generator_cpu_share,
    }
}

/// The failures of a load; `silence` when there was none, and yet something is missing.
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
