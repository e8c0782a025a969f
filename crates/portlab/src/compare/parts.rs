//! The workloads of a comparison, and the points at which they are measured.

use std::time::Duration;

use anyhow::bail;
use portlab_lab::{
    Experiment,
    experiment::Part,
    workloads::{Load, WORKLOADS, Workload},
};
use portlab_service::{ChatLimits, TextEncoding};
use portlab_stats::{
    record::{Point, Rate, Record},
    steps::steps,
};
use portlab_words::{Text, plural, tr, units};

use super::Args;
use crate::{args::lang, load::chat_encodings};

/// Numbers to be tried one after the other.
#[derive(Clone, Debug)]
pub(super) struct Steps(Vec<f64>);

/// Reads numbers as [`steps()`] does, each with `read`.
pub(super) fn numbers<T>(
    read: impl units::Parse<T>,
    number: fn(T) -> f64,
) -> impl Fn(&str) -> Result<Steps, Text> + Clone + Send + Sync {
    move |text| Ok(Steps(steps(text, |text| Ok(number(read(text)?)))?))
}

/// All numbers of `steps`, rounded and each once.
fn whole(steps: &[Steps]) -> Vec<usize> {
    let numbers = steps.iter().flat_map(|steps| &steps.0);
    once(numbers.map(|number| number.round() as usize))
}

/// The `values` in order, each once.
fn once<T: PartialEq>(values: impl IntoIterator<Item = T>) -> Vec<T> {
    let mut once = Vec::new();
    for value in values {
        if !once.contains(&value) {
            once.push(value);
        }
    }
    once
}

/// How long a server is loaded before it is measured.
const WARMUP: Duration = Duration::from_millis(30);
/// The same for foreign servers, which may first have to compile themselves.
const FOREIGN_WARMUP: Duration = Duration::from_millis(300);

/// The most points of a workload: each takes a measurement of each entrant in each round.
const MOST_POINTS: usize = 1000;

/// The most bytes that its number adds to a message of a chat.
const NUMBER: usize = 16;

/// The workloads that were chosen, as they are to be measured.
pub(super) fn parts(args: &Args) -> anyhow::Result<Vec<Part>> {
    let workloads = chosen(args);
    let single = workloads.len() == 1;
    let any = |what: fn(&&&Workload) -> bool| workloads.iter().find(what).is_some();
    if args.rooms.is_some() && !any(|it| matches!(it.load, Load::Chat)) {
        bail!(tr!(
            "--rooms is for a chat; add --workload chat",
            "--rooms 只用于聊天；请加上 --workload chat"
        ));
    }
    if !args.rate.is_empty() && !any(|it| !it.rates.is_empty()) {
        bail!(tr!(
            "--rate is for an open loop; add --workload rate",
            "--rate 只用于开环；请加上 --workload rate"
        ));
    }
    for (given, option) in [
        (args.work.is_some(), "--work"),
        (args.depth.is_some(), "--depth"),
    ] {
        if given && !single {
            let count = workloads.len();
            bail!(tr!(
                "{option} is for one workload, and there are {count}; choose one",
                "{option} 只能用于一种负载，现在有 {count} 种；请只选一种"
            ));
        }
    }
    workloads
        .into_iter()
        .map(|workload| part(args, workload))
        .collect()
}

fn chosen(args: &Args) -> Vec<&'static Workload> {
    let suite = |workload: &&&'static Workload| match args.suite.as_deref() {
        Some("class") => !workload.connections.class.is_empty(),
        _ => !workload.connections.full.is_empty(),
    };
    if args.suite.is_some() {
        return WORKLOADS.iter().filter(suite).copied().collect();
    }
    let usual = match args.rate.is_empty() {
        true => "echo",
        false => "rate",
    };
    let mut names: Vec<&str> = args.workload.iter().map(String::as_str).collect();
    names.extend(args.service.as_deref());
    if names.is_empty() {
        names.push(usual);
    }
    let is_chosen = |workload: &&&'static Workload| names.contains(&workload.name);
    WORKLOADS.iter().filter(is_chosen).copied().collect()
}

