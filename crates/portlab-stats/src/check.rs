//! Checks the values of a record that was read from a file: a report may rely on every rule here.
//!
//! The rules are wide: they refuse only values that no measurement produces.

use std::{fmt::Display, ops::RangeInclusive};

use portlab_words::{Text, tr};

use crate::record::{Cell, Kind, NotRun, Pinning, Point, Rate, Record, Round, Timeline, Together};

/// The error says what is wrong with a value: `cells[3].rounds[0].elapsed_ms is -5: expected 0 to 1000000000000`.
pub(crate) type Checked = Result<(), Text>;

/// The last second of the year 9999. Milliseconds since 1970 are larger.
const LAST_SECOND: u64 = 253_402_300_799;
/// The most that is counted of anything. A million of these add up without an overflow.
const MOST: f64 = 1e12;
/// The most bytes: a pebibyte.
const MOST_BYTES: f64 = (1_u64 << 50) as f64;
/// The longest time: a week.
const WEEK_MS: f64 = 7.0 * 24.0 * 3600.0 * 1000.0;
const WEEK_NS: f64 = WEEK_MS * 1e6;
/// Connections, workers, threads, processes, processors, rounds.
const MANY: f64 = 1e7;
/// The most cells of a record: each is compared with all others.
pub const MOST_CELLS: usize = 5000;
/// The most measurements, cells times rounds, of a comparison that is begun. More don't fit into the
/// largest file that is read.
pub const MOST_MEASUREMENTS: usize = 60_000;
/// The most rounds of a cell.
const MOST_ROUNDS: f64 = 10_000.0;
/// The most entrants, workloads or timelines.
const FEW: usize = 1000;
/// The longest name, in characters.
const LONGEST_NAME: usize = 1000;
/// The longest text, in bytes. A command or an error may be long.
pub(crate) const LONGEST_TEXT: usize = 1 << 20;

/// Checks `record`.
///
/// # Errors
/// The first value that breaks a rule.
pub(crate) fn check(record: &Record) -> Checked {
    let (environment, setup) = (&record.environment, &record.setup);
    let strings = [
        ("portlab_version", &*record.portlab_version),
        ("command", &record.command),
        ("environment.kernel", &environment.kernel),
        ("environment.cpu", &environment.cpu),
    ];
    texts("", &strings)?;
    if record.started_unix_s > LAST_SECOND {
        let expected = tr!(
            "seconds since 1970, at most {LAST_SECOND}; is it in milliseconds?",
            "自 1970 年起的秒数，最多 {LAST_SECOND}；这个数的单位是不是毫秒？"
        );
        return wrong("started_unix_s", record.started_unix_s, &expected);
    }
    let counts = [
        ("environment.cores", environment.cores as f64),
        ("setup.load_threads", setup.load_threads as f64),
    ];
    numbers("", 0.0..=MANY, &counts)?;
    let rounds = setup.rounds as f64;
    numbers("", 0.0..=MOST_ROUNDS, &[("setup.rounds", rounds)])?;
    pinning("environment.pinning", &environment.pinning)?;
    for (key, length, most) in [
        ("cells", record.cells.len(), MOST_CELLS),
        ("entrants", record.entrants.len(), FEW),
        ("workloads", record.workloads.len(), FEW),
        ("timelines", record.timelines.len(), FEW),
    ] {
        at_most(key, length, most)?;
    }
    entrants(record)?;
    workloads(record)?;
    for (at, cell) in record.cells.iter().enumerate() {
        let key = format!("cells[{at}]");
        known(record, &key, &cell.workload, &cell.model)?;
        if record.cells[..at].iter().any(|other| other.is_same(cell)) {
            let expected = Text::new(
                "each entrant once at each point of a workload",
                "每个参加者在一种负载的每个测点只有一份",
            );
            return wrong(&key, quoted(&cell.model), &expected);
        }
        checked_cell(&format!("{key}."), cell, setup.rounds)?;
    }
    for (at, strip) in record.timelines.iter().enumerate() {
        let key = format!("timelines[{at}]");
        known(record, &key, &strip.workload, &strip.model)?;
        timeline(&format!("{key}."), strip)?;
    }
    Ok(())
}

fn pinning(key: &str, pinning: &Pinning) -> Checked {
    match pinning {
        Pinning::Apart {
            server_cpus,
            generator_cpus,
        } => {
            let cpus = server_cpus.iter().chain(generator_cpus);
            let cpus: Vec<_> = cpus.map(|cpu| (".apart", *cpu as f64)).collect();
            numbers(key, 0.0..=MANY, &cpus)
        }
        Pinning::Together(Together::Refused(words) | Together::Told(words)) => {
            texts(key, &[(".together", words)])
        }
        Pinning::Together(_) => Ok(()),
    }
}

