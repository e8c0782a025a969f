//! Starting the server of a cell.

use portlab_backends::textbook::SUFFIX;
use portlab_stats::record::{Cell, Pinning, Together};
use portlab_sys::machine::keep_to;

use crate::{
    Experiment, Server, ServerError, Surroundings,
    experiment::{self, Entrant, Part},
    running::Mark,
};

impl Experiment {
    /// Starts the server of `cell` in a fresh process, on the server's processors. A model also gets the
    /// options `more`.
    pub(crate) fn start(
        &self,
        part: &Part,
        entrant: &Entrant,
        cell: &Cell,
        (mark, more): (&Mark, &[String]),
        interrupted: &dyn Fn() -> bool,
    ) -> Result<Server, ServerError> {
        let (name, value) = mark.variable();
        let surroundings = Surroundings {
            cpus: self.server_cpus(part),
            variables: vec![(name.to_owned(), value.to_owned())],
            start_timeout: Some(self.start_timeout),
            held: mark.held(),
        };
        match &entrant.server {
            experiment::Server::Foreign(words) => {
                Server::foreign(&surroundings, words, interrupted)
            }
            experiment::Server::Ours(sheet) | experiment::Server::Control(sheet) => {
                let suffix = if entrant.is_control() { SUFFIX } else { "" };
                let mut options = vec![
                    format!("--model={}{suffix}", sheet.name),
                    format!("--service={}", part.service()),
                    format!("--work={}", part.work),
                ];
                if let Some(workers) = cell.point.workers_asked {
                    options.push(format!("--workers={workers}"));
                }
                if let Some(threads) = self.runtime_threads {
                    options.push(format!("--runtime-threads={threads}"));
                }
                options.extend_from_slice(more);
                let build = entrant.build.as_ref();
                let program = build.map_or(&self.program, |build| &build.program);
                Server::start_in(&surroundings, program, options)
            }
        }
    }
}

/// Keeps the calling thread, and those that it starts, to the generator's processors.
pub(crate) fn keep_generator_apart(pinning: &Pinning) {
    if let Pinning::Apart { generator_cpus, .. } = pinning {
        // `pin` has tried whether the system allows it.
        let _ = keep_to(generator_cpus);
    }
}

/// Divides the processors between server and generator, if there are at least two and the system allows
/// it.
pub fn pin() -> Pinning {
    let halves = match portlab_sys::machine::halves() {
        Ok(Some(halves)) => halves,
        Ok(None) => return Pinning::Together(Together::OneCore),
        Err(error) => return Pinning::Together(Together::Refused(error.to_string())),
    };
    let (server_cpus, generator_cpus) = (halves.first, halves.second);
    let tried = std::thread::scope(|scope| {
        let cpus = &generator_cpus;
        let trial = scope.spawn(move || keep_to(cpus));
        trial.join().expect("it doesn't panic")
    });
    match tried {
        Ok(()) => Pinning::Apart {
            server_cpus,
            generator_cpus,
        },
        Err(error) => Pinning::Together(Together::Refused(error.to_string())),
    }
}
