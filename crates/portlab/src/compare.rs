//! `portlab compare`: the models side by side.

use std::{
    io::Write,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use portlab_backends::{Backend, MODELS, by_hand, find};
use portlab_lab::{Experiment, MeasureError, Observer, Service, Store, compare};
use portlab_service::{ChatLimits, Order, TextEncoding};
use portlab_stats::{
    record::{Cell, Record},
    units,
};

use crate::{
    Verdict,
    args::{self, BAD, DIM},
    load::{interrupt_flag, tongues},
    progress::Progress,
};

/// Measure the concurrency models side by side, each in a fresh server process
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  portlab compare --quick
  portlab compare --models threads,event-loop,tasks --connections 1,100,1000
  portlab compare --work wait:5ms --workers 100
  portlab compare --controls --connections 100 --rounds 5
  portlab compare --service chat --connections 10 --depth 8 --workers 10

Ctrl-C ends it and prints what was measured so far.
Exit codes: 0 fine, 1 a measurement failed or bytes were wrong, 2 could not run.")]
pub(crate) struct Args {
    /// The models to compare [default: all]
    #[arg(
        long,
        short,
        value_name = "NAMES",
        value_delimiter = ',',
        hide_possible_values = true
    )]
    #[arg(value_parser = args::server_parser())]
    models: Vec<String>,

    /// What is served: echo; or chat, whose members all hear what one says, so
    /// that the models are compared by their fan-out
    #[arg(long, value_name = "NAME", default_value = "echo", value_parser = ["echo", "chat"])]
    #[arg(hide_possible_values = true)]
    service: String,

    /// How many rooms the members of a chat are in [default: 1]
    #[arg(long, value_name = "N", value_parser = units::count)]
    rooms: Option<u64>,

    /// The numbers of connections, in a chat of members [default: 1,10,100; in a
    /// chat 10,100]
    #[arg(long, short, value_name = "NS", value_delimiter = ',')]
    #[arg(value_parser = units::count)]
    connections: Vec<u64>,

    /// How often each cell is measured [default: 3; 2 when --quick]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    rounds: Option<u16>,

    /// How long each measurement takes [default: 500ms; 150ms when --quick]
    #[arg(long, short, value_name = "TIME", value_parser = units::duration)]
    duration: Option<Duration>,

    /// How long a server is loaded before [default: 100ms]
    #[arg(
        long,
        value_name = "TIME",
        default_value = "100ms",
        hide_default_value = true
    )]
    #[arg(value_parser = units::duration)]
    warmup: Duration,

    /// Two short rounds: a look, not a measurement
    #[arg(long)]
    quick: bool,

    /// Measure the echoes by hand too, and say what the traits cost
    #[arg(long)]
    controls: bool,

    /// The length of a message
    #[arg(long, short, value_name = "BYTES", default_value = "64", value_parser = units::size)]
    size: usize,

    /// Messages in flight on each connection (pipelining); in a chat, under way
    /// in all rooms together
    #[arg(long, value_name = "N", default_value = "1", value_parser = units::count)]
    depth: u64,

    /// What the handler does before each answer: wait:5ms, block:5ms, cpu:200us
    #[arg(long, value_name = "WORK", default_value = "none")]
    work: Order,

    /// How many workers the pools have [default: each model's own]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    workers: Option<u16>,

    /// Threads that generate load; a chat has one [default: 1]
    #[arg(long, value_name = "N", value_parser = units::count)]
    threads: Option<u64>,

    /// The seed of the order in which cells are measured [default: random]
    #[arg(long, value_name = "N")]
    seed: Option<u32>,

    /// Where results.json is kept
    #[arg(long, value_name = "DIR", default_value = "portlab-results")]
    out: PathBuf,

    /// Print the record as JSON instead of the table
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<Verdict> {
    let experiment = experiment(args)?;
    let store = Store::open(&args.out)?;
    let command = std::env::args().collect::<Vec<_>>().join(" ");
    let mut screen = Screen::new(experiment.rounds, interrupt_flag()?);
    screen.note(&format!(
        "seed {}; results go to {}",
        experiment.seed,
        store.file().display()
    ));
    let record = compare(&experiment, &command, &store, &mut screen)?;
    screen.progress.finish();
    if !record.complete && record.cells.iter().all(|cell| cell.rounds.is_empty()) {
        screen.note("interrupted before the first measurement was made");
        return Ok(verdict(&record));
    }
    let mut out = anstream::stdout();
    if args.json {
        writeln!(out, "{}", serde_json::to_string_pretty(&record)?)?;
    } else {
        write!(
            out,
            "{}",
            portlab_report::text(&record, args::terminal_width())
        )?;
    }
    if !args.json && record.cells.iter().any(|cell| !cell.rounds.is_empty()) {
        screen.note(&format!("kept in {}", store.file().display()));
    }
    Ok(verdict(&record))
}