fn entrants(record: &Record) -> Checked {
    let all = &record.entrants;
    unique("entrants", all.iter().map(|it| it.name.as_str()))?;
    let takes_part = |name: &str| record.entrant(name).is_some();
    for (at, entrant) in all.iter().enumerate() {
        let key = format!("entrants[{at}].");
        match &entrant.kind {
            Kind::Model | Kind::Control => {}
            Kind::Foreign { command } => texts(&key, &[("kind.foreign.command", command)])?,
            Kind::Twin { of } | Kind::Build { of, .. } if !takes_part(of) => {
                let expected = Text::new("another entrant's name", "另一个参加者的名字");
                return wrong(&format!("{key}kind.of"), quoted(of), &expected);
            }
            Kind::Twin { .. } => {}
            Kind::Build {
                program, version, ..
            } => {
                texts(&key, &[("kind.build.program", program)])?;
                texts(&key, &[("kind.build.version", version)])?;
            }
        }
        if let Some(facts) = &entrant.sheet {
            let facts = [
                ("sheet.family", &facts.family),
                ("sheet.term", &facts.term),
                ("sheet.idea", &facts.idea),
                ("sheet.blocks", &facts.blocks),
                ("sheet.cost", &facts.cost),
                ("sheet.breaks_first", &facts.breaks_first),
            ];
            in_both(&key, &facts)?;
        }
    }
    match &record.setup.baseline {
        Some(name) if !takes_part(name) => {
            let expected = Text::new("the name of an entrant", "一个参加者的名字");
            wrong("setup.baseline", quoted(name), &expected)
        }
        _ => Ok(()),
    }
}

fn workloads(record: &Record) -> Checked {
    let all = &record.workloads;
    unique("workloads", all.iter().map(|it| it.name.as_str()))?;
    for (at, it) in all.iter().enumerate() {
        let key = format!("workloads[{at}].");
        in_both(&key, &[("title", &it.title), ("asks", &it.asks)])?;
        texts(&key, &[("service", &it.service), ("work", &it.work)])?;
        let rooms = it.rooms.unwrap_or(0) as f64;
        let or_0 = |count: Option<usize>| count.unwrap_or(0) as f64;
        let counts = [
            ("depth", it.depth as f64),
            ("rooms", rooms),
            ("active_connections", or_0(it.active_connections)),
            ("heavy_depth", or_0(it.heavy_depth)),
        ];
        numbers(&key, 0.0..=MANY, &counts)?;
        let times = [
            ("duration_ms", it.duration_ms as f64),
            ("warmup_ms", it.warmup_ms as f64),
        ];
        numbers(&key, 0.0..=WEEK_MS, &times)?;
    }
    Ok(())
}

/// Whether a workload and an entrant are in the record.
fn known(record: &Record, key: &str, workload: &str, model: &str) -> Checked {
    let (name, value, list) = if record.workload(workload).is_none() {
        ("workload", workload, "workloads")
    } else if record.entrant(model).is_none() {
        ("model", model, "entrants")
    } else {
        return Ok(());
    };
    let expected = tr!("one of {list:?}", "{list:?} 中的一个");
    wrong(&format!("{key}.{name}"), quoted(value), &expected)
}

