//! Checks the values of a record that was read from a file: a report may rely on every rule here.
//!
//! The rules are wide: they refuse only values that no measurement produces.

use std::{fmt::Display, ops::RangeInclusive};

use crate::record::{
    Cell, Entrant, Kind, NotRun, Pinning, Point, Rate, Record, Round, Timeline, Together,
};

/// A value that no comparison writes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{key} is {value}: expected {expected}")]
pub struct Wrong {
    /// Where the value stands, as `cells[3].rounds[0].elapsed_ms`.
    pub key: String,
    /// The value; a long one is cut.
    pub value: String,
    /// What it must be.
    pub expected: String,
}

type Checked = Result<(), Wrong>;

/// The last second of the year 9999. Milliseconds since 1970 are larger.
const LAST_SECOND: u64 = 253_402_300_799;
/// The most that is counted of anything. A million of these add up without an overflow.
const MOST: u64 = 1_000_000_000_000;
/// The most bytes: a pebibyte.
const MOST_BYTES: u64 = 1 << 50;
/// The longest time: a week.
const WEEK_MS: u64 = 7 * 24 * 3600 * 1000;
/// Connections, workers, threads, processes, processors, rounds.
const MANY: u64 = 10_000_000;
/// The most cells of a record: each is compared with all others.
pub const MOST_CELLS: usize = 5000;
/// The most measurements, cells times rounds, of a comparison that is begun. More don't fit into the
/// largest file that is read.
pub const MOST_MEASUREMENTS: usize = 60_000;
/// The most rounds of a cell.
const MOST_ROUNDS: u64 = 10_000;
/// The most entrants, workloads or timelines.
const FEW: usize = 1000;
/// The longest name, in characters.
const LONGEST_NAME: usize = 1000;
/// The longest text, in bytes. A command or an error may be long.
const LONGEST_TEXT: usize = 1 << 20;

/// Checks `record`.
///
/// # Errors
/// The first value that breaks a rule.
pub(crate) fn check(record: &Record) -> Checked {
    text("portlab_version", &record.portlab_version)?;
    text("command", &record.command)?;
    if record.started_unix_s > LAST_SECOND {
        let expected = format!("seconds since 1970, at most {LAST_SECOND}; is it in milliseconds?");
        return wrong("started_unix_s", record.started_unix_s, expected);
    }
    environment(record)?;
    let setup = &record.setup;
    count("setup.rounds", setup.rounds, 0..=MOST_ROUNDS)?;
    count("setup.load_threads", setup.load_threads, 0..=MANY)?;
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
            let value = format!("a second cell of {:?} at the same point", cell.model);
            return wrong(&key, value, "each entrant once at each point of a workload");
        }
        checked_cell(&key, cell, setup.rounds)?;
    }
    for (at, strip) in record.timelines.iter().enumerate() {
        let key = format!("timelines[{at}]");
        known(record, &key, &strip.workload, &strip.model)?;
        timeline(&key, strip)?;
    }
    Ok(())
}

fn environment(record: &Record) -> Checked {
    let it = &record.environment;
    text("environment.kernel", &it.kernel)?;
    text("environment.cpu", &it.cpu)?;
    count("environment.cores", it.cores, 0..=MANY)?;
    match &it.pinning {
        Pinning::Apart {
            server_cpus,
            generator_cpus,
        } => {
            for cpu in server_cpus.iter().chain(generator_cpus) {
                count("environment.pinning.apart", *cpu, 0..=MANY)?;
            }
            Ok(())
        }
        Pinning::Together(Together::Refused(words) | Together::Told(words)) => {
            text("environment.pinning.together", words)
        }
        Pinning::Together(_) => Ok(()),
    }
}

fn entrants(record: &Record) -> Checked {
    let all = &record.entrants;
    unique("entrants", all.iter().map(|it| it.name.as_str()))?;
    let takes_part = |name: &str| all.iter().any(|it| it.name == name);
    for (at, Entrant { kind, sheet, .. }) in all.iter().enumerate() {
        let key = format!("entrants[{at}]");
        match kind {
            Kind::Model | Kind::Control => {}
            Kind::Foreign { command } => text(&format!("{key}.kind.foreign.command"), command)?,
            Kind::Twin { of } | Kind::Build { of, .. } if !takes_part(of) => {
                return wrong(
                    &format!("{key}.kind.of"),
                    quoted(of),
                    "another entrant's name",
                );
            }
            Kind::Twin { .. } => {}
            Kind::Build {
                program, version, ..
            } => {
                text(&format!("{key}.kind.build.program"), program)?;
                text(&format!("{key}.kind.build.version"), version)?;
            }
        }
        if let Some(facts) = sheet {
            for (name, value) in [
                ("family", &facts.family),
                ("term", &facts.term),
                ("idea", &facts.idea),
                ("blocks", &facts.blocks),
                ("cost", &facts.cost),
                ("breaks_first", &facts.breaks_first),
            ] {
                text(&format!("{key}.sheet.{name}.en"), &value.en)?;
                text(&format!("{key}.sheet.{name}.zh"), &value.zh)?;
            }
        }
    }
    match &record.setup.baseline {
        Some(name) if !takes_part(name) => {
            wrong("setup.baseline", quoted(name), "the name of an entrant")
        }
        _ => Ok(()),
    }
}

