//! What is to be measured.

use std::{borrow::Cow, path::PathBuf, sync::Arc, time::Duration};

use portlab_backends::{Asked, Backend, Serves, Sheet, find, textbook::SUFFIX};
use portlab_load::ChatEncoding;
use portlab_stats::record::{self, Cell, Kind, NotRun, Pinning, Point, Setup};

use crate::{
    Build,
    workloads::{Load, Workload},
};

/// A comparison to be made: every entrant at every point of every workload, round after round.
#[derive(Clone, Debug)]
pub struct Experiment {
    /// The program whose `serve` is measured.
    pub program: PathBuf,
    /// What is the same for every cell.
    pub setup: Setup,
    /// The entrants, in the order in which they are shown.
    pub entrants: Vec<Entrant>,
    /// The workloads, in the order in which they are shown.
    pub parts: Vec<Part>,
    /// Threads of an async runtime; otherwise one for each processor.
    pub runtime_threads: Option<usize>,
    /// The processors of server and generator.
    pub pinning: Pinning,
    /// How long a foreign server may take until it listens.
    pub start_timeout: Duration,
}

/// How long a foreign server may take until it listens, by default.
pub const START_TIMEOUT: Duration = crate::server::START;

/// A server under its name in a comparison.
#[derive(Clone, Debug)]
pub struct Entrant {
    /// The name in the table.
    pub name: String,
    /// The server that is started under that name.
    pub server: Server,
    /// The kind of entrant, for the record.
    pub kind: Kind,
    /// The other build that serves a model; `None` for this one.
    pub build: Option<Arc<Build>>,
}

/// A server that takes part.
#[derive(Clone, Debug)]
pub enum Server {
    /// A model, with its sheet.
    Ours(&'static Sheet),
    /// A model's textbook twin, with the model's sheet.
    Control(&'static Sheet),
    /// Any program; `{port}` in its words stands for the port, and `{root}` for the folder of the files to serve.
    Foreign(Vec<String>),
}

/// A workload as it is to be measured.
#[derive(Clone, Debug)]
pub struct Part {
    /// The workload.
    pub workload: &'static Workload,
    /// The work that a handler does for each message, as `serve --work` takes it.
    pub work: String,
    /// How long that work takes.
    pub work_time: Duration,
    /// Messages in flight on each connection; in a chat, under way in all rooms together.
    pub depth: usize,
    /// How many rooms the members of a chat are in.
    pub rooms: usize,
    /// The encodings of its members, in turn.
    pub encodings: Vec<ChatEncoding>,
    /// How long one measurement takes.
    pub duration: Duration,
    /// How long a server is loaded before it is measured.
    pub warmup: Duration,
    /// The points at which the workload is measured.
    pub points: Vec<Point>,
}

/// Stands for the folder of the files to serve in the command of a foreign server.
pub const ROOT: &str = "{root}";

/// The suffix of a twin's name.
pub const TWIN_SUFFIX: &str = "-again";
/// The suffix of a model's name when another build serves it.
pub const BUILD_SUFFIX: &str = "-other";

impl Entrant {
    /// A model under its own name.
    pub fn ours(model: &'static dyn Backend) -> Self {
        let sheet = model.sheet();
        Self::new(sheet.name.to_owned(), Kind::Model, Server::Ours(sheet))
    }

    /// The textbook twin of a model.
    pub fn control(sheet: &'static Sheet) -> Self {
        let name = format!("{}{SUFFIX}", sheet.name);
        Self::new(name, Kind::Control, Server::Control(sheet))
    }

    /// A foreign server.
    pub fn foreign(name: &str, words: Vec<String>) -> Self {
        let command = quoted(words.iter().map(String::as_str));
        let kind = Kind::Foreign { command };
        Self::new(name.to_owned(), kind, Server::Foreign(words))
    }

    fn new(name: String, kind: Kind, server: Server) -> Self {
        Self {
            name,
            server,
            kind,
            build: None,
        }
    }

    /// The same server under a second name.
    pub fn twin(&self) -> Self {
        Self {
            name: format!("{}{TWIN_SUFFIX}", self.name),
            kind: Kind::Twin {
                of: self.name.clone(),
            },
            ..self.clone()
        }
    }

    /// The same model of another build.
    pub fn of_build(&self, build: &Arc<Build>) -> Self {
        Self {
            name: format!("{}{BUILD_SUFFIX}", self.name),
            kind: Kind::Build {
                of: self.name.clone(),
                program: build.program.display().to_string(),
                version: build.version.clone(),
            },
            build: Some(Arc::clone(build)),
            ..self.clone()
        }
    }

    /// The sheet of the model; a textbook twin has the sheet of its model. `None` for a foreign server.
    pub fn sheet(&self) -> Option<&'static Sheet> {
        match self.server {
            Server::Ours(sheet) | Server::Control(sheet) => Some(sheet),
            Server::Foreign(_) => None,
        }
    }

    /// Whether the server is another program, which may leave processes behind.
    pub(crate) fn is_external(&self) -> bool {
        self.build.is_some() || matches!(self.server, Server::Foreign(_))
    }

    /// Whether it is a foreign server that takes the folder of the files to serve.
    pub fn serves_files(&self) -> bool {
        match &self.server {
            Server::Foreign(words) => words.iter().any(|word| word.contains(ROOT)),
            Server::Ours(_) | Server::Control(_) => false,
        }
    }

    /// Whether it is a model's textbook twin.
    pub fn is_control(&self) -> bool {
        matches!(self.server, Server::Control(_))
    }

    fn record(&self) -> record::Entrant {
        let sheet = self.sheet().filter(|_| !self.is_control());
        record::Entrant {
            name: self.name.clone(),
            kind: self.kind.clone(),
            sheet: sheet.map(Sheet::facts),
        }
    }
}

impl Part {
    /// A part for tests: one connection, and files or messages of these `sizes`.
    #[cfg(test)]
    pub(crate) fn of(workload: &'static Workload, sizes: &[usize]) -> Self {
        let point = |&size_bytes: &usize| Point {
            connections: 1,
            size_bytes,
            workers_asked: None,
            rate: None,
        };
        Self {
            workload,
            work: "none".into(),
            work_time: Duration::ZERO,
            depth: 1,
            rooms: 1,
            encodings: Vec::new(),
            duration: Duration::from_millis(workload.duration_ms),
            warmup: Duration::ZERO,
            points: sizes.iter().map(point).collect(),
        }
    }