fn checked_cell(key: &str, cell: &Cell, rounds: usize) -> Checked {
    let Point {
        connections,
        size_bytes,
        workers_asked,
        rate,
    } = cell.point;
    let mut counts = vec![
        ("connections", connections as f64),
        ("workers_asked", workers_asked.unwrap_or(0) as f64),
        ("workers", cell.workers as f64),
    ];
    match &cell.not_run {
        Some(NotRun::ServesFewer(most)) => counts.push(("not_run.serves_fewer", *most as f64)),
        Some(NotRun::FewStacks(most)) => counts.push(("not_run.few_stacks", *most as f64)),
        Some(NotRun::MostProcesses(most)) => {
            counts.push(("not_run.most_processes", *most as f64));
        }
        Some(NotRun::Told(words)) => texts(key, &[("not_run", words)])?,
        _ => {}
    }
    numbers(key, 0.0..=MANY, &counts)?;
    numbers(key, 0.0..=MOST_BYTES, &[("size_bytes", size_bytes as f64)])?;
    if let Some(Rate::PerS(rate)) = rate {
        numbers(key, ABOVE_ZERO, &[("rate.per_s", rate)])?;
    }
    let best = cell.best_per_s.unwrap_or(0.0);
    numbers(key, 0.0..=MOST, &[("best_per_s", best)])?;
    // Each round is there once, and fails at most once.
    at_most(&format!("{key}rounds"), cell.rounds.len(), rounds)?;
    let failures = cell.failures.len();
    at_most(&format!("{key}failures"), failures, FEW.max(rounds))?;
    for (at, round) in cell.rounds.iter().enumerate() {
        let (key, number) = (format!("{key}rounds[{at}]."), round.round);
        if cell.rounds[..at].iter().any(|it| it.round == number) {
            let expected = Text::new("each round once in a cell", "一个测点里每轮只有一次");
            return wrong(&format!("{key}round"), number, &expected);
        }
        numbers(&key, 1.0..=rounds as f64, &[("round", number as f64)])?;
        checked_round(&key, round)?;
    }
    for (at, failed) in cell.failures.iter().enumerate() {
        let key = format!("{key}failures[{at}].");
        numbers(&key, 0.0..=rounds as f64, &[("round", failed.round as f64)])?;
        in_both(&key, &[("reason", &failed.reason)])?;
    }
    let latencies = &cell.latencies.0;
    for (at, &(value, seen)) in latencies.iter().enumerate() {
        let key = format!("{key}latencies[{at}]");
        if at > 0 && latencies[at - 1].0 >= value {
            let expected = Text::new(
                "latencies in rising order, each once",
                "延迟从小到大，各一次",
            );
            return wrong(&key, value, &expected);
        }
        numbers(&key, 0.0..=WEEK_NS, &[("", value as f64)])?;
        numbers(&key, 1.0..=MOST, &[("", seen as f64)])?;
    }
    Ok(())
}

fn checked_round(key: &str, it: &Round) -> Checked {
    let or_0 = |value: Option<u64>| value.unwrap_or(0) as f64;
    let figure_or_0 = |value: Option<f64>| value.unwrap_or(0.0);
    let counts_and_figures = [
        ("messages", it.messages as f64),
        ("latency_count", or_0(it.latency_count)),
        ("threads", it.threads as f64),
        ("processes", it.processes as f64),
        ("errors", it.errors as f64),
        ("due_messages", or_0(it.due_messages)),
        ("due_not_sent", or_0(it.due_not_sent)),
        ("elapsed_ms", it.elapsed_ms),
        ("messages_per_s", it.messages_per_s),
        ("heavy_messages_per_s", figure_or_0(it.heavy_messages_per_s)),
        (
            "server_cpu_us_per_message",
            figure_or_0(it.server_cpu_us_per_message),
        ),
        (
            "context_switches_per_message",
            figure_or_0(it.context_switches_per_message),
        ),
        (
            "generator_cpu_us_per_message",
            figure_or_0(it.generator_cpu_us_per_message),
        ),
    ];
    numbers(key, 0.0..=MOST, &counts_and_figures)?;
    let times = [
        ("latency_p50_ns", it.latency_p50_ns as f64),
        ("latency_p90_ns", it.latency_p90_ns as f64),
        ("latency_p99_ns", it.latency_p99_ns as f64),
        ("latency_p999_ns", it.latency_p999_ns as f64),
        ("latency_max_ns", it.latency_max_ns as f64),
        ("pacing_lag_p99_ns", or_0(it.pacing_lag_p99_ns)),
    ];
    numbers(key, 0.0..=WEEK_NS, &times)?;
    let memory = [
        ("empty_pss_bytes", or_0(it.empty_pss_bytes)),
        ("peak_pss_bytes", it.peak_pss_bytes as f64),
    ];
    numbers(key, 0.0..=MOST_BYTES, &memory)?;
    let pressure = figure_or_0(it.machine_cpu_pressure_share);
    let shares = [
        ("server_wait_share", figure_or_0(it.server_wait_share)),
        ("generator_wait_share", figure_or_0(it.generator_wait_share)),
        ("machine_cpu_pressure_share", pressure),
        ("generator_cpu_share", it.generator_cpu_share),
    ];
    numbers(key, 0.0..=1.0, &shares)?;
    if let Some(rate) = it.offered_per_s {
        numbers(key, ABOVE_ZERO, &[("offered_per_s", rate)])?;
    }
    let error: Vec<_> = it
        .first_error
        .iter()
        .map(|it| ("first_error", it))
        .collect();
    in_both(key, &error)
}

