//! A table of the notes as a block.

use maud::Markup;

use super::Report;
use crate::{
    notes::{
        Notes,
        legend::Seen,
        table::{Column, Entry, FIRST, Field, LAST, Row, Table, Tone},
    },
    page::{self, Cell, Mark},
};

/// The title and the block of `table`.
pub(super) fn table(report: &Report, table: &Table) -> (String, Markup) {
    let columns = shown(&table.columns);
    let heads = columns.iter().map(|&at| {
        let column = &table.columns[at];
        page::Column {
            title: &column.head,
            meaning: &column.meaning,
            is_figures: column.field != Field::Name,
        }
    });
    let heads: Vec<_> = heads.collect();
    let row = |row: &Row| -> Vec<Cell> {
        let name = Cell {
            text: row.cell.model.clone(),
            style: Some(report.palette.style(&row.cell.model)),
            ..Cell::default()
        };
        // The name stands first, also where there are no places.
        if let Some(remark) = &row.remark {
            let remark = Cell {
                text: remark.plain(),
                mark: Mark::Muted,
                columns: columns.len() - 1,
                ..Cell::default()
            };
            return vec![name, remark];
        }
        let others = columns[1..].iter().map(|&at| cell(row, &row.entries[at]));
        std::iter::once(name).chain(others).collect()
    };
    let rows: Vec<_> = table.rows.iter().map(row).collect();
    let figures = report.notes.lang.pick("The figures: ", "全部数字：");
    let title = format!("{figures}{}", table.title);
    (title, page::table(&heads, &rows))
}

/// What the tables of the page show.
pub(super) fn seen(notes: &Notes) -> Seen {
    let mut seen = Seen::default();
    for table in notes.tables() {
        for row in &table.rows {
            for at in shown(&table.columns) {
                if let Some(entry) = row.entries.get(at) {
                    seen.entry(table.columns[at].field, &entry.text, entry.sign);
                }
            }
        }
    }
    seen
}

/// The places of the columns that the page shows: the name first, which stays in sight.
fn shown(columns: &[Column]) -> Vec<usize> {
    let is_name = |at: &usize| columns[*at].field == Field::Name;
    let all = (0..columns.len()).filter(|&at| !columns[at].field.is_narrow());
    let (names, others): (Vec<usize>, Vec<usize>) = all.partition(is_name);
    [names, others].concat()
}

fn cell(row: &Row, entry: &Entry) -> Cell {
    let mark = match entry.tone {
        _ if row.is_aside => Mark::Muted,
        Tone::Good => Mark::Best,
        Tone::Bad => Mark::Worst,
        Tone::Dim => Mark::Muted,
        Tone::Plain => Mark::None,
    };
    // A colour and a weight show what the first and the last are; other signs are written.
    let sign = entry.sign.filter(|sign| ![FIRST, LAST].contains(sign));
    Cell {
        text: entry.text.chars().chain(sign).collect(),
        mark,
        ..Cell::default()
    }
}
