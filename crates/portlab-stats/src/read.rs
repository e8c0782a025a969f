//! Reading a record, whatever version of portlab has written it.

use portlab_words::{Text, tr};
use serde::{
    Deserialize,
    de::{DeserializeOwned, IgnoredAny},
};

use crate::{
    check::check,
    load::{self, LoadRecord},
    measure::Measure,
    record::{
        Cell, Counts, Entrant, Environment, FORMAT, Failed, Kind, NotRun, Point, Record, Round,
        Setup, Workload,
    },
    summary::control_of,
};

/// Why a text isn't a record that can be reported on.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// It is JSON, but not a record.
    #[error(transparent)]
    Foreign(Text),
    /// A newer portlab has written it.
    #[error(transparent)]
    Newer(Text),
    /// It isn't UTF-8, ends early, or has a value that no comparison writes.
    #[error(transparent)]
    Damaged(Text),
}

impl ReadError {
    fn foreign() -> Self {
        Self::Foreign(Text::new(
            "it isn't a record of a comparison or of a load: its \"format\" isn't one of portlab's",
            "它不是比较或负载测试的记录：\"format\" 不是 portlab 的格式",
        ))
    }

    fn newer(format: &str, newest: &str) -> Self {
        Self::Newer(tr!(
            "its format is {format:?}, and this portlab reads up to {newest:?}; take a newer portlab",
            "它的格式是 {format:?}，这个 portlab 最新只读 {newest:?}；请用更新的 portlab"
        ))
    }

    fn damaged(Text { en, zh }: Text) -> Self {
        Self::Damaged(tr!("it is damaged: {en}", "它已损坏：{zh}"))
    }
}

/// The form that was written before there were workloads.
const FIRST_FORMAT: &str = "portlab-comparison/1";
/// Forms in which reasons were sentences (2) and fact sheets English (2 and 3). The newest form's types read them.
const OLDER_FORMATS: [&str; 2] = ["portlab-comparison/2", "portlab-comparison/3"];

/// What some editors and shells put before UTF-8.
const BYTE_ORDER_MARK: char = '\u{feff}';

/// What a file holds.
#[derive(Clone, Debug, PartialEq)]
pub enum Stored {
    /// A comparison.
    Comparison(Box<Record>),
    /// A run of a load.
    Load(Box<LoadRecord>),
}

/// Reads a record from the bytes of a file.
///
/// # Errors
/// As [`read`], and when the bytes aren't UTF-8.
pub fn read_bytes(bytes: &[u8]) -> Result<Record, ReadError> {
    read_any_bytes(bytes).and_then(comparison)
}

/// Reads a record of either kind from the bytes of a file.
///
/// # Errors
/// As [`read_bytes`].
pub fn read_any_bytes(bytes: &[u8]) -> Result<Stored, ReadError> {
    let Text { en, zh } = match (bytes, str::from_utf8(bytes)) {
        (_, Ok(text)) => return read_any(text),
        // What `>` of PowerShell 5 writes.
        ([0xFF, 0xFE, ..] | [0xFE, 0xFF, ..], _) => Text::new("UTF-16", "UTF-16"),
        _ => Text::new("another encoding", "别的编码"),
    };
    Err(ReadError::Damaged(tr!(
        "it isn't UTF-8 but {en}; save it as UTF-8",
        "它的编码不是 UTF-8，而是{zh}；请另存为 UTF-8"
    )))
}

/// Reads a record, and checks its values.
///
/// # Errors
/// When `text` isn't a record, or is a damaged one, or one of a newer form.
pub fn read(text: &str) -> Result<Record, ReadError> {
    read_any(text).and_then(comparison)
}

fn comparison(stored: Stored) -> Result<Record, ReadError> {
    match stored {
        Stored::Comparison(record) => Ok(*record),
        Stored::Load(_) => Err(ReadError::Foreign(Text::new(
            "it isn't a record of a comparison, but of a load",
            "它不是比较的记录，而是负载测试的记录",
        ))),
    }
}