fn timeline(key: &str, strip: &Timeline) -> Checked {
    let counts = [
        ("connections", strip.connections as f64),
        ("more_tracks", strip.more_tracks as f64),
    ];
    numbers(key, 0.0..=MANY, &counts)?;
    let end = strip.length_us;
    numbers(key, ABOVE_ZERO, &[("length_us", end)])?;
    for (at, track) in strip.tracks.iter().enumerate() {
        let key = format!("{key}tracks[{at}].");
        let names = [("process", &*track.process), ("thread", &track.thread)];
        texts(&key, &names)?;
        for (at, slice) in track.slices.iter().enumerate() {
            let key = format!("{key}slices[{at}]");
            texts(&key, &[("[0]", &slice.0)])?;
            numbers(&key, 0.0..=end, &[("[1]", slice.1)])?;
            numbers(&key, slice.1..=end, &[("[2]", slice.2)])?;
        }
    }
    Ok(())
}

/// Whether `names` can be names in a table and of a file, and no name occurs twice.
fn unique<'a>(list: &str, names: impl Iterator<Item = &'a str> + Clone) -> Checked {
    for (at, name) in names.clone().enumerate() {
        let key = format!("{list}[{at}].name");
        let is_plain = |c: char| c.is_alphanumeric() || "-_.+".contains(c);
        let length = name.chars().count();
        if !(1..=LONGEST_NAME).contains(&length) || !name.chars().all(is_plain) {
            let expected = tr!(
                "1 to {LONGEST_NAME} letters, digits and any of -_.+",
                "1 到 {LONGEST_NAME} 个字母、数字或 -_.+"
            );
            return wrong(&key, quoted(name), &expected);
        }
        if names.clone().take(at).any(|other| other == name) {
            let expected = Text::new("each name once", "名字不重复");
            return wrong(&key, quoted(name), &expected);
        }
    }
    Ok(())
}

/// Whether a list has at most `most` elements.
fn at_most(key: &str, length: usize, most: usize) -> Checked {
    if length <= most {
        return Ok(());
    }
    let expected = tr!("at most {most} elements", "最多 {most} 项");
    wrong(key, length, &expected)
}

/// Checks the lengths of texts, whose keys begin with `prefix`.
fn texts(prefix: &str, texts: &[(&str, &str)]) -> Checked {
    match texts.iter().find(|(_, text)| text.len() > LONGEST_TEXT) {
        None => Ok(()),
        Some((key, text)) => wrong(
            &format!("{prefix}{key}"),
            quoted(text),
            &tr!("at most {LONGEST_TEXT} bytes", "最多 {LONGEST_TEXT} 字节"),
        ),
    }
}

/// Checks the lengths of texts in both languages.
fn in_both(prefix: &str, both: &[(&str, &Text)]) -> Checked {
    both.iter().try_for_each(|(key, text)| {
        let prefix = format!("{prefix}{key}");
        texts(&prefix, &[(".en", &text.en), (".zh", &text.zh)])
    })
}

/// The bounds of a divisor, and of the end of a scale.
const ABOVE_ZERO: RangeInclusive<f64> = 1.0 / MOST..=MOST;

/// Checks that all numbers, whose keys begin with `prefix`, are in `range`. NaN is in no range. Counts are compared as
/// floats: all bounds are below 2^53, up to which floats are exact.
fn numbers(prefix: &str, range: RangeInclusive<f64>, numbers: &[(&str, f64)]) -> Checked {
    let Some((key, value)) = numbers.iter().find(|(_, value)| !range.contains(value)) else {
        return Ok(());
    };
    let (least, most) = range.into_inner();
    let expected = tr!("{least} to {most}", "{least} 到 {most}");
    wrong(&format!("{prefix}{key}"), value, &expected)
}

pub(crate) fn wrong(key: &str, value: impl Display, Text { en, zh }: &Text) -> Checked {
    Err(tr!(
        "{key} is {value}: expected {en}",
        "{key} 是 {value}：应为 {zh}"
    ))
}

