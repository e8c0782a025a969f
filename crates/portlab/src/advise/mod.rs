//! `portlab advise`: which model for a given load, measured.

mod screen;
mod words;

use std::{
    fs::{self, DirBuilder},
    io::Write,
    os::unix::fs::DirBuilderExt,
    path::PathBuf,
    time::Duration,
};

use anyhow::{Context, bail};
use portlab_lab::{
    Pinning, Running,
    advise::{Inquiry, inquire},
    pin,
};
use portlab_service::{ChatLimits, TextEncoding};
use portlab_stats::{
    advice::{Advice, Answer, Kind, Measured, Question, Work, conclude},
    record::Together,
};
use portlab_words::{
    tr, units,
    wrap::{Lead, hang},
};
use serde::Serialize;
use unicode_width::UnicodeWidthStr;

use self::screen::Screen;
use crate::{
    Verdict,
    args::{self, HEAD, lang},
    choice::Families,
    load::{chat_encodings, interrupt_flag},
    output,
};

/// Name the model that suits a load, after measuring all models under that load
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  portlab advise --wait 5ms --connections 500 --rate 5k
  portlab advise --cpu 200us --connections 50 --rate 1k --within 20ms
  portlab advise --connections 5000 --rate 100
  portlab advise --churn --connections 20 --rate 500
  portlab advise --members 20 --connections 100 --rate 200

A run takes two minutes at most; a shorter --time makes the advice less sure.
Exit codes: 0 a model is named, 1 no model can handle the load, 2 could not run,
or the measurements don't decide.")]
pub(crate) struct Args {
    /// Each answer waits this long for something else, such as a database, and other
    /// handlers run meanwhile
    #[arg(long, value_name = "TIME", value_parser = units::duration("1ns", "1s"))]
    wait: Option<Duration>,

    /// Each answer blocks the thread that its handler runs on for this long
    #[arg(long, value_name = "TIME", value_parser = units::duration("1ns", "1s"))]
    block: Option<Duration>,

    /// Each answer takes this much CPU time
    #[arg(long, value_name = "TIME", value_parser = units::duration("1ns", "1s"))]
    cpu: Option<Duration>,

    /// Connections that are open at a time; in a chat, members
    #[arg(long, short, value_name = "N", value_parser = units::count("1", "1M"))]
    connections: u64,

    /// Messages per second over all connections
    #[arg(long, value_name = "RATE", value_parser = units::rate("0.001", "10M"))]
    rate: f64,

    /// The length of a message
    #[arg(long, short, value_name = "BYTES", default_value = "64", value_parser = units::size("1", "64MiB"))]
    size: usize,

    /// The load is a chat, with this many members in a room
    #[arg(long, value_name = "N", value_parser = units::count("2", "1M"))]
    members: Option<u64>,

    /// Each message has a connection of its own
    #[arg(long, conflicts_with = "members")]
    churn: bool,

    /// The p99 must stay below this time
    #[arg(long, value_name = "TIME", default_value = "50ms", value_parser = units::duration("1us", "1h"))]
    within: Duration,

    /// The models to choose from, and groups of them, such as @fast [default: all]
    #[arg(long, short, value_name = "NAMES", value_delimiter = ',')]
    #[arg(hide_possible_values = true)]
    #[arg(value_parser = args::model_parser())]
    models: Vec<String>,

    #[command(flatten)]
    families: Families,

    /// How many workers a pool has, if its workers may block [default: one for each
    /// connection, if a worker serves one at a time]
    #[arg(long, value_name = "N", value_parser = args::whole(1..=u16::MAX))]
    workers: Option<u16>,

    /// How many threads an async runtime has, on which nothing should block
    /// [default: one per core]
    #[arg(long, value_name = "N", value_parser = args::whole(1..=u16::MAX))]
    runtime_threads: Option<u16>,

    /// How long the run may take, from 10s to 10m
    #[arg(long, value_name = "TIME", default_value = "2m", value_parser = units::duration("10s", "10m"))]
    time: Duration,

    /// Whether server and generator keep to processors of their own: auto, which
    /// means not with --cpu; or off
    #[arg(long, value_name = "WHEN", default_value = "auto", value_parser = ["auto", "off"])]
    #[arg(hide_possible_values = true)]
    pin: String,

    /// The seed of the order in which models are measured [default: random]
    #[arg(long, value_name = "N", value_parser = args::whole(0..=u32::MAX))]
    seed: Option<u32>,

    /// Print what was asked, measured and concluded as JSON
    #[arg(long)]
    json: bool,
}

