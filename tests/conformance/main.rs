//! Every model against every case, black-box: the real binary, in a process of its own, over TCP.
//! One named test each, such as `threads::echo::half_close`.
//!
//! The cases in `HEAVY` take seconds of CPU time: here they run on one model of each family, with
//! `PORTLAB_FAULTS=all` (`tests/faults.sh`) on every model.

#![allow(unreachable_pub, reason = "these files are modules of other tests, too")]

mod models;
mod running;

use std::path::Path;

use libtest_mimic::{Arguments, Failed, Trial};
use models::{options, promises};
use portlab_backends::{MODELS, Sheet};
use portlab_conformance::{CASES, Case, Target};
use running::Running;

/// The cases that take seconds of CPU time on each model.
const HEAVY: &[&str] = &[];

/// How many cases run at a time at least: most of them wait most of the time.
const AT_ONCE: usize = 4;

fn main() {
    let all = std::env::var("PORTLAB_FAULTS").is_ok_and(|value| value == "all");
    let trials = MODELS.iter().map(|model| model.sheet()).flat_map(|sheet| {
        CASES.iter().map(move |case| {
            let name = format!("{}::{}::{}", sheet.name, case.speaks.name(), case.name);
            let unmet = case.unmet(&promises(sheet, case), true);
            let trial = Trial::test(name, move || run(sheet, case));
            // A case that the model doesn't promise is skipped, by the name of the promise.
            match unmet {
                Some(promise) => trial
                    .with_kind(format!("{promise:?}"))
                    .with_ignored_flag(true),
                None if !all && HEAVY.contains(&case.name) && !is_first_of_its_family(sheet) => {
                    trial.with_kind("heavy").with_ignored_flag(true)
                }
                None => trial,
            }
        })
    });
    let trials = trials.collect();
    let mut arguments = Arguments::from_args();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    arguments.test_threads.get_or_insert(cores.max(AT_ONCE));
    libtest_mimic::run(&arguments, trials).exit();
}

fn is_first_of_its_family(sheet: &Sheet) -> bool {
    let mut models = MODELS.iter().map(|model| model.sheet());
    let first = models.find(|it| it.family == sheet.family);
    first.is_some_and(|it| it.name == sheet.name)
}

fn run(sheet: &'static Sheet, case: &Case) -> Result<(), Failed> {
    let promises = promises(sheet, case);
    if let Some(promise) = case.unmet(&promises, true) {
        return Err(format!("{} doesn't promise {promise:?}", sheet.name).into());
    }
    let program = Path::new(env!("CARGO_BIN_EXE_portlab"));
    let mut running = Running::start(program, options(sheet.name, case))?;
    let mut target = Target {
        addr: running.server.addr(),
        promises,
        process: Some(&mut running),
    };
    let result = (case.run)(&mut target);
    result.map_err(|failure| {
        let complaints = running.server.complaints();
        format!(
            "{}\n  {failure}\n  the server said: {complaints}",
            case.about
        )
        .into()
    })
}