    /// The same part with another duration and another warm-up.
    pub(crate) fn lasting(&self, duration: Duration, warmup: Duration) -> Self {
        Self {
            duration,
            warmup,
            ..self.clone()
        }
    }

    /// How many connections a server holds at `point`.
    pub(crate) fn held(&self, point: &Point) -> usize {
        point.connections + self.workload.active.unwrap_or(0)
    }

    /// What is served.
    pub fn service(&self) -> &'static str {
        match self.workload.load {
            Load::Echo(_) => "echo",
            Load::Chat => "chat",
            Load::Http(_) => "http",
        }
    }

    fn record(&self, server_on_all_cpus: bool) -> record::Workload {
        let Workload {
            name, title, asks, ..
        } = *self.workload;
        let is_chat = matches!(self.workload.load, Load::Chat);
        record::Workload {
            name: name.to_owned(),
            title: title.clone(),
            asks: asks.clone(),
            service: self.service().to_owned(),
            counts: self.workload.counts,
            ranked_by: self.workload.ranked_by,
            work: self.work.clone(),
            depth: self.depth,
            rooms: is_chat.then_some(self.rooms),
            active_connections: self.workload.active,
            heavy_depth: self.workload.heavy_depth,
            server_on_all_cpus,
            duration_ms: millis(self.duration),
            warmup_ms: millis(self.warmup),
        }
    }
}

impl Experiment {
    /// The cells, in the order in which they are shown. A cell that can't be run has the reason.
    pub fn cells(&self) -> Vec<Cell> {
        let mut cells = Vec::new();
        for part in &self.parts {
            let cores = match self.server_cpus(part).len() {
                0 => std::thread::available_parallelism().map_or(1, usize::from),
                cores => cores,
            };
            for &point in &part.points {
                for entrant in &self.entrants {
                    let asked = Asked {
                        workers: point.workers_asked,
                        runtime_threads: self.runtime_threads,
                    };
                    let sheet = entrant.sheet();
                    let workers = sheet.map_or(0, |sheet| sheet.workers(asked, cores));
                    cells.push(Cell {
                        workload: part.workload.name.to_owned(),
                        model: entrant.name.clone(),
                        point,
                        workers,
                        not_run: reason_not_to_run(part, entrant, workers, part.held(&point)),
                        best_per_s: None,
                        rounds: Vec::new(),
                        failures: Vec::new(),
                        latencies: record::Histogram::default(),
                    });
                }
            }
        }
        cells
    }