/// Resolves the arguments to an experiment.
fn experiment(args: &Args) -> anyhow::Result<Experiment> {
    let service = service(args)?;
    let mut models: Vec<&'static dyn Backend> = match &args.models[..] {
        [] => MODELS.to_vec(),
        names => {
            let twice = |at: usize| names[..at].contains(&names[at]);
            let once = (0..names.len()).filter(|&at| !twice(at));
            once.filter_map(|at| find(&names[at])).collect()
        }
    };
    if args.controls {
        add_controls(&mut models, args.models.is_empty())?;
    }
    let connections = connections(args, &service)?;
    let default = |quick, usual| if args.quick { quick } else { usual };
    let duration = args.duration.unwrap_or(default(QUICK_DURATION, DURATION));
    if duration.is_zero() {
        bail!("--duration is 0; it must be longer");
    }
    let experiment = Experiment {
        program: std::env::current_exe().context("can't find this program's own file")?,
        service,
        models: Experiment::sheets(&models),
        connections,
        workers: args.workers.map(usize::from),
        work: args.work.to_string(),
        work_time: args.work.time(),
        size: args.size,
        depth: usize::try_from(args.depth)?,
        load_threads: usize::try_from(args.threads.unwrap_or(1))?,
        rounds: args
            .rounds
            .map_or(if args.quick { 2 } else { 3 }, usize::from),
        duration,
        warmup: args.warmup,
        seed: u64::from(args.seed.unwrap_or_else(portlab_lab::random_seed)),
    };
    experiment.check()?;
    Ok(experiment)
}

/// What is served, if the other options fit it.
fn service(args: &Args) -> anyhow::Result<Service> {
    if args.service != "chat" {
        if args.rooms.is_some() {
            bail!("--rooms is for a chat; add --service chat");
        }
        return Ok(Service::Echo);
    }
    if args.controls {
        bail!("--controls measures echoes by hand, and there is no chat by hand; leave it out");
    }
    if args.threads.is_some_and(|threads| threads > 1) {
        bail!("a chat is loaded by one thread, which hears everything; leave out --threads");
    }
    let limits = ChatLimits::default();
    if args.size + NUMBER > limits.line_bytes {
        let (size, most) = (args.size, limits.line_bytes);
        bail!(
            "--size {size} is too long for a chat, whose lines have {most} bytes at most; try --size {}",
            most - NUMBER
        );
    }
    // There is one room more, in which everybody begins.
    let (rooms, most) = (usize::try_from(args.rooms.unwrap_or(1))?, limits.rooms - 1);
    if !(1..=most).contains(&rooms) {
        bail!("--rooms is {rooms}; a chat can have 1 to {most}");
    }
    let tongues = tongues(&[TextEncoding::default()], args.size);
    Ok(Service::Chat { rooms, tongues })
}

/// What a message's number adds to it, at most.
const NUMBER: usize = 16;