/// What --json prints.
#[derive(Serialize)]
struct Printed<'a> {
    measured: &'a Measured,
    advice: &'a Advice,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<Verdict> {
    let inquiry = inquiry(args)?;
    // Before anything is made that must be removed at the end.
    let interrupted = interrupt_flag()?;
    let dir = scratch()?;
    let running = Running::begin(&dir)?;
    let mut screen = Screen::new(interrupted, args.time, &inquiry.question);
    let measured = inquire(&inquiry, &running, &mut screen);
    screen.finish();
    drop(running);
    // The folder is empty now.
    let _ = fs::remove_dir(&dir);
    let advice = conclude(&measured);
    let mut out = output::stdout();
    if args.json {
        let printed = Printed {
            measured: &measured,
            advice: &advice,
        };
        output::print_json(&printed)?;
    } else {
        let lines = words::lines(&measured, &advice, args::lang());
        let columns = lines.iter().map(|line| line.lead.width()).max();
        for line in &lines {
            let lead = Lead::new(line.lead, HEAD, columns.unwrap_or(0));
            write!(out, "{}", hang(&[lead], &line.text, args::terminal_width()))?;
        }
    }
    match advice.answer {
        Answer::Choose { .. } => Ok(Verdict::Fine),
        Answer::NoModel | Answer::Impossible => Ok(Verdict::Failed),
        Answer::Undecided if measured.interrupted => {
            bail!(tr!(
                "interrupted before the measurements decide",
                "测量还没有得出结论就被中断了"
            ))
        }
        Answer::Undecided => bail!(tr!(
            "the measurements don't decide; try again when nothing else runs, or give it more --time",
            "测量没有得出结论；请在没有别的程序运行时再试，或者加长 --time"
        )),
    }
}

/// Makes the folder that holds the mark of this run's servers. Its name can't be guessed, and only this user
/// can write into it.
fn scratch() -> anyhow::Result<PathBuf> {
    let number =
        u64::from(portlab_lab::random_seed()) << 32 | u64::from(portlab_lab::random_seed());
    let dir = std::env::temp_dir().join(format!("portlab-advise-{number:016x}"));
    let made = DirBuilder::new().mode(0o700).create(&dir);
    made.with_context(|| {
        let dir = dir.display();
        tr!(lang(), "can't make {dir}", "无法创建 {dir}")
    })?;
    Ok(dir)
}

/// Resolves the arguments.
fn inquiry(args: &Args) -> anyhow::Result<Inquiry> {
    let connections = usize::try_from(args.connections)?;
    let time = |kind, time: Option<Duration>| {
        let time_ns = u64::try_from(time?.as_nanos()).unwrap_or(u64::MAX);
        Some(Work { kind, time_ns })
    };
    let works = [
        time(Kind::Wait, args.wait),
        time(Kind::Block, args.block),
        time(Kind::Cpu, args.cpu),
    ];
    let question = Question {
        works: works.into_iter().flatten().collect(),
        connections,
        rate_per_s: args.rate,
        size_bytes: args.size,
        members: args.members.map(usize::try_from).transpose()?,
        churn: args.churn,
        within_ns: u64::try_from(args.within.as_nanos()).unwrap_or(u64::MAX),
    };
    check(&question, args)?;
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let memory = portlab_sys::machine::memory()
        .context(tr!("can't read /proc/meminfo", "无法读取 /proc/meminfo",))?;
    // Handlers that compute need every processor: on one processor all models perform alike.
    let computes = question.works.iter().any(|work| work.kind == Kind::Cpu);
    let inquiry = Inquiry {
        program: std::env::current_exe().with_context(args::not_found)?,
        models: args.families.models(&args.models),
        workers: args.workers.map(usize::from),
        runtime_threads: args.runtime_threads.map(usize::from),
        pinning: match args.pin.as_str() {
            "auto" if !computes => pin(),
            _ => Pinning::Together(Together::OnRequest),
        },
        cores,
        memory_bytes: memory.total_bytes,
        encodings: chat_encodings(&[TextEncoding::default()], question.size_bytes),
        time: args.time,
        seed: u64::from(args.seed.unwrap_or_else(portlab_lab::random_seed)),
        question,
    };
    if inquiry.question.is_possible(cores) {
        inquiry.check()?;
    }
    Ok(inquiry)
}

/// Refuses a question that can't be measured.
fn check(question: &Question, args: &Args) -> anyhow::Result<()> {
    for work in &question.works {
        let (option, time) = (words::option(work.kind), Duration::from_nanos(work.time_ns));
        if time >= args.within {
            let (within, time) = (units::time(args.within), units::time(time));
            bail!(tr!(
                "--within {within} isn't longer than {option} {time}, so no answer can come in time; give a longer \
                 --within",
                "--within {within} 不比 {option} {time} 长，响应不可能这么快；请加长 --within"
            ));
        }
    }
    if let Some(members) = question.members {
        let (connections, rooms) = (question.connections, ChatLimits::default().rooms - 1);
        if members < 2 || members > connections {
            bail!(tr!(
                "--members is {members}; with --connections {connections} a room can have 2 to {connections} members",
                "--members 是 {members}；一个聊天室可以有 2 个到全部 {connections} 个成员"
            ));
        }
        if connections / members > rooms {
            bail!(tr!(
                "--members {members} makes more than {rooms} rooms; give a larger number with --members",
                "--members {members} 会超过 {rooms} 个聊天室；请加大 --members"
            ));
        }
    }
    Ok(())
}