/// `text` as an error quotes it: on one line, and cut if it is long.
fn quoted(text: &str) -> String {
    const LONGEST: usize = 60;
    let cut: String = text.chars().take(LONGEST).collect();
    let more = if cut.len() < text.len() { "..." } else { "" };
    format!("{cut:?}{more}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        fixture::{cell, record, twin},
        record::Failed,
    };

    /// What is said of a good record after `change`.
    fn said(change: impl Fn(&mut Record)) -> String {
        let mut record = record(vec![cell("a", &[1.0; 5]), twin("a", &[1.0; 5])]);
        assert_eq!(check(&record), Ok(()));
        change(&mut record);
        check(&record).unwrap_err().to_string()
    }

    #[test]
    fn an_error_has_the_key_the_value_and_what_was_expected() {
        assert_eq!(
            said(|it| it.started_unix_s = 1_767_225_600_000),
            "started_unix_s is 1767225600000: expected seconds since 1970, at most 253402300799; is it \
             in milliseconds?"
        );
        assert_eq!(
            said(|it| it.cells[1].rounds[3].elapsed_ms = -5.0),
            "cells[1].rounds[3].elapsed_ms is -5: expected 0 to 1000000000000"
        );
        assert_eq!(
            said(|it| it.cells[0].rounds[0].messages_per_s = f64::NAN),
            "cells[0].rounds[0].messages_per_s is NaN: expected 0 to 1000000000000"
        );
        assert_eq!(
            said(|it| it.cells[0].rounds[1].round = 1),
            "cells[0].rounds[1].round is 1: expected each round once in a cell"
        );
        assert_eq!(
            said(|it| it.cells[0].rounds[1].round = 6),
            "cells[0].rounds[1].round is 6: expected 1 to 5"
        );
        assert_eq!(
            said(|it| it.cells[0].model = "b\u{1b}[2J".into()),
            r#"cells[0].model is "b\u{1b}[2J": expected one of "entrants""#
        );
        assert_eq!(
            said(|it| it.entrants[0].name = "../a".into()),
            r#"entrants[0].name is "../a": expected 1 to 1000 letters, digits and any of -_.+"#
        );
        assert_eq!(
            said(|it| it.entrants[1].name = "a".into()),
            r#"entrants[1].name is "a": expected each name once"#
        );
    }

    /// Breaks each rule that the test above leaves out.
    #[test]
    fn every_rule_holds() {
        type Break = fn(&mut Record);
        let rules: &[(&str, Break)] = &[
            ("command", |it| it.command = "x".repeat(LONGEST_TEXT + 1)),
            ("setup.rounds", |it| it.setup.rounds = usize::MAX),
            ("cells", |it| {
                let cell = it.cells[0].clone();
                it.cells = vec![cell; MOST_CELLS + 1];
            }),
            ("cells[0].rounds", |it| it.setup.rounds = 4),
            ("setup.baseline", |it| it.setup.baseline = Some("b".into())),
            ("entrants[1].kind.of", |it| {
                it.entrants[1].kind = Kind::Twin { of: "b".into() };
            }),
            ("workloads[0].name", |it| it.workloads[0].name.clear()),
            ("workloads[0].duration_ms", |it| {
                it.workloads[0].duration_ms = u64::MAX;
            }),
            ("cells[0].workload", |it| {
                it.cells[0].workload = "none".into();
            }),
            ("cells[1]", |it| it.cells[1] = it.cells[0].clone()),
            ("cells[0].connections", |it| {
                it.cells[0].point.connections = usize::MAX;
            }),
            ("cells[0].rate.per_s", |it| {
                it.cells[0].point.rate = Some(Rate::PerS(0.0));
            }),
            ("cells[0].best_per_s", |it| {
                it.cells[0].best_per_s = Some(f64::INFINITY);
            }),
            ("cells[0].failures[0].round", |it| {
                it.cells[0].failures.push(Failed {
                    round: 6,
                    ..Failed::default()
                });
            }),
            ("cells[0].latencies[1]", |it| {
                it.cells[0].latencies.0 = vec![(2, 1), (2, 1)];
            }),
            ("cells[0].latencies[0]", |it| {
                it.cells[0].latencies.0 = vec![(2, 0)];
            }),
            ("cells[0].rounds[0].offered_per_s", |it| {
                it.cells[0].rounds[0].offered_per_s = Some(0.0);
            }),
        ];
        for (key, break_it) in rules {
            let said = said(break_it);
            assert!(said.starts_with(&format!("{key} is ")), "{key}: {said}");
        }
    }

    #[test]
    fn every_number_of_a_round_has_a_rule() {
        let schema = serde_json::to_value(schemars::schema_for!(Round)).unwrap();
        for (name, property) in schema["properties"].as_object().unwrap() {
            let kind = property["type"].to_string();
            if !kind.contains("integer") && !kind.contains("number") {
                continue;
            }
            let said = said(|it| {
                let mut round = serde_json::to_value(&it.cells[0].rounds[0]).unwrap();
                round[name] = match kind.contains("integer") {
                    true => u64::MAX.into(),
                    false => f64::MAX.into(),
                };
                it.cells[0].rounds[0] = serde_json::from_value(round).unwrap();
            });
            let key = format!("cells[0].rounds[0].{name} is ");
            assert!(said.starts_with(&key), "{said}");
        }
    }
}