/// The numbers of connections, each once.
fn connections(args: &Args, service: &Service) -> anyhow::Result<Vec<usize>> {
    let usual: &[u64] = match service {
        Service::Echo => &[1, 10, 100],
        Service::Chat { .. } => &[10, 100],
    };
    let counts = match &args.connections[..] {
        [] => usual,
        counts => counts,
    };
    let mut connections = Vec::new();
    for &count in counts {
        let count = usize::try_from(count)?;
        match service {
            Service::Echo if count == 0 => {
                bail!("--connections has a 0; every number must be at least 1")
            }
            Service::Chat { rooms, .. } if count < rooms * 2 => bail!(
                "--connections has a {count}; a chat needs 2 in each room, one to speak and one to \
                 hear: at least {}",
                rooms * 2
            ),
            _ => {}
        }
        if !connections.contains(&count) {
            connections.push(count);
        }
    }
    Ok(connections)
}

const DURATION: Duration = Duration::from_millis(500);
const QUICK_DURATION: Duration = Duration::from_millis(150);

/// Puts each control behind its model. Unless models were chosen, only those with a control stay.
fn add_controls(models: &mut Vec<&'static dyn Backend>, all: bool) -> anyhow::Result<()> {
    let control_of = |model: &&'static dyn Backend| {
        let name = format!("{}{}", model.sheet().name, by_hand::SUFFIX);
        find(&name)
    };
    if all {
        models.retain(|model| control_of(model).is_some());
    }
    let controls: Vec<_> = models.iter().filter_map(control_of).collect();
    if controls.is_empty() {
        bail!("none of these models has a control; threads, event-loop and tasks have");
    }
    models.extend(controls);
    Ok(())
}

fn verdict(record: &Record) -> Verdict {
    let failed =
        |cell: &Cell| !cell.failures.is_empty() || cell.rounds.iter().any(|round| round.errors > 0);
    if record.cells.iter().any(failed) {
        Verdict::Failed
    } else {
        Verdict::Fine
    }
}

/// What is shown while the comparison runs.
struct Screen {
    progress: Progress,
    interrupted: Arc<AtomicBool>,
    began: Instant,
    rounds: usize,
    number: usize,
    total: usize,
}

impl Screen {
    fn new(rounds: usize, interrupted: Arc<AtomicBool>) -> Self {
        let progress = Progress::new("starting");
        Self {
            progress,
            interrupted,
            began: Instant::now(),
            rounds,
            number: 0,
            total: 1,
        }
    }

    fn note(&mut self, text: &str) {
        self.progress.above(|| crate::tell!("{DIM}{text}{DIM:#}"));
    }
}

impl Observer for Screen {
    fn begins(&mut self, number: usize, total: usize, cell: &Cell) {
        (self.number, self.total) = (number, total);
        if number > 0 {
            let each = self.began.elapsed() / u32::try_from(number).unwrap_or(u32::MAX);
            self.progress
                .left(each * u32::try_from(total - number).unwrap_or(u32::MAX));
        }
        let per_round = (total / self.rounds).max(1);
        if self.progress.is_hidden() && number.is_multiple_of(per_round) {
            let round = number / per_round + 1;
            let seconds = self.began.elapsed().as_secs();
            self.note(&format!(
                "round {round} of {}, after {seconds} s",
                self.rounds
            ));
        }
        let Cell {
            model, connections, ..
        } = cell;
        self.progress
            .say(&format!("{}/{total}  {model} at {connections}", number + 1));
    }

    fn tick(&mut self, share: f64) {
        self.progress
            .at((self.number as f64 + share) / self.total as f64);
    }

    fn failed(&mut self, cell: &Cell, error: &MeasureError) {
        let Cell {
            model, connections, ..
        } = cell;
        self.progress.above(|| {
            crate::tell!("{BAD}failed:{BAD:#} {model} at {connections}: {error}");
        });
    }

    fn interrupted(&self) -> bool {
        let interrupted = self.interrupted.load(Relaxed);
        if interrupted {
            self.progress.finish();
        }
        interrupted
    }
}