    /// The order in which round `round` measures `cells`, as places in that list. Cells that are compared
    /// are measured one after the other, in random order, so that no model always follows the same one and
    /// changes of the machine affect all alike.
    pub fn order(&self, cells: &[Cell], round: usize) -> Vec<usize> {
        let mut random = fastrand::Rng::with_seed(self.setup.seed.wrapping_add(round as u64));
        let mut groups: Vec<Vec<usize>> = Vec::new();
        for (place, cell) in cells.iter().enumerate() {
            if cell.not_run.is_some() {
                continue;
            }
            let together = |group: &&mut Vec<usize>| cells[group[0]].is_beside(cell);
            match groups.iter_mut().find(together) {
                Some(group) => group.push(place),
                None => groups.push(vec![place]),
            }
        }
        random.shuffle(&mut groups);
        for group in &mut groups {
            random.shuffle(group);
        }
        groups.concat()
    }

    /// The seed of what is random in the load of round `round`, such as Poisson arrivals: the same for all
    /// entrants, so that they are compared at the same arrivals, and another in each round, so that no
    /// figure depends on one sequence of arrivals.
    pub(crate) fn load_seed(&self, round: usize) -> u64 {
        // Far apart, because the threads of a load take the following seeds.
        fastrand::Rng::with_seed(self.setup.seed.wrapping_add(round as u64)).u64(..)
    }

    /// The entrants for the record.
    pub fn entrants(&self) -> Vec<record::Entrant> {
        self.entrants.iter().map(Entrant::record).collect()
    }

    /// The workloads for the record.
    pub fn workloads(&self) -> Vec<record::Workload> {
        let is_apart = matches!(self.pinning, Pinning::Apart { .. });
        let record = |part: &Part| part.record(is_apart && part.workload.server_on_all_cpus);
        self.parts.iter().map(record).collect()
    }

    /// The processors that a server of `part` is kept to; empty if it isn't.
    pub(crate) fn server_cpus(&self, part: &Part) -> Vec<usize> {
        match &self.pinning {
            Pinning::Together(_) => Vec::new(),
            Pinning::Apart {
                server_cpus,
                generator_cpus,
            } if part.workload.server_on_all_cpus => {
                let mut all = [&server_cpus[..], generator_cpus].concat();
                all.sort_unstable();
                all
            }
            Pinning::Apart { server_cpus, .. } => server_cpus.clone(),
        }
    }

    /// The workload and the entrant of a cell.
    ///
    /// # Panics
    /// If the cell doesn't belong to this experiment.
    pub(crate) fn of(&self, cell: &Cell) -> (&Part, &Entrant) {
        let mut parts = self.parts.iter();
        let part = parts.find(|part| part.workload.name == cell.workload);
        let entrant = self.entrants.iter().find(|it| it.name == cell.model);
        part.zip(entrant).expect("the cell is of this experiment")
    }
}

/// Why the cell can't be run. A chat needs a hub, which its members share. If a pool serves fewer
/// connections at a time than the load has, some are never served, unless connections are short.
fn reason_not_to_run(
    part: &Part,
    entrant: &Entrant,
    workers: usize,
    connections: usize,
) -> Option<NotRun> {
    let (is_chat, is_echo) = match part.workload.load {
        Load::Echo(_) => (false, true),
        Load::Chat => (true, false),
        Load::Http(_) => (false, false),
    };
    let Some(sheet) = entrant.sheet() else {
        return match (is_chat, is_echo, entrant.serves_files()) {
            (true, ..) => Some(NotRun::ForeignChat),
            (_, true, true) => Some(NotRun::ForeignFiles),
            (_, false, false) => Some(NotRun::ForeignRoot),
            _ => None,
        };
    };
    if sheet.obstacle().is_some() {
        return Some(NotRun::NoUring);
    }
    if is_chat && sheet.hub.is_err() {
        return Some(NotRun::NoHub);
    }
    if entrant.is_control() && (!is_echo || part.work != "none") {
        return Some(NotRun::ControlChat);
    }
    if part.workload.counts == record::Counts::Connections {
        return None;
    }
    let too_small = |most: &usize| *most < connections;
    if let Some(most) = sheet.most_processes().filter(too_small) {
        return Some(NotRun::MostProcesses(most));
    }
    if let Some(capacity) = sheet.capacity(workers).filter(too_small) {
        return Some(match sheet.serves {
            Serves::One => NotRun::ServesOne,
            _ => NotRun::ServesFewer(capacity),
        });
    }
    let most = find(sheet.name).and_then(Backend::most_connections);
    most.filter(too_small).map(NotRun::FewStacks)
}

