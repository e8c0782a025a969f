//! A table of the notes as a block.

use maud::Markup;
use portlab_words::Text;

use super::Report;
use crate::{
    notes::{
        Notes,
        legend::Seen,
        table::{self, Column, Entry, Field, Row, Tone},
    },
    page::{self, Cell, Mark, Table},
};

static FIGURES: Text = Text::new("The figures: ", "全部数字：");

/// The title and the block of `table`.
pub(super) fn table(report: &Report, table: &table::Table) -> (String, Markup) {
    let columns = shown(&table.columns);
    let heads = columns.iter().map(|&at| {
        let column = &table.columns[at];
        page::Column {
            title: &column.head,
            meaning: &column.meaning,
            is_figures: column.field != Field::Name,
        }
    });
    let row = |row: &Row| {
        let name = Cell::model(&row.cell.model, report.palette.style(&row.cell.model));
        match &row.remark {
            // The name stands first, also where there are no places.
            Some(remark) => vec![name, Cell::remark(&remark.plain(), columns.len() - 1)],
            None => {
                let cells = columns.iter().map(|&at| match table.columns[at].field {
                    Field::Name => name.clone(),
                    _ => cell(row, &row.entries[at]),
                });
                cells.collect()
            }
        }
    };
    let block = Table {
        caption: "",
        columns: heads.collect(),
        rows: table.rows.iter().map(row).collect(),
    };
    let title = format!("{}{}", FIGURES.pick(report.notes.lang), table.title);
    (title, page::table(&block))
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
    let sign = entry
        .sign
        .filter(|sign| ![table::FIRST, table::LAST].contains(sign));
    let sign = sign.map_or_else(String::new, String::from);
    Cell::new(entry.text.clone() + &sign).marked(mark)
}