fn part(args: &Args, workload: &'static Workload) -> anyhow::Result<Part> {
    let is_chat = matches!(workload.load, Load::Chat);
    let work = match args.work {
        Some(work) => work,
        None => workload.work.parse()?,
    };
    let duration = args
        .duration
        .unwrap_or(Duration::from_millis(workload.duration_ms));
    let points = points(args, workload)?;
    let limits = ChatLimits::default();
    let longest = points.iter().map(|point| point.size_bytes).max();
    let longest = longest.unwrap_or(0);
    if is_chat && longest.saturating_add(NUMBER) > limits.line_bytes {
        let (most, fits) = (limits.line_bytes, limits.line_bytes - NUMBER);
        bail!(tr!(
            "--size {longest} is too long for a chat, whose lines have {most} bytes at most; try --size {fits}",
            "--size {longest} 太长，聊天的一行最多 {most} 字节；可以用 --size {fits}"
        ));
    }
    // The chat has one more room, in which every member begins.
    let (rooms, most) = (usize::try_from(args.rooms.unwrap_or(1))?, limits.rooms - 1);
    if !(1..=most).contains(&rooms) {
        bail!(tr!(
            "--rooms is {rooms}; a chat can have 1 to {most}",
            "--rooms 是 {rooms}；聊天室可以有 1 到 {most} 个"
        ));
    }
    let warmup = match args.server.is_empty() {
        true => WARMUP,
        false => FOREIGN_WARMUP,
    };
    Ok(Part {
        workload,
        work: work.to_string(),
        work_time: work.time(),
        depth: args.depth.map_or(Ok(workload.depth), usize::try_from)?,
        rooms,
        encodings: match is_chat {
            true => chat_encodings(&[TextEncoding::default()], longest),
            false => Vec::new(),
        },
        duration,
        warmup: args.warmup.unwrap_or(warmup),
        points: check(workload, rooms, points)?,
    })
}

/// Every combination of what is varied.
fn points(args: &Args, workload: &Workload) -> anyhow::Result<Vec<Point>> {
    let scale = &workload.connections;
    let usual = match args.suite.as_deref() {
        Some("class") => scale.class,
        Some(_) => scale.full,
        None if args.quick => scale.quick,
        None => scale.usual,
    };
    let or = |given: Vec<usize>, usual: &[usize]| match given.is_empty() {
        true => usual.to_vec(),
        false => given,
    };
    let connections = or(whole(&args.connections), usual);
    let sizes = or(whole(&args.size), &[workload.size_bytes]);
    let mut workers: Vec<Option<usize>> = whole(&args.workers).into_iter().map(Some).collect();
    if workers.is_empty() {
        workers.push(None);
    }
    let asked = args.rate.iter().flat_map(|steps| &steps.0);
    let rates = match workload.rates {
        [] => vec![None],
        _ if !args.rate.is_empty() => asked.map(|&rate| Some(Rate::PerS(rate))).collect(),
        usual => usual.iter().copied().map(Some).collect(),
    };
    let rates = once(rates);
    let count = [connections.len(), sizes.len(), workers.len(), rates.len()];
    let count: usize = count.into_iter().product();
    if count > MOST_POINTS {
        bail!(tr!(
            "--connections, --size, --workers and --rate make {count} points together; {MOST_POINTS} is \
             the most: leave some out, or take larger factors",
            "--connections、--size、--workers 和 --rate 一共组合出 {count} 个测点，最多 {MOST_POINTS} 个：\
             请去掉一些，或者把倍数取大"
        ));
    }
    let mut points = Vec::new();
    for &connections in &connections {
        for &size_bytes in &sizes {
            for &workers_asked in &workers {
                for &rate in &rates {
                    points.push(Point {
                        connections,
                        size_bytes,
                        workers_asked,
                        rate,
                    });
                }
            }
        }
    }
    Ok(points)
}

fn check(workload: &Workload, rooms: usize, points: Vec<Point>) -> anyhow::Result<Vec<Point>> {
    for point in &points {
        let count = point.connections;
        match workload.load {
            Load::Chat if count < rooms * 2 => {
                let least = rooms * 2;
                bail!(tr!(
                    "--connections has {count}; a chat needs 2 in each room, one that sends and one that \
                     receives: at least {least}",
                    "--connections 里有 {count}；每个聊天室至少要 2 个连接，一个发、一个收：至少 {least}"
                ))
            }
            _ if ["slow", "skew"].contains(&workload.name) && count < 2 => {
                let name = workload.name;
                bail!(tr!(
                    "--connections has {count}; {name} measures the clients beside its special ones: at least 2",
                    "--connections 里有 {count}；{name} 测的是其余的客户端，连接至少要 2 个"
                ))
            }
            _ => {}
        }
    }
    Ok(points)
}

/// How many measurements there are in all, in words.
pub(super) fn measurements(experiment: &Experiment, record: &Record) -> String {
    let cells = record.cells.iter().filter(|cell| cell.not_run.is_none());
    let (cells, rounds) = (cells.count() as u64, experiment.setup.rounds as u64);
    let all = cells * rounds;
    let [of_cells, of_rounds, of_all] = [
        plural(cells, "cell"),
        plural(rounds, "round"),
        plural(all, "measurement"),
    ];
    tr!(
        lang(),
        "{of_cells} in {of_rounds}: {of_all}",
        "{cells} 个测点，{rounds} 轮，共 {all} 次测量"
    )
}

/// A rough time, in seconds or minutes.
pub(super) fn about(time: Duration) -> String {
    match time.as_secs() {
        seconds @ 0..=90 => {
            let seconds = seconds.max(1);
            tr!(lang(), "{seconds} s", "{seconds} 秒")
        }
        seconds => {
            let minutes = (seconds + 30) / 60;
            tr!(lang(), "{minutes} min", "{minutes} 分钟")
        }
    }
}
