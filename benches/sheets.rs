//! Measures the figures on the models' sheets: memory of an idle connection, CPU time of a short connection, and CPU time
//! of the hand-over of a job to a pool.
//!
//!     cargo bench --bench sheets                      prints them
//!     PORTLAB_RENEW=1 cargo bench --bench sheets      writes crates/portlab-backends/measured.json
//!
//! Ends with 1 if a figure on a sheet differs by more than a factor of two.

use std::{fs, process::Command, time::SystemTime};

use portlab_backends::{MODELS, Serves, measured};
use portlab_stats::{
    measure::Measure,
    read::read,
    record::{Environment, Record},
};
use portlab_testkit::{binary, folder, is_bench};
use portlab_words::tr;
use serde_json::{Value, json};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// The figures of another machine may differ by this factor.
const FACTOR: f64 = 2.0;
/// Idle connections: so many that a byte for each can be measured.
const IDLE: &str = "--connections=1000";
const FILE: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../portlab-backends/measured.json"
);

fn main() -> Result<()> {
    if !is_bench() {
        return Ok(());
    }
    let all: Vec<&str> = MODELS.iter().map(|model| model.sheet().name).collect();
    let open = MODELS.iter().map(|model| model.sheet());
    let open = open.filter(|sheet| sheet.serves == Serves::Open);
    let open: Vec<&str> = open.map(|sheet| sheet.name).collect();
    let idle = compare(&open, &["--workload=idle", IDLE, "--rounds=9"])?;
    let churn = compare(&all, &["--workload=churn", "--rounds=15"])?;
    let job = [
        "--workload=echo",
        "--connections=1",
        "--work=cpu:10us",
        "--rounds=21",
    ];
    let jobs = compare(&["event-loop", "loop-pool"], &job)?;
    let bytes = |name: &str| figure(&idle, name, Measure::MemoryPerConnection);
    let cpu_us =
        |record: &Record, name: &str| Some(figure(record, name, Measure::CpuPerMessage)? / 1e3);
    let hop_us = cpu_us(&jobs, "loop-pool").zip(cpu_us(&jobs, "event-loop"));
    let figures = |name: &str| -> Value {
        let hop_us = hop_us.filter(|_| name == "loop-pool");
        let figures = [
            ("idle_connection_bytes", bytes(name)),
            ("short_connection_cpu_us", cpu_us(&churn, name)),
            ("hand_over_cpu_us", hop_us.map(|(pool, own)| pool - own)),
        ];
        let known = figures.into_iter();
        let known = known.filter_map(|(key, figure)| Some((key, figure?.round())));
        known.collect()
    };
    let models: Value = all.iter().map(|name| (*name, figures(name))).collect();
    let Environment {
        cpu, cores, kernel, ..
    } = &churn.environment;
    let place = tr!(
        "{cpu}, {cores} cores, Linux {kernel}",
        "{cpu}，{cores} 核，Linux {kernel}"
    );
    let now = humantime::format_rfc3339_seconds(SystemTime::now()).to_string();
    let record = json!({"place": place, "date": &now[..10], "models": models});
    let text = format!("{record:#}\n");
    print!("{text}");
    if std::env::var_os("PORTLAB_RENEW").is_some() {
        fs::write(FILE, text)?;
        println!("written to {FILE}; now renew docs/models.md");
        return Ok(());
    }
    if differs(&record) {
        std::process::exit(1);
    }
    Ok(())
}

/// Prints the figures on the sheets that differ too much, and returns whether there is one.
fn differs(record: &Value) -> bool {
    let mut differs = false;
    for model in MODELS {
        let name = model.sheet().name;
        let now = &record["models"][name];
        for (key, sheet) in measured::of(name) {
            let Some(figure) = now[key].as_f64() else {
                continue;
            };
            let ratio = figure.max(1.0) / sheet.max(1.0);
            if !(1.0 / FACTOR..=FACTOR).contains(&ratio) {
                println!("{name}: {key} is {sheet} on the sheet and {figure} here");
                differs = true;
            }
        }
    }
    differs
}

/// The record of a comparison of `models`.
fn compare(models: &[&str], options: &[&str]) -> Result<Record> {
    let out = folder("results");
    let output = Command::new(binary())
        .args(["compare", "--json", "--models", &models.join(","), "--out"])
        .arg(&out)
        .args(options)
        .stderr(std::process::Stdio::inherit())
        .output()?;
    if !output.status.success() {
        return Err(format!("portlab compare ended with {}", output.status).into());
    }
    Ok(read(std::str::from_utf8(&output.stdout)?)?)
}

/// The median over the rounds of `model`'s cell.
fn figure(record: &Record, model: &str, measure: Measure) -> Option<f64> {
    let cell = record.cells.iter().find(|cell| cell.model == model)?;
    Some(cell.figure(measure)?.median)
}
