//! Starting the server of a cell.

use portlab_backends::textbook::SUFFIX;
use portlab_stats::record::{Cell, Pinning, Together};
use portlab_sys::machine::keep_to;
use portlab_words::{Text, tr};

use crate::{
    error::ServerError,
    experiment::{self, Entrant, Experiment, Part},
    running::{Mark, Running},
    server::{STOPPING, Server, Surroundings},
    workloads::Load,
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
        let root = matches!(part.workload.load, Load::Http(_)).then(|| mark.root());
        match &entrant.server {
            experiment::Server::Foreign(words) => {
                Server::foreign(&surroundings, words, root.as_deref(), interrupted)
            }
            experiment::Server::Ours(sheet) | experiment::Server::Control(sheet) => {
                let suffix = if entrant.is_control() { SUFFIX } else { "" };
                let mut options = vec![
                    format!("--model={}{suffix}", sheet.name),
                    format!("--service={}", part.service()),
                    format!("--work={}", part.work),
                ];
                if let Some(root) = root {
                    options.push(format!("--root={}", root.display()));
                }
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

    /// Starts each model of another build once, with the options of its measurements, and stops it. So a
    /// build that can't serve a model fails before anything is measured.
    ///
    /// # Errors
    /// If a model doesn't begin to listen, or doesn't stop.
    pub fn try_builds(&self, cells: &[Cell], running: &Running) -> Result<(), Text> {
        let mut tried: Vec<(&str, &str)> = Vec::new();
        for cell in cells.iter().filter(|cell| cell.not_run.is_none()) {
            let (part, entrant) = self.of(cell);
            let Some(build) = &entrant.build else {
                continue;
            };
            let this = (cell.workload.as_str(), cell.model.as_str());
            if tried.contains(&this) {
                continue;
            }
            tried.push(this);
            let server = self.start(part, entrant, cell, (&running.mark, &[]), &|| false);
            let stopped = server.and_then(|server| server.stop(STOPPING));
            stopped.map_err(|error| {
                let (program, version) = (build.program.display(), &build.version);
                let model = entrant.sheet().map_or(&*entrant.name, |sheet| sheet.name);
                tr!(
                    "{program}, portlab {version}, can't serve {model}: {error}; leave the model or the option out",
                    "{program}（portlab {version}）不能运行 {model}：{error:#}；请去掉这个模型或选项"
                )
            })?;
        }
        Ok(())
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
        trial.join().expect("keep_to doesn't panic")
    });
    match tried {
        Ok(()) => Pinning::Apart {
            server_cpus,
            generator_cpus,
        },
        Err(error) => Pinning::Together(Together::Refused(error.to_string())),
    }
}
