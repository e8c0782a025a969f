//! What a comparison has shown: the sentences of its report, and the figures of the two models.

use portlab_report::{Notes, figure_of, label_of, not_run};
use portlab_stats::{
    measure::Measure,
    record::{Cell, Counts, Record},
};
use portlab_words::{Lang, Text};
use serde::Serialize;

/// What is shown of a comparison.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Outcome {
    /// Why one model is better than the other, or that no difference was measured: the findings of the report.
    pub(super) sentences: Vec<Text>,
    pub(super) table: Table,
}

/// The figures of the models.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Table {
    /// What each column is.
    columns: Vec<Text>,
    rows: Vec<Row>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
struct Row {
    model: String,
    /// A figure for each column, with its unit; `–` if it isn't known.
    cells: Vec<String>,
    /// Why the model wasn't measured.
    why: Option<Text>,
}

/// The columns of the table, in order.
const MEASURES: [Measure; 5] = [
    Measure::MessagesPerS,
    Measure::LatencyP50,
    Measure::LatencyP99,
    Measure::CpuPerMessage,
    Measure::PeakMemory,
];

impl Outcome {
    /// The outcome of `record` for the two `models`.
    pub(super) fn of(record: &Record, models: [&str; 2]) -> Self {
        let [en, zh] = [Lang::En, Lang::Zh].map(|lang| Notes::of(record, lang).findings());
        let sentences = en.into_iter().zip(zh).map(|(en, zh)| Text {
            en: en.into(),
            zh: zh.into(),
        });
        let counts = record.workloads.first();
        let counts = counts.map_or(Counts::Messages, |it| it.counts);
        let cells = record.cells.iter();
        let cells = cells.filter(|cell| models.contains(&cell.model.as_str()));
        Self {
            sentences: sentences.collect(),
            table: Table {
                columns: MEASURES.map(|it| label_of(it, counts)).to_vec(),
                rows: cells.map(Row::of).collect(),
            },
        }
    }
}

impl Row {
    fn of(cell: &Cell) -> Self {
        let figure = |measure: Measure| {
            let figure = cell.figure(measure);
            figure.map_or_else(|| "–".to_owned(), |it| figure_of(measure, it.median))
        };
        let why = cell.not_run.as_ref();
        let failed = || cell.failures.first().map(|it| it.reason.clone());
        Self {
            model: cell.model.clone(),
            cells: match cell.rounds.is_empty() {
                true => Vec::new(),
                false => MEASURES.map(figure).to_vec(),
            },
            why: why
                .map(|it| not_run(it, cell.point.connections))
                .or_else(failed),
        }
    }
}
