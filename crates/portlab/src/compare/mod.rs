//! `portlab compare`: servers side by side.

mod against;
mod entrants;
mod parts;
mod quick;
mod resume;
mod screen;

use std::{
    io::Write,
    path::PathBuf,
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use portlab_lab::{
    Costs, Experiment, Pinning, Running, Store, blank, compare, costs,
    experiment::{Entrant, START_TIMEOUT, TWIN_SUFFIX},
    pin, quoted, timelines,
};
use portlab_report::{Notes, not_run};
use portlab_service::HandlerWork;
use portlab_stats::{
    check::{MOST_CELLS, MOST_MEASUREMENTS},
    record::{Cell, Record, Setup, Together},
};

use self::{parts::Steps, screen::Screen};
use portlab_sys::whole::write_whole;
use portlab_words::{Text, tr, units};

use crate::{
    Verdict,
    args::{self, lang},
    choice::Families,
    load::interrupt_flag,
    output,
};

/// Measure servers side by side, each in a fresh process
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  portlab compare --quick
  portlab compare --suite class
  portlab compare --models threads,event-loop,tasks --connections 1..1000x4
  portlab compare --workload churn,idle
  portlab compare --workload http --server mine='./server {port} {root}'
  portlab compare --server mine='python3 echo.py {port}' --models threads
  portlab compare --work wait:5ms --workers 100
  portlab compare -c 100 --against main/portlab --fail-over 5%

Ctrl-C ends the comparison and prints what was measured so far (see --resume).
Exit codes: 0 fine, 1 a measurement failed or bytes were wrong, 2 could not run,
130 interrupted before the first measurement was made.
With --fail-over: 0 no model is worse, 1 a model is worse or broken, 2 the run
can't decide.")]
pub(crate) struct Args {
    /// The models to compare, and groups of them, such as @history (`portlab models`
    /// lists both); or none [default: all]
    #[arg(long, short, value_name = "NAMES", value_delimiter = ',')]
    #[arg(hide_possible_values = true)]
    #[arg(value_parser = args::entrants_parser(entrants::NONE))]
    models: Vec<String>,

    #[command(flatten)]
    families: Families,

    /// Any other echo server, or for http a web server: a name for it, and the command
    /// that starts it, in which {port} stands for the port on 127.0.0.1, and {root} for
    /// the folder of the web pages; may be given several times
    #[arg(long, value_name = "NAME=COMMAND")]
    #[arg(value_parser = entrants::foreign)]
    server: Vec<Entrant>,

    /// Another build of portlab to compare this one with: its models take part in the
    /// same rounds, as NAME-other
    #[arg(long, value_name = "PORTLAB")]
    against: Option<PathBuf>,

    /// Fail if a model is worse than the other build's by more than this share, such
    /// as 5%, in the figure by which its workload is ranked
    #[arg(long, value_name = "SHARE", value_parser = units::share("0", "1000%"), requires = "against")]
    fail_over: Option<f64>,

    /// The workloads to measure under: echo, stream, rate, wait, block, cpu, churn,
    /// idle, slow, crowd, skew, chat, http, http-close, http-file [default: echo]
    #[arg(long, short, value_name = "NAMES", value_delimiter = ',')]
    #[arg(value_parser = args::workload_parser(), hide_possible_values = true)]
    workload: Vec<String>,

    /// A choice of workloads: class takes about a minute, for a lesson; full is a
    /// study of an hour, which --resume can continue
    #[arg(long, value_name = "NAME", value_parser = ["class", "full"])]
    #[arg(hide_possible_values = true, conflicts_with_all = ["workload", "service", "quick"])]
    suite: Option<String>,

    /// The same as --workload, for echo, chat and http
    #[arg(long, value_name = "NAME", value_parser = ["echo", "chat", "http"])]
    #[arg(hide_possible_values = true, conflicts_with = "workload")]
    service: Option<String>,

    /// The server that the others are compared with [default: event-loop]
    #[arg(long, value_name = "NAME")]
    baseline: Option<String>,

    /// The numbers of connections, in a chat of members; 1..1000x4 stands for 1, 4,
    /// 16, ... and 1000, and 1..64 doubles [default: each workload's own]
    #[arg(long, short, value_name = "NS", value_delimiter = ',')]
    #[arg(value_parser = parts::numbers(units::count("1", "1M"), |n| n as f64))]
    connections: Vec<Steps>,

    /// The lengths of a message, or of a file; also 64..64KiBx4 [default: 64, and for a
    /// file the workload's own]
    #[arg(long, short, value_name = "BYTES", value_delimiter = ',')]
    #[arg(value_parser = parts::numbers(units::size("1", "64MiB"), |n| n as f64))]
    size: Vec<Steps>,

    /// How many workers a pool has, if its workers may block; also 1..16 [default:
    /// each model's own]
    #[arg(long, value_name = "NS", value_delimiter = ',')]
    #[arg(value_parser = parts::numbers(units::count("1", "65535"), |n| n as f64))]
    workers: Vec<Steps>,

    /// How many threads an async runtime has, on which nothing should block
    /// [default: one per core]
    #[arg(long, value_name = "N", value_parser = args::whole(1..=u16::MAX))]
    runtime_threads: Option<u16>,

    /// Messages per second over all connections, in an open loop; also 1k..50kx2
    /// [default: what all can handle, and half of what each can]
    #[arg(long, value_name = "RATES", value_delimiter = ',')]
    #[arg(value_parser = parts::numbers(units::rate("0.001", "10M"), |rate| rate))]
    rate: Vec<Steps>,

    /// What the handler does before each answer: wait:5ms, block:5ms, cpu:200us
    /// [default: the workload's own]
    #[arg(long, value_name = "WORK")]
    work: Option<HandlerWork>,

    /// Messages in flight on each connection (pipelining); in a chat, in all rooms
    /// together [default: the workload's own]
    #[arg(long, value_name = "N", value_parser = units::count("1", "65536"))]
    depth: Option<u64>,

    /// How many rooms the members of a chat are in [default: 1]
    #[arg(long, value_name = "N", value_parser = units::count("1", "1k"))]
    rooms: Option<u64>,

    /// How often each cell is measured [default: 21, 5 in --suite class, 31 in full,
    /// and fewer with more than ten servers; 45 with --against]
    #[arg(long, value_name = "N", value_parser = args::whole(1..=MOST_ROUNDS))]
    rounds: Option<u16>,

    /// How long each measurement takes [default: each workload's own]
    #[arg(long, short, value_name = "TIME", value_parser = units::duration("1ms", "1h"))]
    duration: Option<Duration>,

    /// How long a server is loaded before it is measured [default: 30ms; 300ms with
    /// --server]
    #[arg(long, value_name = "TIME", value_parser = units::duration("0s", "1h"))]
    warmup: Option<Duration>,

    /// How long a --server may take until it listens [default: 20s]
    #[arg(long, value_name = "TIME", value_parser = units::duration("1ms", "1h"), requires = "server")]
    start_timeout: Option<Duration>,

    /// Measure one point of each workload, in as many rounds as fit into 30 s
    #[arg(long)]
    quick: bool,

    /// Measure the models' textbook twins too, and print what the traits cost
    #[arg(long)]
    controls: bool,

    /// Record a timeline of each model under the first workload: 50 ms of it in
    /// report.html, and a trace for Perfetto in DIR/traces
    #[arg(long)]
    trace: bool,

    /// Don't measure the baseline a second time: the noise floor is then assumed, and
    /// not measured
    #[arg(long)]
    no_twin: bool,

    /// Whether server and generator keep to processors of their own: auto, or off
    #[arg(long, value_name = "WHEN", default_value = "auto", value_parser = ["auto", "off"])]
    #[arg(hide_possible_values = true)]
    pin: String,

    /// Threads that generate load; a chat has one [default: 1]
    #[arg(long, value_name = "N", value_parser = units::count("1", "1k"))]
    threads: Option<u64>,

    /// The seed of the order in which cells are measured [default: random]
    #[arg(long, value_name = "N", value_parser = args::whole(0..=u32::MAX))]
    seed: Option<u32>,

    /// Where results.json is kept, and report.html beside it
    #[arg(long, value_name = "DIR", default_value = "portlab-results")]
    out: PathBuf,

    /// Continue the unfinished comparison in --out, which must have been started with
    /// the same options; finished measurements are kept
    #[arg(long)]
    resume: bool,

    /// Replace an unfinished --suite full in --out
    #[arg(long, conflicts_with = "resume")]
    fresh: bool,

    /// Print the record as JSON instead of the table
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<Verdict> {
    let began = Instant::now();
    let mut experiment = experiment(args)?;
    // Before anything is started that must be ended.
    let interrupted = interrupt_flag()?;
    let running = Running::begin(&args.out)?;
    running.make_files(&experiment.parts)?;
    let store = Store::open(&args.out)?;
    let mut screen = Screen::new(interrupted);
    if let Some(left) = running.leftover {
        screen.note(&resume::leftover(left));
    }
    let mut record = begun(args, &mut experiment, &store, &screen)?;
    // With fewer rounds the trials would take longer than the rounds.
    let costs = match args.quick || experiment.setup.rounds >= TRIED_FROM {
        true => costs(&experiment, &record, &running, &mut screen),
        false => Costs::default(),
    };
    if args.quick && !args.resume {
        let (rounds, round) = quick::rounds(args, &experiment, &record, (&costs, began.elapsed()))?;
        if rounds < experiment.setup.rounds {
            let (all, seconds) = (experiment.setup.rounds, quick::TIME.as_secs());
            screen.note(&tr!(
                lang(),
                "--quick: {rounds} rounds instead of {all}, so that the comparison ends within {seconds} s",
                "--quick：只测 {rounds} 轮，而不是 {all} 轮，好在 {seconds} 秒内结束"
            ));
        }
        (experiment.setup.rounds, record.setup.rounds) = (rounds, rounds);
        screen.ends_before(began + quick::TIME, round);
    }
    let measurements = parts::measurements(&experiment, &record);
    let time = parts::about(costs.left(&experiment, &record));
    let (seed, file) = (experiment.setup.seed, store.file().display());
    screen.note(&tr!(
        lang(),
        "{measurements}, about {time}; seed {seed}; results go to {file}",
        "{measurements}，大约 {time}；种子 {seed}；结果写到 {file}"
    ));
    if args.against.is_some() {
        experiment.try_builds(&record.cells, &running)?;
    }
    let mut record = compare(&experiment, record, (&store, &running), &mut screen)?;
    if args.trace && record.complete {
        let dir = args.out.join("traces");
        timelines(&experiment, &mut record, &running, &dir, &mut screen)?;
        store.keep(&record)?;
    }
    screen.progress.finish();
    if !record.complete && record.cells.iter().all(|cell| cell.rounds.is_empty()) {
        screen.note(lang().pick(
            "interrupted before the first measurement was made",
            "第一次测量完成之前就中断了",
        ));
        return Ok(match verdict(&record) {
            Verdict::Fine => Verdict::Interrupted,
            verdict => verdict,
        });
    }
    report(args, &record, &screen)
}

/// The record to continue, or a new one.
fn begun(
    args: &Args,
    experiment: &mut Experiment,
    store: &Store,
    screen: &Screen,
) -> anyhow::Result<Record> {
    let words = std::env::args_os().map(|word| word.to_string_lossy().into_owned());
    let words: Vec<String> = words.collect();
    let command = quoted(words.iter().map(String::as_str));
    let Some(record) = resume::kept(args, store)? else {
        return Ok(blank(experiment, &command));
    };
    let begun = record.setup.seed;
    if let Some(seed) = args.seed.filter(|seed| u64::from(*seed) != begun) {
        bail!(tr!(
            "--seed is {seed}, but the comparison was started with {begun}; leave out --seed",
            "--seed 是 {seed}，但这次比较开始时用的是 {begun}；请去掉 --seed"
        ));
    }
    // The seed decides the order of the rounds.
    experiment.setup.seed = begun;
    let fresh = blank(experiment, &command);
    resume::check(&record, &fresh)?;
    screen.note(&resume::continues(&record, &fresh));
    Ok(record)
}

/// Writes the page, prints the report, and judges the run.
fn report(args: &Args, record: &Record, screen: &Screen) -> anyhow::Result<Verdict> {
    let page = args.out.join("report.html");
    // The errors quote what foreign servers printed.
    let shown = portlab_report::inert(record)?;
    let notes = Notes::of(&shown, lang());
    let html = portlab_report::html(&notes);
    write_whole(&page, html.as_bytes()).with_context(|| args::unwritten(&page))?;
    if args.json {
        output::print_json(record)?;
    } else {
        let text = portlab_report::text(&notes, args::terminal_width());
        write!(output::stdout(), "{text}")?;
        let page = page.display();
        screen.note(&tr!(
            lang(),
            "the report for a browser: {page}",
            "用浏览器打开的报告：{page}"
        ));
        if !record.complete {
            screen.note(lang().pick(
                "to continue the comparison, repeat the command with --resume",
                "在同样的命令后面加上 --resume 可以继续比较",
            ));
        }
    }
    against::judge(args, &shown, verdict(record))
}

/// Resolves the arguments to an experiment.
fn experiment(args: &Args) -> anyhow::Result<Experiment> {
    let parts = parts::parts(args)?;
    let (mut entrants, baseline) = entrants::entrants(args, &parts)?;
    if let Some(program) = &args.against {
        against::add(&mut entrants, program)?;
    }
    if parts.iter().any(|part| part.service() == "chat") && args.threads.is_some_and(|n| n > 1) {
        bail!(tr!(
            "one thread loads a chat, because it must receive every message; leave out --threads",
            "聊天只用一个线程加负载，因为它要收到所有消息；请去掉 --threads"
        ));
    }
    let rounds = match (args.rounds, args.suite.as_deref()) {
        (Some(rounds), _) => rounds.into(),
        (None, Some("class")) => scaled(CLASS_ROUNDS, &entrants),
        (None, Some(_)) => scaled(FULL_ROUNDS, &entrants),
        (None, _) if args.against.is_some() => GATE_ROUNDS,
        (None, _) => scaled(ROUNDS, &entrants),
    };
    let experiment = Experiment {
        program: std::env::current_exe().with_context(args::not_found)?,
        setup: Setup {
            suite: args.suite.clone(),
            rounds,
            load_threads: usize::try_from(args.threads.unwrap_or(1))?,
            seed: u64::from(args.seed.unwrap_or_else(portlab_lab::random_seed)),
            baseline,
        },
        entrants,
        parts,
        runtime_threads: args.runtime_threads.map(usize::from),
        pinning: match args.pin.as_str() {
            "off" => Pinning::Together(Together::OnRequest),
            _ => pin(),
        },
        start_timeout: args.start_timeout.unwrap_or(match args.quick {
            true => quick::START_TIMEOUT,
            false => START_TIMEOUT,
        }),
    };
    experiment.check()?;
    let cells = experiment.cells();
    if let Some(why) = reasons_for_nothing(&cells) {
        bail!(tr!(
            "no server can be measured: {why}",
            "没有可以测量的服务端：{why:#}"
        ));
    }
    let cells = cells.len();
    if cells > MOST_CELLS || cells * rounds > MOST_MEASUREMENTS {
        bail!(tr!(
            "{cells} cells in {rounds} rounds are too many for one record: at most {MOST_CELLS} cells and \
             {MOST_MEASUREMENTS} measurements; leave some out, take fewer --rounds, or make several \
             comparisons with an --out each",
            "{cells} 个测点、{rounds} 轮太多，一份记录放不下：最多 {MOST_CELLS} 个测点、{MOST_MEASUREMENTS} 次测量；\
             请减少测点或 --rounds，或者分成几次比较，各用各的 --out"
        ));
    }
    Ok(experiment)
}

/// Why none of the `cells` can be measured, each reason with the servers that have it; `None` if a cell can.
fn reasons_for_nothing(cells: &[Cell]) -> Option<Text> {
    let mut reasons: Vec<(Vec<&str>, Text)> = Vec::new();
    let is_twin = |cell: &&Cell| cell.model.ends_with(TWIN_SUFFIX);
    for cell in cells.iter().filter(|cell| !is_twin(cell)) {
        let why = not_run(cell.not_run.as_ref()?, cell.point.connections);
        match reasons.iter_mut().find(|(_, known)| *known == why) {
            Some((names, _)) if names.contains(&&*cell.model) => {}
            Some((names, _)) => names.push(&cell.model),
            None => reasons.push((vec![&cell.model], why)),
        }
    }
    let told = reasons.iter().map(|(names, why)| {
        let (en, zh) = (names.join(", "), names.join("、"));
        tr!("{en} ({why})", "{zh}（{why:#}）")
    });
    told.reduce(|all, next| tr!("{all}; {next}", "{all:#}；{next:#}"))
}

/// From this many rounds on, trials measure beforehand how long a round takes.
const TRIED_FROM: usize = 3;
/// The most rounds; more of them would show nothing more.
const MOST_ROUNDS: u16 = 500;
/// Enough for a confidence interval: see docs/METHODOLOGY.md.
const ROUNDS: usize = 21;
/// With more servers there are fewer rounds, so that a comparison of all takes as long as one of ten. An interval takes
/// six rounds at least, and a place in a ranking should not depend on one of them.
const LEAST_ROUNDS: usize = 11;
/// About so many measurements are made at each point.
const MEASUREMENTS: usize = 230;
/// Enough for a gate to find a tenth more CPU time: see docs/METHODOLOGY.md.
const GATE_ROUNDS: usize = 45;
/// Fewer rounds, for a run of a minute in class.
const CLASS_ROUNDS: usize = 5;
/// More rounds, for a study of an hour.
const FULL_ROUNDS: usize = 31;

/// `rounds`, or fewer if many servers take part.
fn scaled(rounds: usize, entrants: &[Entrant]) -> usize {
    let servers = entrants.iter().filter(|it| it.kind.takes_part()).count();
    (rounds * usual_rounds(servers) / ROUNDS).max(TRIED_FROM)
}

/// The rounds of a comparison of so many servers.
fn usual_rounds(servers: usize) -> usize {
    (MEASUREMENTS / servers.max(1)).clamp(LEAST_ROUNDS, ROUNDS)
}

fn verdict(record: &Record) -> Verdict {
    let failed = |cell: &Cell| !cell.failures.is_empty() || cell.errors() > 0;
    if record.cells.iter().any(failed) {
        Verdict::Failed
    } else {
        Verdict::Fine
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_servers_have_fewer_rounds_and_no_more_measurements() {
        assert_eq!(usual_rounds(1), ROUNDS);
        assert_eq!(usual_rounds(10), ROUNDS);
        assert_eq!(usual_rounds(17), 13);
        assert_eq!(usual_rounds(100), LEAST_ROUNDS);
        let all = usual_rounds(portlab_backends::MODELS.len()) * portlab_backends::MODELS.len();
        assert!(all <= MEASUREMENTS, "{all}");
    }
}
