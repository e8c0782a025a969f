//! Tests that a program lists when it runs, such as one for each model.

use std::thread::available_parallelism;

use libtest_mimic::{Arguments, Trial};

/// At least so many tests run at once, because most of them wait.
const AT_ONCE: usize = 12;

/// Runs `trials` as the command line says, and ends the process.
pub fn run(trials: Vec<Trial>) -> ! {
    libtest_mimic::run(&arguments(), trials).exit()
}

/// A test that fails when `run` panics.
pub fn trial(name: impl Into<String>, run: impl FnOnce() + Send + 'static) -> Trial {
    Trial::test(name, move || {
        run();
        Ok(())
    })
}

/// Functions by their names, for a list of tests: `named![a_test, another]`.
#[macro_export]
macro_rules! named {
    ($($test:ident),* $(,)?) => {
        &[$((stringify!($test), $test)),*]
    };
}

/// The arguments of the command line; without `--test-threads`, 12 tests run at once, or one for each processor
/// if there are more.
pub fn arguments() -> Arguments {
    let mut arguments = Arguments::from_args();
    let cores = available_parallelism().map_or(1, usize::from);
    arguments.test_threads.get_or_insert(cores.max(AT_ONCE));
    arguments
}
