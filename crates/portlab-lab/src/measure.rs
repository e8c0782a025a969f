//! One measurement of one cell: a fresh server, verified, then loaded and metered.

use std::{path::Path, time::Duration};

use portlab_load::Plan;
use portlab_stats::record::{Cell, Histogram, Round};
use portlab_words::{Text, tr};

use crate::{
    error::MeasureError,
    experiment::{self, Experiment, Part},
    load::{Loaded, Verifying, load, verify},
    meter::{Meter, Readings},
    observer::Observer,
    running::Mark,
    server::{STOPPING, Server},
    workloads::Load,
};

/// How long a textbook twin or a foreign server may take to end after SIGTERM.
const OTHER_STOPPING: Duration = Duration::from_secs(2);

/// How long a server is loaded while it records what its threads do.
const TRACED: Duration = Duration::from_millis(250);
/// The most events that the server records: about half a second of the quickest model.
const TRACED_EVENTS: usize = 200_000;

/// The result of one measurement: the figures, and the latencies to add to those of the cell.
pub(crate) type Measured = (Round, Histogram);

/// A measurement without a message is repeated, with its duration multiplied by this.
pub(crate) const LONGER: u32 = 10;

/// Measures `cell` once. `which` is the round, and the rate per second of an open loop.
///
/// A short measurement may have no message, because no message was due or the machine stalled. That shows nothing
/// about the server, so it is measured again, for longer.
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
    if entrant.is_external() {
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
        let ended = tr!(
            "the server ended by itself, with {status}",
            "服务端自己结束了：{status}"
        );
        return Err(ended.into());
    }
    let readings = usable(part, &loaded, wanted, readings)?;
    match experiment.of(cell).1.server {
        experiment::Server::Ours(_) => stop(server)?,
        // SIGTERM itself ends a textbook twin. A foreign server may ignore it, or end with an error: it has been
        // measured, and is killed.
        experiment::Server::Control(_) | experiment::Server::Foreign(_) => {
            let _ = server.stop(OTHER_STOPPING);
        }
    }
    let latencies = loaded.outcome.latency.rounded();
    let heavy = part.workload.heavy_depth.and(loaded.beside_per_s.first());
    let rates = (rate_per_s, heavy.copied().flatten());
    Ok((round_of(round, rates, &loaded, readings), latencies))
}

/// The readings, if all `wanted` connections were made and messages were answered.
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
                "{made} of {wanted} members could join: {en}",
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
    if !part.sends_messages() || !nothing {
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

/// Stops a server of portlab, which must exit with status 0.
fn stop(server: Server) -> Result<(), MeasureError> {
    let status = server.stop(STOPPING)?.status;
    match status.success() {
        true => Ok(()),
        false => Err(tr!(
            "the server was stopped with SIGTERM and ended with {status}, not with exit status 0",
            "服务端收到停止信号后结束得不正常：{status}"
        )
        .into()),
    }
}

/// Loads the server of `cell` briefly, while the server records into `file` what its threads do.
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

/// The figures of a round: in an open loop at a rate per second, or beside a heavy connection with so many messages per
/// second.
fn round_of(
    round: usize,
    (rate_per_s, heavy_per_s): (Option<f64>, Option<f64>),
    loaded: &Loaded,
    readings: Readings,
) -> Round {
    let Readings {
        begin,
        end,
        empty_pss_bytes,
        peak_pss_bytes,
        machine_cpu_pressure_share,
    } = readings;
    let outcome = &loaded.outcome;
    let (latency, elapsed) = (&outcome.latency, outcome.elapsed.as_secs_f64());
    let messages = loaded.messages as f64;
    // The server's CPU time is that of all messages. While metered, the heavy connection has its usual share of them.
    let heavy = heavy_per_s.unwrap_or(0.0) * elapsed;
    let with_heavy = (messages + heavy) / messages.max(1.0);
    let metered = loaded.metered_messages as f64 * with_heavy;
    let per = |amount: f64, messages: f64| (messages > 0.0).then_some(amount / messages);
    let cpu = end.cpu.saturating_sub(begin.cpu);
    let switches = end.context_switches.saturating_sub(begin.context_switches);
    Round {
        round,
        messages: loaded.messages,
        elapsed_ms: elapsed * 1e3,
        messages_per_s: messages / elapsed.max(f64::MIN_POSITIVE),
        heavy_messages_per_s: heavy_per_s,
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