fn workloads(record: &Record) -> Checked {
    let all = &record.workloads;
    unique("workloads", all.iter().map(|it| it.name.as_str()))?;
    for (at, it) in all.iter().enumerate() {
        let key = |name: &str| format!("workloads[{at}].{name}");
        for (name, value) in [
            ("title.en", it.title.en.as_ref()),
            ("title.zh", &it.title.zh),
            ("asks.en", &it.asks.en),
            ("asks.zh", &it.asks.zh),
            ("service", &it.service),
            ("work", &it.work),
        ] {
            text(&key(name), value)?;
        }
        count(&key("depth"), it.depth, 0..=MANY)?;
        count(&key("rooms"), it.rooms.unwrap_or(0), 0..=MANY)?;
        within(&key("duration_ms"), it.duration_ms, 0..=WEEK_MS)?;
        within(&key("warmup_ms"), it.warmup_ms, 0..=WEEK_MS)?;
    }
    Ok(())
}

/// Whether a workload and an entrant are in the record.
fn known(record: &Record, key: &str, workload: &str, model: &str) -> Checked {
    if record.workload(workload).is_none() {
        let expected = "one of \"workloads\"";
        return wrong(&format!("{key}.workload"), quoted(workload), expected);
    }
    if record.entrant(model).is_none() {
        let expected = "one of \"entrants\"";
        return wrong(&format!("{key}.model"), quoted(model), expected);
    }
    Ok(())
}

fn checked_cell(key: &str, cell: &Cell, rounds: usize) -> Checked {
    let Point {
        connections,
        size_bytes,
        workers_asked,
        rate,
    } = cell.point;
    let of = |name: &str| format!("{key}.{name}");
    count(&of("connections"), connections, 0..=MANY)?;
    count(&of("size_bytes"), size_bytes, 0..=MOST_BYTES)?;
    count(&of("workers_asked"), workers_asked.unwrap_or(0), 0..=MANY)?;
    if let Some(Rate::PerS(rate)) = rate {
        above_zero(&of("rate.per_s"), rate)?;
    }
    count(&of("workers"), cell.workers, 0..=MANY)?;
    if let Some(best) = cell.best_per_s {
        real(&of("best_per_s"), best)?;
    }
    match &cell.not_run {
        Some(NotRun::ServesFewer(most)) => count(&of("not_run.serves_fewer"), *most, 0..=MANY)?,
        Some(NotRun::Told(words)) => text(&of("not_run"), words)?,
        _ => {}
    }
    // Each round is there once, and fails at most once.
    at_most(&of("rounds"), cell.rounds.len(), rounds)?;
    at_most(&of("failures"), cell.failures.len(), FEW.max(rounds))?;
    for (at, round) in cell.rounds.iter().enumerate() {
        let key = format!("{key}.rounds[{at}]");
        if cell.rounds[..at].iter().any(|it| it.round == round.round) {
            return wrong(
                &format!("{key}.round"),
                round.round,
                "each round once in a cell",
            );
        }
        count(&format!("{key}.round"), round.round, 1..=rounds as u64)?;
        checked_round(&key, round)?;
    }
    for (at, failed) in cell.failures.iter().enumerate() {
        let of = |name: &str| format!("{key}.failures[{at}].{name}");
        count(&of("round"), failed.round, 0..=rounds as u64)?;
        text(&of("reason"), &failed.reason)?;
    }
    let latencies = &cell.latencies.0;
    for (at, &(value, seen)) in latencies.iter().enumerate() {
        let key = format!("{key}.latencies[{at}]");
        if at > 0 && latencies[at - 1].0 >= value {
            return wrong(&key, value, "latencies in rising order, each once");
        }
        within(&key, value, 0..=WEEK_MS * 1_000_000)?;
        within(&key, seen, 1..=MOST)?;
    }
    Ok(())
}

