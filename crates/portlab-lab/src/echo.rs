//! An echo: what it is verified by, and loaded with.

use std::net::SocketAddr;

use portlab_load::{Outcome, Plan, Script, Stop, Watch};

use crate::{
    Experiment, MeasureError, Observer,
    measure::{Loaded, Verifying, in_words},
};

/// Makes sure that the server is an echo, byte for byte, before anything is measured: single bytes,
/// messages of the size to come, and messages longer than any one read.
pub(crate) fn verify(
    experiment: &Experiment,
    addr: SocketAddr,
    observer: &mut dyn Observer,
) -> Result<(), MeasureError> {
    for (size, messages) in [(1, 3), (experiment.size, 5), (100_000, 2)] {
        let plan = Plan {
            script: Script::echo(size),
            stop: Stop::messages(messages),
            timeout: experiment.timeout(),
            ..Plan::new(addr)
        };
        let outcome = portlab_load::run(&plan, &mut Verifying(observer))?;
        if outcome.interrupted() {
            return Err(MeasureError::Interrupted);
        }
        if !outcome.is_clean() || outcome.messages != messages {
            return Err(MeasureError::NotVerified(failures(&outcome)));
        }
    }
    Ok(())
}

/// Loads the server on `connections`.
pub(crate) fn load(
    experiment: &Experiment,
    addr: SocketAddr,
    connections: usize,
    watch: &mut dyn Watch,
) -> Result<Loaded, MeasureError> {
    let plan = Plan {
        connections,
        threads: experiment.load_threads,
        depth: experiment.depth,
        script: Script::echo(experiment.size),
        warmup: experiment.warmup,
        stop: Stop::after(experiment.duration),
        timeout: experiment.timeout(),
        ..Plan::new(addr)
    };
    let outcome = portlab_load::run(&plan, watch)?;
    Ok(Loaded {
        interrupted: outcome.interrupted(),
        connected: outcome.connected,
        messages: outcome.messages,
        metered_messages: outcome.metered_messages,
        errors: outcome.tally.total() + outcome.unanswered,
        failures: failures(&outcome),
        elapsed: outcome.elapsed,
        generator_cpu: outcome.generator_cpu.iter().sum(),
        generator_cpu_share: outcome.generator_cpu_share(),
        latency: outcome.latency,
    })
}

fn failures(outcome: &Outcome) -> String {
    let wrong = outcome.tally.first_mismatch();
    wrong.map_or_else(
        || in_words(&outcome.tally, "no answer in time"),
        |mismatch| mismatch.to_string(),
    )
}
