//! The tables of the page.

use maud::{Markup, PreEscaped, html};

use super::Report;
use crate::notes::{
    Notes,
    legend::Seen,
    table::{Column, Entry, FIRST, Field, LAST, Row, Table, Tone, with_families},
};

/// `table`, folded. It scrolls by itself, and its first column, the names, stays visible.
pub(super) fn table(report: &Report, table: &Table) -> Markup {
    let (names, others): (Vec<&Column>, Vec<&Column>) =
        table.columns.iter().partition(|it| it.field == Field::Name);
    let title = report.notes.lang.pick("The figures: ", "全部数字：");
    html! {
        details.fold {
            summary { (title) (table.title) }
            div.scroll tabindex="0" {
                table {
                    thead { tr { @for column in names.iter().chain(&others) { (head(column)) } } }
                    tbody {
                        @for (family, row) in with_families(&table.rows) {
                            @if let Some(family) = family {
                                tr.family { th colspan=(table.columns.len()) scope="rowgroup" { (family) } }
                            }
                            tr {
                                th scope="row" {
                                    (PreEscaped(report.palette.style(&row.cell.model).swatch()))
                                    (row.cell.model)
                                }
                                @match &row.remark {
                                    Some(remark) => {
                                        td.muted colspan=(others.len()) { (remark.plain()) }
                                    },
                                    None => (cells(table, row)),
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn head(column: &Column) -> Markup {
    let meaning = Some(&column.meaning).filter(|it| !it.is_empty());
    let class = (column.field != Field::Name).then_some("num");
    html! { th scope="col" class=[class] title=[meaning] { (column.head(false)) } }
}

fn cells(table: &Table, row: &Row) -> Markup {
    let entries = row.entries.iter().zip(&table.columns);
    let others = entries.filter(|(_, column)| column.field != Field::Name);
    html! { @for (entry, _) in others { (cell(row, entry)) } }
}

fn cell(row: &Row, entry: &Entry) -> Markup {
    // A sign says the same without colour.
    let (class, before) = match entry.tone {
        _ if row.is_aside => ("num muted", None),
        Tone::Good => ("num best", Some(FIRST)),
        Tone::Bad => ("num worst", Some(LAST)),
        Tone::Dim => ("num muted", None),
        Tone::Plain => ("num", None),
    };
    let text = entry.text(false);
    let behind = entry.sign.filter(|sign| ![FIRST, LAST].contains(sign));
    html! {
        td class=(class) data-sort=[sorted_by(entry)] {
            @match before {
                Some(sign) => { span.mark { (sign) " " (text) @if let Some(sign) = behind { (sign) } } },
                None => { (text) @if let Some(sign) = behind { (sign) } },
            }
        }
    }
}

/// The number by which a script sorts, if the text isn't that number. More than six digits would only make the page longer.
fn sorted_by(entry: &Entry) -> Option<f64> {
    let text = entry.text(false);
    let number = entry.sort.filter(|number| text.parse() != Ok(*number))?;
    format!("{number:.5e}").parse().ok()
}

/// What the tables of the page show.
pub(super) fn seen(notes: &Notes) -> Seen {
    let mut seen = Seen::default();
    for table in notes.tables() {
        for row in &table.rows {
            for (entry, column) in row.entries.iter().zip(&table.columns) {
                seen.entry(column.field, entry.text(false), entry.sign);
            }
        }
    }
    seen
}
