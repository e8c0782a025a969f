//! The verification and the load of an echo.

use std::{
    net::SocketAddr,
    sync::atomic::{AtomicBool, Ordering::Relaxed},
    sync::mpsc,
    thread,
    time::Duration,
};

use portlab_load::{Outcome, Plan, RunError, Script, Stop, Watch};

use crate::{
    MeasureError, Observer,
    experiment::Part,
    measure::{Loaded, Verifying, in_words, what_came},
};

/// Makes sure that the server is an echo, byte for byte, before anything is measured: single bytes,
/// messages of the size to be measured, and messages longer than one read.
pub(crate) fn verify(
    part: &Part,
    size: usize,
    addr: SocketAddr,
    observer: &mut dyn Observer,
) -> Result<(), MeasureError> {
    for (size, messages) in [(1, 3), (size, 5), (100_000, 2)] {
        let plan = Plan {
            script: Script::echo(size),
            stop: Stop::messages(messages),
            timeout: part.timeout(),
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

/// Loads the server with all `plans` at once. The first is measured; the others start before it and end
/// after it.
pub(crate) fn load(plans: &[Plan], watch: &mut dyn Watch) -> Result<Loaded, MeasureError> {
    let Some((measured, company)) = plans.split_first() else {
        return Err(MeasureError::NoMessages);
    };
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        let (here, all_here) = mpsc::channel::<()>();
        let company: Vec<_> = company
            .iter()
            .map(|plan| {
                let mut watch = Company(&over, Some(here.clone()));
                scope.spawn(move || portlab_load::run(plan, &mut watch))
            })
            .collect();
        drop(here);
        // Each load drops its end of the channel when its connections are made, or when it fails.
        let _ = all_here.recv();
        let outcome = portlab_load::run(measured, watch);
        over.store(true, Relaxed);
        let company: Result<Vec<Outcome>, RunError> = company
            .into_iter()
            .map(|thread| thread.join().expect("a load doesn't panic"))
            .collect();
        let outcome = outcome?;
        let failed = failures(&outcome);
        let mut loaded = Loaded::of(outcome, failed);
        let cores = thread::available_parallelism().map_or(1, usize::from);
        let mut threads = measured.threads;
        for outcome in company? {
            threads += 1;
            loaded.generator_cpu += outcome.generator_cpu.iter().sum::<Duration>();
            loaded.errors += outcome.tally.total();
            if outcome.tally.total() > 0 {
                loaded.failures = failures(&outcome);
            }
        }
        // If there are more threads than processors, no thread is busy all the time.
        let time = loaded.elapsed.as_secs_f64().max(f64::MIN_POSITIVE) * threads.min(cores) as f64;
        let share = (loaded.generator_cpu.as_secs_f64() / time).min(1.0);
        loaded.generator_cpu_share = loaded.generator_cpu_share.max(share);
        Ok(loaded)
    })
}

/// Watches a load that isn't measured, and ends with the one that is.
struct Company<'a>(&'a AtomicBool, Option<mpsc::Sender<()>>);

impl Watch for Company<'_> {
    fn connected(&mut self, _connected: usize) -> bool {
        self.1 = None;
        true
    }

    fn interrupted(&self) -> bool {
        self.0.load(Relaxed)
    }
}

fn failures(outcome: &Outcome) -> String {
    let wrong = outcome.tally.first_mismatch();
    let text = wrong.map_or_else(
        || in_words(&outcome.tally, "no answer in time"),
        |mismatch| mismatch.to_string(),
    );
    text + &what_came(&outcome.tally)
}