fn checked_round(key: &str, it: &Round) -> Checked {
    let of = |name: &str| format!("{key}.{name}");
    for (name, value) in [
        ("messages", it.messages),
        ("latency_count", it.latency_count.unwrap_or(0)),
        ("threads", it.threads),
        ("processes", it.processes),
        ("errors", it.errors),
        ("due_messages", it.due_messages.unwrap_or(0)),
        ("due_not_sent", it.due_not_sent.unwrap_or(0)),
    ] {
        within(&of(name), value, 0..=MOST)?;
    }
    for (name, value) in [
        ("latency_p50_ns", it.latency_p50_ns),
        ("latency_p90_ns", it.latency_p90_ns),
        ("latency_p99_ns", it.latency_p99_ns),
        ("latency_p999_ns", it.latency_p999_ns),
        ("latency_max_ns", it.latency_max_ns),
        ("pacing_lag_p99_ns", it.pacing_lag_p99_ns.unwrap_or(0)),
    ] {
        within(&of(name), value, 0..=WEEK_MS * 1_000_000)?;
    }
    let pss = it.empty_pss_bytes.unwrap_or(0);
    within(&of("empty_pss_bytes"), pss, 0..=MOST_BYTES)?;
    within(&of("peak_pss_bytes"), it.peak_pss_bytes, 0..=MOST_BYTES)?;
    for (name, value) in [
        ("elapsed_ms", Some(it.elapsed_ms)),
        ("messages_per_s", Some(it.messages_per_s)),
        ("server_cpu_us_per_message", it.server_cpu_us_per_message),
        (
            "context_switches_per_message",
            it.context_switches_per_message,
        ),
        (
            "generator_cpu_us_per_message",
            it.generator_cpu_us_per_message,
        ),
    ] {
        real(&of(name), value.unwrap_or(0.0))?;
    }
    for (name, value) in [
        ("server_wait_share", it.server_wait_share),
        ("generator_wait_share", it.generator_wait_share),
        ("machine_cpu_pressure_share", it.machine_cpu_pressure_share),
    ] {
        within(&of(name), value.unwrap_or(0.0), 0.0..=1.0)?;
    }
    if let Some(rate) = it.offered_per_s {
        above_zero(&of("offered_per_s"), rate)?;
    }
    within(
        &of("generator_cpu_share"),
        it.generator_cpu_share,
        0.0..=1.0,
    )?;
    text(
        &of("first_error"),
        it.first_error.as_deref().unwrap_or_default(),
    )
}

fn timeline(key: &str, strip: &Timeline) -> Checked {
    let of = |name: &str| format!("{key}.{name}");
    count(&of("connections"), strip.connections, 0..=MANY)?;
    count(&of("more_tracks"), strip.more_tracks, 0..=MANY)?;
    above_zero(&of("length_us"), strip.length_us)?;
    for (at, track) in strip.tracks.iter().enumerate() {
        let of = |name: &str| format!("{key}.tracks[{at}].{name}");
        text(&of("process"), &track.process)?;
        text(&of("thread"), &track.thread)?;
        for (at, slice) in track.slices.iter().enumerate() {
            let of = |what: usize| of(&format!("slices[{at}][{what}]"));
            text(&of(0), &slice.0)?;
            within(&of(1), slice.1, 0.0..=strip.length_us)?;
            within(&of(2), slice.2, slice.1..=strip.length_us)?;
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
            let expected = format!("1 to {LONGEST_NAME} letters, digits and any of -_.+");
            return wrong(&key, quoted(name), expected);
        }
        if names.clone().take(at).any(|other| other == name) {
            return wrong(&key, quoted(name), "each name once");
        }
    }
    Ok(())
}

/// Whether a list has at most `most` elements.
fn at_most(key: &str, length: usize, most: usize) -> Checked {
    match length <= most {
        true => Ok(()),
        false => wrong(
            key,
            format_args!("a list of {length}"),
            format!("at most {most}"),
        ),
    }
}

fn text(key: &str, text: &str) -> Checked {
    if text.len() <= LONGEST_TEXT {
        return Ok(());
    }
    let value = format!("{} bytes long", text.len());
    wrong(key, value, format!("at most {LONGEST_TEXT} bytes"))
}

fn count(key: &str, count: usize, range: RangeInclusive<u64>) -> Checked {
    within(key, count as u64, range)
}

/// A figure: 0 and more.
fn real(key: &str, value: f64) -> Checked {
    within(key, value, 0.0..=MOST as f64)
}

/// What a figure is divided by, or what a scale ends with.
fn above_zero(key: &str, value: f64) -> Checked {
    within(key, value, 1.0 / MOST as f64..=MOST as f64)
}

/// Whether `value` is in `range`. What isn't a number is in none.
fn within<T: PartialOrd + Display>(key: &str, value: T, range: RangeInclusive<T>) -> Checked {
    if range.contains(&value) {
        return Ok(());
    }
    let expected = format!("{} to {}", range.start(), range.end());
    wrong(key, value, expected)
}

fn wrong(key: &str, value: impl Display, expected: impl Into<String>) -> Checked {
    Err(Wrong {
        key: key.to_owned(),
        value: value.to_string(),
        expected: expected.into(),
    })
}

/// A text in an error: on one line, and not all of it.
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
    fn what_is_wrong_is_told_with_its_key_its_value_and_what_was_expected() {
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

    /// The rules that the table above leaves out, each broken once.
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
                let (round, reason) = (6, String::new());
                it.cells[0].failures.push(Failed {
                    round,
                    reason,
                    unmetered: None,
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
