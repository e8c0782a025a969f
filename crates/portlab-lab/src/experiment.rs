//! What is to be measured.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use portlab_backends::{Backend, Capacity, Sheet};
use portlab_load::{Plan, PlanError, Script};
use portlab_stats::record::{Cell, Setup};

/// A comparison to be made: every model at every number of connections, round after round.
#[derive(Clone, Debug)]
pub struct Experiment {
    /// The program whose `serve` is measured.
    pub program: PathBuf,
    /// The models, in the order in which they are shown.
    pub models: Vec<Model>,
    /// The numbers of connections.
    pub connections: Vec<usize>,
    /// How many workers the models have; their own default unless told.
    pub workers: Option<usize>,
    /// The work that a handler does for each message.
    pub work: String,
    /// How long that work takes.
    pub work_time: Duration,
    /// The length of a message.
    pub size: usize,
    /// Messages in flight on each connection.
    pub depth: usize,
    /// Threads that generate load.
    pub load_threads: usize,
    /// How often each cell is measured.
    pub rounds: usize,
    /// How long each measurement takes.
    pub duration: Duration,
    /// How long a server is loaded before.
    pub warmup: Duration,
    /// The seed of the order within each round.
    pub seed: u64,
}

/// A model that takes part, known by its sheet.
pub type Model = &'static Sheet;

impl Experiment {
    /// The cells, in the order in which they are shown. Those that can't be run say why.
    #[must_use]
    pub fn cells(&self) -> Vec<Cell> {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let mut cells = Vec::new();
        for &connections in &self.connections {
            for &model in &self.models {
                let workers = model.workers(self.workers, cores);
                cells.push(Cell {
                    model: model.name.to_owned(),
                    connections,
                    workers,
                    not_run: reason_not_to_run(model, workers, connections),
                    rounds: Vec::new(),
                    failures: Vec::new(),
                });
            }
        }
        cells
    }

    /// The order in which round `round` measures `cells`: places in that list, shuffled, so that no
    /// model always follows the same other, or always meets the machine's same mood.
    #[must_use]
    pub fn order(&self, cells: &[Cell], round: usize) -> Vec<usize> {
        let runnable = |&place: &usize| cells[place].not_run.is_none();
        let mut order: Vec<usize> = (0..cells.len()).filter(runnable).collect();
        fastrand::Rng::with_seed(self.seed.wrapping_add(round as u64)).shuffle(&mut order);
        order
    }

    /// What the record says of the experiment.
    #[must_use]
    pub fn setup(&self) -> Setup {
        Setup {
            service: "echo".to_owned(),
            work: self.work.clone(),
            size_bytes: self.size,
            depth: self.depth,
            load_threads: self.load_threads,
            rounds: self.rounds,
            duration_ms: millis(self.duration),
            warmup_ms: millis(self.warmup),
            seed: self.seed,
        }
    }

    /// The options that `serve` is given for `cell`.
    pub(crate) fn serve_options(&self, cell: &Cell) -> Vec<String> {
        let mut options = vec![
            format!("--model={}", cell.model),
            format!("--work={}", self.work),
        ];
        if let Some(workers) = self.workers {
            options.push(format!("--workers={workers}"));
        }
        options
    }
}

/// A pool that serves fewer connections at once than there are would leave the others waiting in
/// silence, for as long as the first ones talk: that is no measurement.
fn reason_not_to_run(model: Model, workers: usize, connections: usize) -> Option<String> {
    let capacity = model
        .capacity(workers)
        .filter(|&capacity| capacity < connections)?;
    Some(match model.serves {
        Capacity::One => "serves one connection at a time".to_owned(),
        _ => format!("serves {capacity} at a time; --workers {connections} for more"),
    })
}

/// A seed that is different each time, short enough to be typed again.
#[must_use]
pub fn random_seed() -> u32 {
    fastrand::u32(..1_000_000)
}

impl Experiment {
    /// Checks what can be known before the first server is started.
    ///
    /// # Errors
    /// When a number is zero, or there are too few file descriptors for the most connections.
    pub fn check(&self) -> Result<(), PlanError> {
        let plan = Plan {
            connections: self.connections.iter().copied().max().unwrap_or(0),
            threads: self.load_threads,
            depth: self.depth,
            script: Script::echo(self.size),
            ..Plan::new(SocketAddr::from(([127, 0, 0, 1], 1)))
        };
        plan.check()
    }

    /// Takes the models from the table they stand in.
    pub fn sheets<'a>(models: impl IntoIterator<Item = &'a &'static dyn Backend>) -> Vec<Model> {
        models.into_iter().map(|model| model.sheet()).collect()
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use portlab_backends::MODELS;

    use super::*;

    fn experiment() -> Experiment {
        Experiment {
            program: PathBuf::new(),
            models: Experiment::sheets(MODELS),
            connections: vec![1, 10, 100],
            workers: None,
            work: "none".into(),
            work_time: Duration::ZERO,
            size: 64,
            depth: 1,
            load_threads: 1,
            rounds: 3,
            duration: Duration::from_millis(500),
            warmup: Duration::from_millis(100),
            seed: 7,
        }
    }

    #[test]
    fn a_pool_with_too_few_workers_says_so_and_one_with_enough_runs() {
        let mut experiment = experiment();
        let reason = |experiment: &Experiment, model: &str, connections: usize| {
            let mut cells = experiment.cells().into_iter();
            let cell = cells.find(|cell| cell.model == model && cell.connections == connections);
            cell.unwrap().not_run
        };
        assert!(
            reason(&experiment, "prefork", 100)
                .unwrap()
                .contains("--workers 100")
        );
        assert_eq!(reason(&experiment, "prefork", 10), None);
        assert!(reason(&experiment, "iterative", 10).is_some());
        assert_eq!(reason(&experiment, "threads", 100), None);
        experiment.workers = Some(100);
        assert_eq!(reason(&experiment, "prefork", 100), None);
        assert_eq!(reason(&experiment, "pool", 100), None);
        assert!(reason(&experiment, "iterative", 10).is_some());
    }

    #[test]
    fn every_round_measures_every_runnable_cell_once_in_an_order_of_its_own() {
        let experiment = experiment();
        let cells = experiment.cells();
        let sorted = |round| {
            let mut order = experiment.order(&cells, round);
            order.sort_unstable();
            order
        };
        assert_eq!(sorted(1), sorted(2));
        assert!(
            sorted(1)
                .iter()
                .all(|&place| cells[place].not_run.is_none())
        );
        assert_ne!(experiment.order(&cells, 1), experiment.order(&cells, 2));
        assert_eq!(experiment.order(&cells, 1), experiment.order(&cells, 1));
    }
}
