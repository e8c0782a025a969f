//! What completions are worth, and whether a server of another library takes less CPU time than portlab's best model.
//!
//!     cargo bench --bench models
//!     cargo bench --bench models -- uring peers --rounds=21
//!
//! - **uring**: CPU per message of `uring` as a multiple of `event-loop`'s.
//! - **peers**: CPU per message of the peers in docs/peers as a multiple of that of portlab's best model.
//!
//! Ratios are of the same round; printed are their median, its interval, the least and the most. Exit code 1 if a bound
//! isn't kept.

use std::{
    env,
    process::{Command, Stdio},
};

use portlab_stats::{
    analysis::{Group, differs, groups},
    estimate::Estimate,
    measure::Measure::CpuPerMessage,
    read::read,
    record::{Cell, Record},
};
use portlab_testkit::{binary, folder, is_bench, root};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

const PEERS: &str = "c-epoll,c-libuv,python-uvloop,rust-may,rust-monoio,rust-tokio";
/// The models that are compared with the peers: each serves all connections with one thread, as the peers do.
const MODELS: [&str; 4] = ["event-loop", "uring", "coroutines", "tasks-single"];
/// With 1,000 connections, the usual 60 ms are too few messages for each of them.
const LONGER: &str = "--duration=200ms";
/// For ratios that are near their bound.
const LONGEST: &str = "--duration=1s";
/// Above this noise floor a comparison decides nothing.
const MOST_FLOOR: f64 = 0.1;

fn main() -> Result<()> {
    if !is_bench() {
        return Ok(());
    }
    let arguments: Vec<String> = env::args().skip(1).collect();
    let rounds = arguments.iter().find(|it| it.starts_with("--rounds="));
    let rounds = rounds.map_or("--rounds=21", String::as_str);
    let asks = |part: &str| {
        let mut parts = arguments.iter().filter(|it| !it.starts_with('-'));
        parts.clone().next().is_none() || parts.any(|it| it == part)
    };
    let mut kept = true;
    if asks("uring") {
        kept &= uring(rounds)?;
    }
    if asks("peers") {
        kept &= peers(rounds)?;
    }
    match kept {
        true => Ok(()),
        false => Err("a bound isn't kept".into()),
    }
}

fn uring(rounds: &str) -> Result<bool> {
    println!("uring: CPU per message, as a multiple of event-loop's");
    let mut kept = true;
    for options in [
        &["--workload=echo", "--connections=10,100,1000"][..],
        &["--workload=stream", "--depth=16", "--connections=10,100"],
        &["--workload=churn"],
    ] {
        let record = compare(&[&["--models=event-loop,uring", LONGEST, rounds], options].concat())?;
        for group in groups(&record) {
            let bound = match (&*group.workload.name, group.point.connections) {
                ("echo", 100) => Some(0.97),
                ("echo", 1000) => Some(0.92),
                ("stream", _) => Some(1.0),
                _ => None,
            };
            let ratio = cell(&group, "uring")?.ratio(cell(&group, "event-loop")?, CpuPerMessage);
            let ratio = ratio.ok_or("uring wasn't measured")?;
            let verdict = bound.map(|bound| (ratio.median <= bound, format!("at most {bound}")));
            println!("  {}: {}{}", place(&group), shown(ratio), said(&verdict));
            kept &= verdict.is_none_or(|(is_kept, _)| is_kept);
        }
    }
    Ok(kept)
}

fn peers(rounds: &str) -> Result<bool> {
    println!("peers: CPU per message, as a multiple of that of the best model");
    let servers = servers()?;
    let models = format!("--models={}", MODELS.join(","));
    let mut options = vec![&*models, "--connections=10,100,1000", LONGER, rounds];
    options.extend(servers.iter().map(String::as_str));
    let record = compare(&options)?;
    let mut kept = true;
    for group in groups(&record) {
        let mut models = Vec::new();
        for name in MODELS {
            let cell = cell(&group, name)?;
            models.extend(cell.figure(CpuPerMessage).map(|cpu| (cpu.median, cell)));
        }
        let (cpu_ns, best) = models
            .into_iter()
            .min_by(|(a, _), (b, _)| a.total_cmp(b))
            .ok_or("no model was measured")?;
        let floor = group.floor(CpuPerMessage);
        println!(
            "  {}: the best model is {}, {:.2} µs; noise floor {:.1} %",
            place(&group),
            best.model,
            cpu_ns / 1e3,
            floor.share * 100.0
        );
        for peer in PEERS.split(',') {
            let ratio = cell(&group, peer)?.ratio(best, CpuPerMessage);
            let ratio = ratio.ok_or_else(|| format!("{peer} wasn't measured"))?;
            let is_kept = ratio.median >= 1.0 || !differs(ratio, floor);
            let verdict = Some((is_kept, "not below it".to_owned()));
            println!("    {peer:>14}: {}{}", shown(ratio), said(&verdict));
            kept &= is_kept;
        }
        if floor.share > MOST_FLOOR {
            println!("    the noise floor is too high: NOT DECIDED");
            kept = false;
        }
    }
    Ok(kept)
}

/// An option for each of the [`PEERS`].
fn servers() -> Result<Vec<String>> {
    let mut script = Command::new("bash");
    script.args(["docs/peers/compare.sh", "--list", "--peers", PEERS]);
    let output = script
        .current_dir(root())
        .stderr(Stdio::inherit())
        .output()?;
    let listed = String::from_utf8(output.stdout)?;
    let pairs = listed.lines().filter_map(|line| line.split_once('\t'));
    let servers: Vec<_> = pairs
        .map(|(name, command)| format!("--server={name}={command}"))
        .collect();
    match servers.len() == PEERS.split(',').count() {
        true => Ok(servers),
        false => Err("a peer was left out; try docs/peers/compare.sh --install --list".into()),
    }
}

fn compare(options: &[&str]) -> Result<Record> {
    let dir = folder("models");
    let status = Command::new(binary())
        .arg("compare")
        .args(options)
        .arg("--out")
        .arg(&dir)
        .current_dir(root())
        .stdout(Stdio::null())
        .status()?;
    match status.success() {
        true => Ok(read(&std::fs::read_to_string(dir.join("results.json"))?)?),
        false => Err(format!("portlab compare {}: {status}", options.join(" ")).into()),
    }
}

fn cell<'a>(group: &Group<'a>, name: &str) -> Result<&'a Cell> {
    let found = group.cells.iter().find(|cell| cell.model == name);
    Ok(found.ok_or_else(|| format!("{name} wasn't measured"))?)
}

fn place(group: &Group) -> String {
    format!(
        "{}, {} connections",
        group.workload.name, group.point.connections
    )
}

fn shown(ratio: Estimate) -> String {
    let Estimate {
        median,
        low,
        high,
        min,
        max,
        ..
    } = ratio;
    format!("{median:.3} ({low:.3} to {high:.3}), from {min:.3} to {max:.3}")
}

fn said(verdict: &Option<(bool, String)>) -> String {
    verdict.as_ref().map_or(String::new(), |(is_kept, bound)| {
        format!("; {bound}: {}", if *is_kept { "kept" } else { "NOT KEPT" })
    })
}
