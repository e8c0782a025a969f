//! One measurement of one cell: a fresh server, verified, then loaded and metered.

use std::{io, path::Path, time::Duration};

use portlab_load::{Latency, Plan};
use portlab_stats::record::{Cell, Failed, Histogram, Round};
use portlab_words::{Text, tr};

use crate::{
    Experiment, NotMetered, Observer, Server, ServerError,
    experiment::{self, Part},
    load::{Loaded, Verifying, load, verify},
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
    /// Not all that serves the connections could be metered.
    #[error(transparent)]
    NotMetered(#[from] NotMetered),
    /// No message was answered, or delivered, while measuring, and there was no error.
    #[error(transparent)]
    NoMessages(Text),
    /// The load could not be generated, or the server failed verification, lost connections, ended or could not be
    /// metered.
    #[error(transparent)]
    Failed(#[from] Text),
    /// The user has ended the run.
    #[error("interrupted")]
    Interrupted,
}

impl From<io::Error> for MeasureError {
    fn from(error: io::Error) -> Self {
        Self::Failed(tr!(
            "can't meter the server: {error}",
            "无法测量服务端的资源用量：{error}"
        ))
    }
}

impl MeasureError {
    /// The failure of `round`, for the record.
    pub(crate) fn in_round(&self, round: usize) -> Failed {
        let unmetered = match self {
            Self::NotMetered(why) | Self::Server(ServerError::NotMetered(why)) => Some(why.kind),
            _ => None,
        };
        Failed {
            round,
            reason: Text::of(self),
            unmetered,
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
    let part = experiment.of(cell).0;
    match once(experiment, part, cell, which, mark, observer) {
        Err(MeasureError::NoMessages(_)) => {
            let longer = part.lasting(part.duration * LONGER, part.warmup);
            once(experiment, &longer, cell, which, mark, observer)
        }
        measured => measured,
    }
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
    let part = experiment.of(cell).0;
    let brief = part.lasting(TRIAL + part.work_time * 4, Duration::ZERO);
    once(experiment, &brief, cell, (0, None), mark, observer)
}

fn once(
    experiment: &Experiment,
    part: &Part,
    cell: &Cell,
    which: (usize, Option<f64>),
    mark: &Mark,
    observer: &mut dyn Observer,
) -> Result<Measured, MeasureError> {
    let entrant = experiment.of(cell).1;
    let server = experiment.start(part, entrant, cell, (mark, &[]), &|| observer.interrupted());
    let measured = server
        .map_err(MeasureError::from)
        .and_then(|server| measured(experiment, part, cell, which, server, observer));
    // Also after an error: processes left behind must not disturb the next measurement.
    if entrant.is_strange() {
        mark.sweep()?;
    }
    measured
}

fn measured(
    experiment: &Experiment,
    part: &Part,
    cell: &Cell,
    (round, rate_per_s): (usize, Option<f64>),
    mut server: Server,
    observer: &mut dyn Observer,
) -> Result<Measured, MeasureError> {
    let (addr, threads) = (server.addr(), experiment.setup.load_threads);
    verify(part, cell.point.size_bytes, addr, observer)?;
    let seed = experiment.load_seed(round);
    let plans: Vec<Plan> = part
        .plans(addr, &cell.point, threads, rate_per_s)
        .into_iter()
        .map(|plan| Plan { seed, ..plan })
        .collect();
    let wanted = plans[0].connections;
    let mut meter = Meter::new(&server, wanted, observer);
    let loaded = load(&plans, &mut meter)?;
    let readings = meter.readings();
    if let Some(status) = server.wait(Duration::ZERO)? {
        let died = tr!(
            "the server ended by itself, with {status}",
            "服务端自己结束了：{status}"
        );
        return Err(died.into());
    }
    let readings = usable(part, &loaded, wanted, readings)?;
    match experiment.of(cell).1.server {
        experiment::Server::Ours(_) => stop(server)?,
        // SIGTERM itself ends a textbook twin. A foreign server may ignore it, or end with an error: it has been
        // measured, and is killed.
        experiment::Server::Control(_) | experiment::Server::Foreign(_) => {
            let _ = server.stop(STRANGER_STOPPING);
        }
    }
    let latencies = histogram(&loaded.outcome.latency);
    Ok((round_of(round, rate_per_s, &loaded, readings), latencies))
}

/// The readings, if a load of `wanted` connections was what it was meant to be.
fn usable(
    part: &Part,
    loaded: &Loaded,
    wanted: usize,
    readings: Result<Readings, MeasureError>,
) -> Result<Readings, MeasureError> {
    if loaded.outcome.interrupted() {
        return Err(MeasureError::Interrupted);
    }
    let is_chat = matches!(part.workload.load, Load::Chat);
    let (made, Text { en, zh }) = (loaded.outcome.connected, &loaded.failures);
    if made < wanted {
        let missing = match is_chat {
            false => tr!(
                "{made} of {wanted} connections could be made: {en}",
                "{wanted} 个连接只建立了 {made} 个：{zh}"
            ),
            true => tr!(
                "{made} of {wanted} members got in: {en}",
                "{wanted} 个成员只进来了 {made} 个：{zh}"
            ),
        };
        return Err(missing.into());
    }
    let readings = readings?;
    // If the server's CPU clock didn't move, there were too few messages to measure by.
    let nothing = loaded.messages == 0
        || loaded.metered_messages == 0
        || readings.end.cpu <= readings.begin.cpu;
    if !part.talks() || !nothing {
        return Ok(readings);
    }
    Err(match is_chat {
        _ if loaded.errors > 0 => MeasureError::Failed(tr!(
            "verification passed, but the load failed before anything was measured: {en}",
            "核对通过了，但还没有测到什么，负载就失败了：{zh}"
        )),
        false => {
            MeasureError::NoMessages(Text::new("no message was answered", "没有一条消息得到响应"))
        }
        true => MeasureError::NoMessages(tr!(
            "no member received a message: {en}",
            "没有一个成员收到消息：{zh}"
        )),
    })
}

/// Stops one of our servers, which must end well.
fn stop(server: Server) -> Result<(), MeasureError> {
    let status = server.stop(STOPPING)?.status;
    match status.success() {
        true => Ok(()),
        false => Err(tr!(
            "the server was told to stop and ended with {status}",
            "服务端收到停止信号后结束得不正常：{status}"
        )
        .into()),
    }
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
    let brief = part.lasting(TRACED, Duration::ZERO);
    let plans = brief.plans(server.addr(), &cell.point, 1, None);
    let loaded = load(&plans, &mut Verifying(observer))?;
    if loaded.outcome.interrupted() {
        return Err(MeasureError::Interrupted);
    }
    stop(server)
}

fn round_of(round: usize, rate_per_s: Option<f64>, loaded: &Loaded, readings: Readings) -> Round {
    let Readings {
        begin,
        end,
        empty_pss_bytes,
        peak_pss_bytes,
        machine_cpu_pressure_share,
    } = readings;
    let outcome = &loaded.outcome;
    let (latency, elapsed) = (&outcome.latency, outcome.elapsed.as_secs_f64());
    let (messages, metered) = (loaded.messages as f64, loaded.metered_messages as f64);
    let per = |amount: f64, messages: f64| (messages > 0.0).then_some(amount / messages);
    let cpu = end.cpu.saturating_sub(begin.cpu);
    let switches = end.context_switches.saturating_sub(begin.context_switches);
    Round {
        round,
        messages: loaded.messages,
        elapsed_ms: elapsed * 1e3,
        messages_per_s: messages / elapsed.max(f64::MIN_POSITIVE),
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
        first_error: (loaded.errors > 0).then(|| loaded.failures.clone()),
        generator_cpu_us_per_message: per(loaded.generator_cpu.as_secs_f64() * 1e6, messages),
        generator_cpu_share: loaded.generator_cpu_share,
        server_wait_share: end.runnable.wait_share_since(&begin.runnable),
        generator_wait_share: outcome.generator_wait_share(),
        machine_cpu_pressure_share,
        offered_per_s: rate_per_s,
        pacing_lag_p99_ns: rate_per_s.map(|_| outcome.pacing_lag.quantile_ns(0.99)),
        due_messages: rate_per_s.map(|_| loaded.due()),
        due_not_sent: rate_per_s.map(|_| outcome.due_not_sent),
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
