//! Reading a record, whatever version of portlab has written it.

use serde::Deserialize;
use serde_json::Value;

use crate::{
    measure::Measure,
    record::{
        Cell, Counts, Entrant, Environment, FORMAT, Failed, Kind, NotRun, Point, Record, Round,
        Setup, Text, Workload,
    },
    summary::CONTROL_SUFFIX,
};

/// Why a text is no record that can be reported on.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// It is no JSON, or breaks off.
    #[error("it is damaged, or no JSON: {0}")]
    Json(serde_json::Error),
    /// It is JSON, and something else.
    #[error("it is no record of a comparison: its \"format\" isn't one of portlab's")]
    Foreign,
    /// A newer portlab has written it.
    #[error("its format is {0:?}, and this portlab reads up to {FORMAT:?}; take a newer portlab")]
    Newer(String),
    /// It says that it is a record, and something in it is missing or of the wrong kind.
    #[error("it is damaged: {0}")]
    Damaged(serde_json::Error),
}

/// The form that was written before there were workloads.
const FIRST_FORMAT: &str = "portlab-comparison/1";
/// The form in which reasons were sentences. What it has, the newest form has too.
const SECOND_FORMAT: &str = "portlab-comparison/2";

/// Reads a record.
///
/// # Errors
/// When `text` is none, or is damaged, or is of a newer form.
pub fn read(text: &str) -> Result<Record, ReadError> {
    let value: Value = serde_json::from_str(text).map_err(ReadError::Json)?;
    let format = value.get("format").and_then(Value::as_str);
    match format {
        Some(FORMAT) => serde_json::from_value(value).map_err(ReadError::Damaged),
        Some(SECOND_FORMAT) => {
            let record: Record = serde_json::from_value(value).map_err(ReadError::Damaged)?;
            let format = FORMAT.to_owned();
            Ok(Record { format, ..record })
        }
        Some(FIRST_FORMAT) => serde_json::from_value::<First>(value)
            .map(First::renewed)
            .map_err(ReadError::Damaged),
        Some(other) if other.starts_with("portlab-comparison/") => {
            Err(ReadError::Newer(other.to_owned()))
        }
        _ => Err(ReadError::Foreign),
    }
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
    #[serde(default = "echo")]
    service: String,
    rooms: Option<usize>,
    work: String,
    size_bytes: usize,
    depth: usize,
    load_threads: usize,
    rounds: usize,
    duration_ms: u64,
    warmup_ms: u64,
    seed: u64,
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

/// What was served when there was nothing else.
fn echo() -> String {
    "echo".to_owned()
}

impl First {
    fn renewed(self) -> Record {
        let setup = self.setup;
        let mut entrants: Vec<Entrant> = Vec::new();
        for cell in &self.cells {
            if !entrants.iter().any(|known| known.name == cell.model) {
                let control = cell.model.ends_with(CONTROL_SUFFIX);
                entrants.push(Entrant {
                    name: cell.model.clone(),
                    kind: if control { Kind::Control } else { Kind::Model },
                    sheet: None,
                });
            }
        }
        let cells = self.cells.into_iter().map(|cell| Cell {
            workload: setup.service.clone(),
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
            setup: Setup {
                suite: None,
                rounds: setup.rounds,
                load_threads: setup.load_threads,
                seed: setup.seed,
                baseline: None,
            },
            workloads: vec![Workload {
                title: Text {
                    en: setup.service.clone().into(),
                    zh: setup.service.clone().into(),
                },
                asks: Text::new(
                    "What does a message cost the server?",
                    "一条消息让服务器花费多少？",
                ),
                counts: match setup.service.as_str() {
                    "chat" => Counts::Deliveries,
                    _ => Counts::Messages,
                },
                name: setup.service.clone(),
                service: setup.service,
                ranked_by: Measure::CpuPerMessage,
                work: setup.work,
                depth: setup.depth,
                rooms: setup.rooms,
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
    use crate::record::{Pinning, Together};

    /// As version 0.1.0 wrote it, before workloads.
    const FIRST: &str = include_str!("../testdata/results-1.json");

    #[test]
    fn a_record_of_older_days_still_opens() {
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
        // And what it has become is written and read as it is.
        let text = serde_json::to_string(&record).unwrap();
        assert_eq!(read(&text).unwrap(), record);
    }

    #[test]
    fn reasons_in_words_are_read_and_kept() {
        let mut record = read(FIRST).unwrap();
        record.cells[0].not_run = Some(NotRun::Told("serves two".into()));
        record.environment.pinning = Pinning::Together(Together::Told("no need".into()));
        let text = serde_json::to_string(&record).unwrap();
        let older = text.replace(FORMAT, SECOND_FORMAT);
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
    fn what_is_no_record_is_told_apart_from_what_is_damaged() {
        let said = |text: &str| read(text).unwrap_err().to_string();
        assert!(said("").contains("no JSON"));
        assert!(said(&FIRST[..FIRST.len() / 2]).contains("damaged"));
        assert!(said("{}").contains("no record of a comparison"));
        assert!(said("[1, 2]").contains("no record of a comparison"));
        assert!(said(r#"{"format": "other/1"}"#).contains("no record"));
        assert!(said(r#"{"format": "portlab-comparison/99"}"#).contains("newer portlab"));
        let error = said(r#"{"format": "portlab-comparison/2", "command": 3}"#);
        assert!(error.contains("damaged"), "{error}");
        let cut = FIRST.replace("\"messages\"", "\"massages\"");
        assert!(said(&cut).contains("missing field `messages`"));
    }
}