/// Reads a record of either kind, and checks its values.
fn read_any(text: &str) -> Result<Stored, ReadError> {
    let text = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
    let head: Head = serde_json::from_str(text).map_err(|error| match error.is_data() {
        true => ReadError::foreign(),
        false => ReadError::Damaged(tr!(
            "it is damaged, or not JSON: {error}",
            "它已损坏，或者不是 JSON：{error}"
        )),
    })?;
    let record = match head.format.as_deref() {
        Some(FORMAT) => parse::<Record>(text)?,
        Some(older) if OLDER_FORMATS.contains(&older) => Record {
            format: FORMAT.to_owned(),
            ..parse::<Record>(text)?
        },
        Some(FIRST_FORMAT) => parse::<First>(text)?.renewed(),
        Some(load::FORMAT) => return read_load(text),
        Some(other) if other.starts_with("portlab-comparison/") => {
            return Err(ReadError::newer(other, FORMAT));
        }
        Some(other) if other.starts_with("portlab-load/") => {
            return Err(ReadError::newer(other, load::FORMAT));
        }
        _ => return Err(head.without_format()),
    };
    check(&record).map_err(ReadError::damaged)?;
    Ok(Stored::Comparison(Box::new(record)))
}

fn read_load(text: &str) -> Result<Stored, ReadError> {
    let record: LoadRecord = parse(text)?;
    let values = serde_json::to_value(&record).map_err(|error| {
        // It was JSON before.
        ReadError::damaged(error.to_string().into())
    })?;
    load::check_values(&values, "").map_err(ReadError::damaged)?;
    load::check(&record).map_err(ReadError::damaged)?;
    Ok(Stored::Load(Box::new(record)))
}

/// The only part of a text that tells its form. Everything else is skipped, and takes no memory.
#[derive(Deserialize)]
struct Head {
    format: Option<String>,
    /// A ladder of loads has these, and a load of an older portlab that.
    rungs: Option<IgnoredAny>,
    #[serde(rename = "loop")]
    pace: Option<IgnoredAny>,
}

impl Head {
    fn without_format(&self) -> ReadError {
        ReadError::Foreign(match (&self.format, &self.rungs, &self.pace) {
            (None, Some(_), _) => Text::new(
                "it has the loads of a ladder of rates, and a report is about one; load with one --rate",
                "它是一组速率的负载测试，而报告只针对一次；请只用一个 --rate",
            ),
            (None, None, Some(_)) => Text::new(
                "it is a load that an older portlab measured, without the figures over time; load again",
                "它是旧版 portlab 的负载测试结果，没有随时间变化的数字；请重新测量",
            ),
            _ => return ReadError::foreign(),
        })
    }
}

/// Parses `text` to a record. A key that is there twice is an error. The error names the key.
fn parse<T: DeserializeOwned>(text: &str) -> Result<T, ReadError> {
    let mut json = serde_json::Deserializer::from_str(text);
    let parsed = serde_path_to_error::deserialize(&mut json);
    parsed.map_err(|error| ReadError::damaged(inert(&error.to_string()).into()))
}

/// `text` with its control characters escaped: an error may quote the file.
fn inert(text: &str) -> String {
    let shown = |c: char| match c {
        '"' | '\'' | '\\' => c.to_string(),
        _ => c.escape_debug().to_string(),
    };
    text.chars().map(shown).collect()
}

/// A record of the first form: one workload, models only.
#[derive(Deserialize)]
struct First {
    portlab_version: String,
    command: String,
    started_unix_s: u64,
    environment: Environment,
    setup: FirstSetup,
    complete: bool,
    cells: Vec<FirstCell>,
}

#[derive(Deserialize)]
struct FirstSetup {
    /// Absent in records that are older than the chat.
    service: Option<String>,
    rooms: Option<usize>,
    work: String,
    size_bytes: usize,
    depth: usize,
    duration_ms: u64,
    warmup_ms: u64,
    /// The fields that a setup still has.
    #[serde(flatten)]
    today: Setup,
}

#[derive(Deserialize)]
struct FirstCell {
    model: String,
    connections: usize,
    workers: usize,
    not_run: Option<NotRun>,
    rounds: Vec<Round>,
    #[serde(default)]
    failures: Vec<Failed>,
}

