//! A table that scrolls in its own room.

use maud::{Markup, PreEscaped, html};
use portlab_chart::Style;

/// A column.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Column<'a> {
    /// Its title.
    pub(crate) title: &'a str,
    /// What the title means, as a tooltip; empty for none.
    pub(crate) meaning: &'a str,
    /// Whether it has figures, which stand at the right.
    pub(crate) is_figures: bool,
}

/// A cell.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cell {
    pub(crate) text: String,
    /// How it stands among the others of its column.
    pub(crate) mark: Mark,
    /// The style of the model whose marker stands before the text.
    pub(crate) style: Option<Style>,
    /// How many columns it takes, when more than one.
    pub(crate) columns: usize,
}

/// How a figure stands among the others of its column.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Mark {
    /// Neither best nor worst.
    #[default]
    None,
    Best,
    Worst,
    /// Not to be counted.
    Muted,
}

/// Writes a table, of which each row has a cell per column. The first column stays in sight when the others are scrolled.
pub(crate) fn table(columns: &[Column<'_>], rows: &[Vec<Cell>]) -> Markup {
    html! {
        div.scroll tabindex="0" {
            table {
                thead { tr { @for column in columns { (head(column)) } } }
                tbody {
                    @for row in rows {
                        tr { @for (at, cell) in row.iter().enumerate() { (body(columns, at, cell)) } }
                    }
                }
            }
        }
    }
}

fn head(column: &Column<'_>) -> Markup {
    let meaning = (!column.meaning.is_empty()).then_some(column.meaning);
    let class = column.is_figures.then_some("num");
    html! { th scope="col" class=[class] title=[meaning] { (column.title) } }
}

fn body(columns: &[Column<'_>], at: usize, cell: &Cell) -> Markup {
    let is_figures = cell.columns < 2 && columns.get(at).is_some_and(|column| column.is_figures);
    // The sign says the same without colour.
    let (mark, sign) = match cell.mark {
        Mark::None => (None, None),
        Mark::Best => (Some("best"), Some("▲")),
        Mark::Worst => (Some("worst"), Some("▼")),
        Mark::Muted => (Some("muted"), None),
    };
    let class = [is_figures.then_some("num"), mark];
    let class = class.into_iter().flatten().collect::<Vec<_>>().join(" ");
    let class = (!class.is_empty()).then_some(class);
    let span = (cell.columns > 1).then_some(cell.columns);
    let inside = html! {
        @if let Some(style) = &cell.style { (PreEscaped(style.swatch())) }
        @match sign {
            Some(sign) => { span.mark { (sign) " " (cell.text) } },
            None => (cell.text),
        }
    };
    match at {
        0 => html! { th scope="row" class=[class] { (inside) } },
        _ => html! { td class=[class] colspan=[span] { (inside) } },
    }
}