/// A command, quoted for a shell.
pub fn quoted<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    // Only a zero byte can't be quoted, and an argument can't contain a zero byte.
    let quoted = |word: &'a str| shlex::try_quote(word).map_or(word.into(), |word| word);
    words
        .into_iter()
        .map(quoted)
        .collect::<Vec<Cow<str>>>()
        .join(" ")
}

/// A seed that is different each time, short enough to be typed again.
pub fn random_seed() -> u32 {
    fastrand::u32(..1_000_000)
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use portlab_backends::{MODELS, MOST_PROCESSES};
    use portlab_load::Pace;

    use super::*;
    use crate::workloads;

    fn experiment(workload: &str, connections: &[usize], workers: Option<usize>) -> Experiment {
        let mut part = Part::of(workloads::find(workload).unwrap(), &[]);
        let point = |&connections: &usize| Point {
            connections,
            size_bytes: 64,
            workers_asked: workers,
            rate: None,
        };
        part.points = connections.iter().map(point).collect();
        Experiment {
            program: PathBuf::new(),
            setup: Setup {
                suite: None,
                rounds: 3,
                load_threads: 1,
                seed: 7,
                baseline: None,
            },
            entrants: MODELS.iter().map(|model| Entrant::ours(*model)).collect(),
            parts: vec![part],
            runtime_threads: None,
            pinning: Pinning::default(),
            start_timeout: START_TIMEOUT,
        }
    }

    fn reason(experiment: &Experiment, model: &str) -> Option<NotRun> {
        let mut cells = experiment.cells().into_iter();
        cells.find(|cell| cell.model == model).unwrap().not_run
    }

    #[test]
    fn a_pool_runs_only_if_it_has_enough_workers() {
        let many = experiment("echo", &[100], None);
        assert_eq!(reason(&many, "prefork"), Some(NotRun::ServesFewer(16)));
        assert_eq!(reason(&many, "iterative"), Some(NotRun::ServesOne));
        assert_eq!(reason(&many, "threads"), None);
        assert_eq!(reason(&experiment("echo", &[10], None), "prefork"), None);
        let more = experiment("echo", &[100], Some(100));
        assert_eq!(reason(&more, "prefork"), None);
        assert_eq!(reason(&more, "pool"), None);
        assert!(reason(&more, "iterative").is_some());
    }

    #[test]
    fn active_connections_are_served_beside_the_idle_ones() {
        let crowd = experiment("crowd", &[10], None);
        assert_eq!(reason(&crowd, "prefork"), Some(NotRun::ServesFewer(16)));
        let more = experiment("crowd", &[10], Some(20));
        assert_eq!(reason(&more, "prefork"), None);
        let plans = more.parts[0].plans(
            ([127, 0, 0, 1], 1).into(),
            &more.parts[0].points[0],
            1,
            None,
        );
        let connections = plans.iter().map(|plan| (plan.connections, plan.pace));
        let expected = [(10, Pace::Closed), (10, Pace::Idle)];
        assert_eq!(connections.collect::<Vec<_>>(), expected);
    }

    #[test]
    fn a_model_with_a_process_for_each_connection_runs_up_to_its_limit() {
        let few = experiment("idle", &[MOST_PROCESSES], None);
        assert_eq!(reason(&few, "fork"), None);
        let many = experiment("idle", &[MOST_PROCESSES + 1], None);
        let expected = Some(NotRun::MostProcesses(MOST_PROCESSES));
        assert_eq!(reason(&many, "fork"), expected);
        assert_eq!(reason(&many, "threads"), None);
    }

    #[test]
    fn one_connection_of_a_skewed_load_has_many_requests_in_flight() {
        let skew = experiment("skew", &[100], None);
        let part = &skew.parts[0];
        let plans = part.plans(([127, 0, 0, 1], 1).into(), &part.points[0], 1, None);
        let loads = plans.iter().map(|plan| (plan.connections, plan.depth));
        let heavy = part.workload.heavy_depth.unwrap();
        assert_eq!(loads.collect::<Vec<_>>(), [(99, 1), (1, heavy)]);
        assert!(heavy >= 100);
    }

    #[test]
    fn a_server_of_one_at_a_time_serves_short_connections_too() {
        let churn = experiment("churn", &[10], None);
        assert!(churn.cells().iter().all(|cell| cell.not_run.is_none()));
    }

    #[test]
    fn a_model_without_a_hub_does_not_run_a_chat() {
        let experiment = experiment("chat", &[10], None);
        for cell in experiment.cells() {
            let sheet = portlab_backends::find(&cell.model).unwrap().sheet();
            let too_small = sheet.capacity(cell.workers).is_some_and(|most| most < 10);
            match sheet.hub {
                Err(_) => assert_eq!(cell.not_run, Some(NotRun::NoHub)),
                Ok(_) => assert_eq!(cell.not_run.is_some(), too_small, "{cell:?}"),
            }
        }
    }

    #[test]
    fn a_foreign_server_runs_where_it_is_asked_for_what_it_serves() {
        for (workload, command, expected) in [
            ("echo", "x {port}", None),
            ("echo", "x {port} {root}/", Some(NotRun::ForeignFiles)),
            ("http", "x {port}", Some(NotRun::ForeignRoot)),
            ("http-close", "x {port} --root={root}", None),
            ("chat", "x {port}", Some(NotRun::ForeignChat)),
        ] {
            let mut experiment = experiment(workload, &[10], None);
            let words = command.split(' ').map(str::to_owned).collect();
            experiment.entrants.push(Entrant::foreign("x", words));
            assert_eq!(reason(&experiment, "x"), expected, "{workload} {command}");
            let twin = Entrant::control(portlab_backends::find("threads").unwrap().sheet());
            experiment.entrants.push(twin);
            let expected = (workload != "echo").then_some(NotRun::ControlChat);
            assert_eq!(reason(&experiment, "threads-textbook"), expected);
        }
    }

    #[test]
    fn a_chat_with_fewer_than_two_in_a_room_is_refused() {
        let mut experiment = experiment("chat", &[10, 5], None);
        experiment.parts[0].rooms = 3;
        let error = experiment.check().unwrap_err().to_string();
        assert!(error.contains("(5 for 3)"), "{error}");
    }

    #[test]
    fn every_round_measures_every_runnable_cell_once_and_keeps_compared_cells_together() {
        let experiment = experiment("echo", &[1, 10, 100], None);
        let cells = experiment.cells();
        let order = |round| experiment.order(&cells, round);
        let mut sorted = order(1);
        sorted.sort_unstable();
        let runnable = (0..cells.len()).filter(|&place| cells[place].not_run.is_none());
        assert_eq!(sorted, runnable.collect::<Vec<_>>());
        assert_ne!(order(1), order(2));
        assert_eq!(order(1), order(1));
        let points = order(1)
            .into_iter()
            .map(|place| cells[place].point.connections);
        let mut points: Vec<_> = points.collect();
        points.dedup();
        assert_eq!(points.len(), 3, "{points:?}");
    }

    #[test]
    fn in_workloads_about_processors_the_server_and_its_pool_use_all_of_them() {
        let workers = |name: &str, pinning: Pinning| {
            let mut experiment = experiment(name, &[10], None);
            experiment.pinning = pinning;
            let [record] = &experiment.workloads()[..] else {
                panic!("there is one workload")
            };
            let mut cells = experiment.cells().into_iter();
            let pool = cells.find(|cell| cell.model == "loop-pool").unwrap();
            let cpus = experiment.server_cpus(&experiment.parts[0]);
            (cpus, pool.workers, record.server_on_all_cpus)
        };
        let apart = Pinning::Apart {
            server_cpus: vec![0],
            generator_cpus: vec![1],
        };
        assert_eq!(workers("echo", apart.clone()), (vec![0], 1, false));
        for name in ["cpu", "block"] {
            assert_eq!(workers(name, apart.clone()), (vec![0, 1], 2, true));
            let (cpus, _, on_all) = workers(name, Pinning::default());
            assert_eq!((cpus, on_all), (Vec::new(), false), "nothing is pinned");
        }
    }

    #[test]
    fn arrivals_differ_between_rounds_and_are_the_same_in_a_repeated_comparison() {
        let experiment = experiment("rate", &[10], None);
        assert_eq!(experiment.load_seed(1), experiment.load_seed(1));
        let seeds = (0..100).map(|round| experiment.load_seed(round) >> 8);
        let different: std::collections::HashSet<u64> = seeds.collect();
        assert_eq!(different.len(), 100);
    }

    #[test]
    fn a_twin_is_the_same_server_under_a_second_name() {
        let mut experiment = experiment("echo", &[1], None);
        let twin = experiment.entrants[0].twin();
        assert_eq!(twin.name, "iterative-again");
        experiment.entrants.push(twin);
        let record = experiment.entrants();
        let of = "iterative".to_owned();
        assert_eq!(record.last().unwrap().kind, Kind::Twin { of });
    }
}
