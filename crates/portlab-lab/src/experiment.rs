//! What is to be measured.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use portlab_backends::{Backend, Capacity, Sheet};
use portlab_load::{ChatPlan, Pace, Plan, PlanError, Script, Stop, Tongue};
use portlab_stats::record::{Cell, Setup};

/// A comparison to be made: every model at every number of connections, round after round.
#[derive(Clone, Debug)]
pub struct Experiment {
    /// The program whose `serve` is measured.
    pub program: PathBuf,
    /// What is served.
    pub service: Service,
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
    /// Messages in flight on each connection; in a chat, under way in all rooms together.
    pub depth: usize,
    /// Threads that generate load; a chat has one.
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

/// What is served, and so how it is loaded.
#[derive(Clone, Debug)]
pub enum Service {
    /// An echo.
    Echo,
    /// A chat, in which every connection is a member.
    Chat {
        /// How many rooms the members are in.
        rooms: usize,
        /// What they speak, in turn.
        tongues: Vec<Tongue>,
    },
}

impl Service {
    /// Its name, as `serve --service` takes it.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Echo => "echo",
            Self::Chat { .. } => "chat",
        }
    }
}

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
                    not_run: self.reason_not_to_run(model, workers, connections),
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
            service: self.service.name().to_owned(),
            rooms: match self.service {
                Service::Echo => None,
                Service::Chat { rooms, .. } => Some(rooms),
            },
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
            format!("--service={}", self.service.name()),
            format!("--work={}", self.work),
        ];
        if let Some(workers) = self.workers {
            options.push(format!("--workers={workers}"));
        }
        options
    }

    /// A chat needs a place for what its members share. A pool that serves fewer connections at once
    /// than there are would leave the others waiting in silence, for as long as the first ones talk:
    /// that is no measurement.
    fn reason_not_to_run(
        &self,
        model: Model,
        workers: usize,
        connections: usize,
    ) -> Option<String> {
        if let (Service::Chat { .. }, Err(why)) = (&self.service, model.hub) {
            return Some(why.to_owned());
        }
        let capacity = model
            .capacity(workers)
            .filter(|&capacity| capacity < connections)?;
        Some(match model.serves {
            Capacity::One => "serves one connection at a time".to_owned(),
            _ => format!("serves {capacity} at a time; --workers {connections} for more"),
        })
    }
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
    /// When a number is zero, there are too few file descriptors for the most connections, or too few
    /// members for a chat's rooms.
    pub fn check(&self) -> Result<(), PlanError> {
        let plan = Plan {
            connections: self.connections.iter().copied().max().unwrap_or(0),
            threads: self.load_threads,
            depth: self.depth,
            script: Script::echo(self.size),
            ..Plan::new(SocketAddr::from(([127, 0, 0, 1], 1)))
        };
        plan.check()?;
        if let Service::Chat { rooms, tongues } = &self.service {
            let target = plan.target;
            for &members in &self.connections {
                self.chat_plan(target, (members, *rooms), tongues).check()?;
            }
        }
        Ok(())
    }

    /// A load of the chat at `target`.
    pub(crate) fn chat_plan(
        &self,
        target: SocketAddr,
        (members, rooms): (usize, usize),
        tongues: &[Tongue],
    ) -> ChatPlan {
        ChatPlan {
            target,
            members,
            rooms,
            pace: Pace::Closed,
            depth: self.depth,
            tongues: tongues.to_vec(),
            warmup: self.warmup,
            stop: Stop::after(self.duration),
            timeout: self.timeout(),
            seed: self.seed,
            interval: Duration::from_secs(1),
        }
    }

    /// How long an answer may take. A message longer than any one read takes several, and so several
    /// times the work.
    pub(crate) fn timeout(&self) -> Duration {
        TIMEOUT + self.work_time * 4
    }

    /// Takes the models from the table they stand in.
    pub fn sheets<'a>(models: impl IntoIterator<Item = &'a &'static dyn Backend>) -> Vec<Model> {
        models.into_iter().map(|model| model.sheet()).collect()
    }
}

/// How long an answer may take beside the work that was ordered: far longer than any that is worth
/// measuring.
const TIMEOUT: Duration = Duration::from_secs(5);

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
            service: Service::Echo,
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
    fn in_a_chat_who_has_no_place_for_its_rooms_says_so() {
        let (rooms, tongues) = (1, Vec::new());
        let experiment = Experiment {
            service: Service::Chat { rooms, tongues },
            connections: vec![10],
            ..experiment()
        };
        for cell in experiment.cells() {
            let sheet = portlab_backends::find(&cell.model).unwrap().sheet();
            let too_small = sheet.capacity(cell.workers).is_some_and(|most| most < 10);
            match sheet.hub {
                Err(why) => assert_eq!(cell.not_run.as_deref(), Some(why)),
                Ok(_) => assert_eq!(cell.not_run.is_some(), too_small, "{cell:?}"),
            }
        }
    }

    #[test]
    fn a_chat_with_fewer_than_two_in_a_room_is_refused() {
        let (rooms, tongues) = (3, Vec::new());
        let experiment = Experiment {
            service: Service::Chat { rooms, tongues },
            connections: vec![10, 5],
            ..experiment()
        };
        let (members, rooms) = (5, 3);
        assert_eq!(
            experiment.check(),
            Err(PlanError::Lonely { members, rooms })
        );
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