impl First {
    fn renewed(self) -> Record {
        let setup = self.setup;
        let service = setup.service.unwrap_or_else(|| "echo".to_owned());
        let mut entrants: Vec<Entrant> = Vec::new();
        for cell in &self.cells {
            if !entrants.iter().any(|known| known.name == cell.model) {
                let control = control_of(&cell.model).is_some();
                entrants.push(Entrant {
                    name: cell.model.clone(),
                    kind: if control { Kind::Control } else { Kind::Model },
                    sheet: None,
                });
            }
        }
        let cells = self.cells.into_iter().map(|cell| Cell {
            workload: service.clone(),
            model: cell.model,
            point: Point {
                connections: cell.connections,
                size_bytes: setup.size_bytes,
                workers_asked: None,
                rate: None,
            },
            workers: cell.workers,
            not_run: cell.not_run,
            best_per_s: None,
            rounds: cell.rounds,
            failures: cell.failures,
            latencies: Default::default(),
        });
        Record {
            format: FORMAT.to_owned(),
            portlab_version: self.portlab_version,
            command: self.command,
            started_unix_s: self.started_unix_s,
            environment: self.environment,
            complete: self.complete,
            cells: cells.collect(),
            entrants,
            timelines: Vec::new(),
            setup: setup.today,
            workloads: vec![Workload {
                title: service.clone().into(),
                asks: Text::new(
                    "What does a message cost the server?",
                    "一条消息的代价是多少？",
                ),
                counts: match service.as_str() {
                    "chat" => Counts::Deliveries,
                    _ => Counts::Messages,
                },
                name: service.clone(),
                service,
                ranked_by: Measure::CpuPerMessage,
                work: setup.work,
                depth: setup.depth,
                rooms: setup.rooms,
                active_connections: None,
                heavy_depth: None,
                server_on_all_cpus: false,
                duration_ms: setup.duration_ms,
                warmup_ms: setup.warmup_ms,
            }],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        fixture::{cell, record},
        record::{Pinning, Together},
    };

    /// As version 0.1.0 wrote it, before workloads.
    const FIRST: &str = include_str!("../testdata/results-1.json");

    #[test]
    fn a_record_of_the_first_form_is_read() {
        let record = read(FIRST).unwrap();
        assert_eq!(record.format, FORMAT);
        assert_eq!(record.workloads.len(), 1);
        assert_eq!(record.workloads[0].name, "echo");
        let cell = &record.cells[0];
        assert_eq!(
            (cell.workload.as_str(), cell.point.size_bytes),
            ("echo", 64)
        );
        assert!(cell.rounds[0].server_cpu_us_per_message.unwrap() > 0.0);
        assert!(record.entrants.iter().all(|it| it.kind == Kind::Model));
        // The record in its new form is written and read unchanged.
        let text = serde_json::to_string(&record).unwrap();
        assert_eq!(read(&text).unwrap(), record);
    }

    #[test]
    fn figures_are_read_to_their_last_digit() {
        let mut record = read(FIRST).unwrap();
        // A faster, less exact parser would read 785 at the end.
        record.cells[0].rounds[0].elapsed_ms = 21.984295331161782;
        let text = serde_json::to_string(&record).unwrap();
        assert_eq!(read(&text).unwrap(), record);
    }

    #[test]
    fn reasons_in_words_are_read_and_kept() {
        let mut record = read(FIRST).unwrap();
        record.cells[0].not_run = Some(NotRun::Told("serves two".into()));
        record.environment.pinning = Pinning::Together(Together::Told("no need".into()));
        let text = serde_json::to_string(&record).unwrap();
        let older = text.replace(FORMAT, OLDER_FORMATS[0]);
        assert!(older.contains(r#""not_run":"serves two""#), "{older}");
        assert_eq!(read(&older).unwrap(), record);
        // What is an enum now is one in the file.
        record.cells[0].not_run = Some(NotRun::ServesFewer(16));
        record.environment.pinning = Pinning::Together(Together::OneCore);
        let text = serde_json::to_string(&record).unwrap();
        assert!(text.contains(r#""not_run":{"serves_fewer":16}"#), "{text}");
        assert_eq!(read(&text).unwrap(), record);
    }

    #[test]
    fn a_fact_sheet_in_english_stands_for_both_languages() {
        let record = record(vec![cell("fork", &[3.0])]);
        let facts = record.entrants[0].sheet.as_ref().unwrap();
        let text = serde_json::to_string(&record).unwrap();
        assert_eq!(read(&text).unwrap(), record);
        let family = serde_json::to_string(&facts.family).unwrap();
        let older = text
            .replace(&family, "\"processes\"")
            .replace(FORMAT, OLDER_FORMATS[1]);
        let facts = read(&older).unwrap().entrants.swap_remove(0).sheet.unwrap();
        assert_eq!(
            (&*facts.family.en, &*facts.family.zh),
            ("processes", "processes")
        );
        let wrong = read(&text.replace(&family, "3")).unwrap_err().to_string();
        assert!(
            wrong.contains("entrants[0].sheet.family: expected a text"),
            "{wrong}"
        );
    }

    #[test]
    fn the_error_tells_a_foreign_file_from_a_damaged_record() {
        let said = |text: &str| read(text).unwrap_err().to_string();
        let cut = FIRST.replace("\"messages\"", "\"massages\"");
        for (text, reason) in [
            ("", "not JSON"),
            (&FIRST[..FIRST.len() / 2], "damaged"),
            ("{}", "isn't a record of a comparison"),
            ("[1, 2]", "isn't a record of a comparison"),
            (r#"{"format": "other/1"}"#, "isn't a record"),
            (r#"{"format": "portlab-comparison/99"}"#, "newer portlab"),
            (
                r#"{"format": "portlab-comparison/2", "command": 3}"#,
                "command: invalid type: integer `3`",
            ),
            (
                r#"{"format": "portlab-comparison/2", "command": "", "command": ""}"#,
                "duplicate field `command`",
            ),
            (&cut, "cells[0].rounds[0]: missing field `messages`"),
        ] {
            assert!(said(text).contains(reason), "{reason}: {}", said(text));
        }
        let kind = FIRST.replace("\"work\": \"", "\"rooms\": \"\\u001b[2J\", \"work\": \"");
        assert!(said(&kind).contains("\\u{1b}"), "{}", said(&kind));
    }

    #[test]
    fn a_load_is_told_from_a_comparison_and_its_values_are_checked() {
        let load = load::fixture::load(300.0);
        let text = serde_json::to_string(&load).unwrap();
        assert_eq!(
            read_any(&text).unwrap(),
            Stored::Load(Box::new(load.clone()))
        );
        let said = |text: &str| read_any(text).unwrap_err().to_string();
        assert!(
            read(&text)
                .unwrap_err()
                .to_string()
                .contains("but of a load")
        );
        let newer = text.replace(load::FORMAT, "portlab-load/99");
        for (text, reason) in [
            (&*newer, "newer portlab"),
            (&text[..text.len() / 2], "damaged"),
            (r#"{"rungs": []}"#, "one --rate"),
            (r#"{"loop": "closed", "rate_per_s": null}"#, "older portlab"),
            (
                &text.replace("\"errors\":0,\"failures\"", "\"failures\""),
                "missing field `errors`",
            ),
            (
                &text.replace("\"closed\"", "\"round\""),
                "loop: unknown variant `round`",
            ),
        ] {
            assert!(said(text).contains(reason), "{reason}: {}", said(text));
        }
        let wrong = |change: fn(&mut LoadRecord)| {
            let mut wrong = load.clone();
            change(&mut wrong);
            said(&serde_json::to_string(&wrong).unwrap())
        };
        let first = wrong(|it| it.intervals[1].from_ns = 0);
        assert!(first.contains("intervals[1].from_ns is 0"), "{first}");
        let second = wrong(|it| it.histograms.latency.0[1].0 = 1);
        assert!(second.contains("histograms.latency[1] is 1"), "{second}");
        let third = wrong(|it| it.intervals[2].messages = u64::MAX);
        assert!(
            third.contains("intervals[2].messages is 18446744073709552000: expected"),
            "{third}"
        );
        let fourth = wrong(|it| it.notes = vec![String::new(); load::MOST_ITEMS + 1]);
        assert!(
            fourth.contains("notes is 5001: expected at most 5000"),
            "{fourth}"
        );
    }

    #[test]
    fn a_byte_order_mark_is_read_and_another_encoding_is_named() {
        let marked = format!("\u{feff}{FIRST}");
        assert_eq!(read_bytes(marked.as_bytes()).unwrap(), read(FIRST).unwrap());
        let utf_16: Vec<u8> = marked.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let error = read_bytes(&utf_16).unwrap_err().to_string();
        assert_eq!(error, "it isn't UTF-8 but UTF-16; save it as UTF-8");
        let latin = read_bytes(b"{\"cpu\": \"\xB5\"}").unwrap_err().to_string();
        assert!(latin.contains("another encoding"), "{latin}");
    }
}
