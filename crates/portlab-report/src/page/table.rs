//! A table that scrolls in its own room.

use maud::{Markup, PreEscaped, html};
use portlab_chart::Style;

/// A table. Its first column stays in sight when the others are scrolled.
#[derive(Clone, Debug, Default)]
pub struct Table<'a> {
    /// What it shows; empty for no caption.
    pub caption: &'a str,
    /// The columns.
    pub columns: Vec<Column<'a>>,
    /// The rows, each with a cell per column.
    pub rows: Vec<Vec<Cell>>,
}

/// A column.
#[derive(Clone, Copy, Debug, Default)]
pub struct Column<'a> {
    /// Its title.
    pub title: &'a str,
    /// What the title means, as a tooltip; empty for none.
    pub meaning: &'a str,
    /// Whether it has figures, which stand at the right.
    pub is_figures: bool,
}

/// A cell.
#[derive(Clone, Debug, Default)]
pub struct Cell {
    /// Its text.
    pub text: String,
    /// How it stands among the others of its column.
    pub mark: Mark,
    /// The model whose sign stands before the text.
    pub style: Option<Style>,
    /// How many columns it takes, when more than one.
    pub columns: usize,
}

/// How a figure stands among the others of its column.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mark {
    /// Neither best nor worst.
    #[default]
    None,
    /// The best.
    Best,
    /// Not to be told from the best.
    WithTheBest,
    /// The worst.
    Worst,
    /// Not to be told from the worst.
    WithTheWorst,
    /// Not to be counted.
    Muted,
}

impl Cell {
    /// A cell of plain text.
    pub fn new(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            ..Self::default()
        }
    }

    /// The same with a mark.
    #[must_use]
    pub fn marked(self, mark: Mark) -> Self {
        Self { mark, ..self }
    }

    /// A model's name behind its sign.
    pub fn model(name: &str, style: Style) -> Self {
        Self {
            style: Some(style),
            ..Self::new(name)
        }
    }

    /// A remark in place of `columns` cells.
    pub fn remark(text: &str, columns: usize) -> Self {
        Self {
            columns,
            ..Self::new(text).marked(Mark::Muted)
        }
    }
}

/// Writes a table.
pub fn table(table: &Table<'_>) -> Markup {
    html! {
        div.scroll tabindex="0" {
            table {
                @if !table.caption.is_empty() { caption { (table.caption) } }
                thead { tr { @for column in &table.columns { (head(column)) } } }
                tbody {
                    @for row in &table.rows {
                        tr { @for (at, cell) in row.iter().enumerate() { (body(&table.columns, at, cell)) } }
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
    let class = [is_figures.then_some("num"), cell.mark.class()];
    let class = class.into_iter().flatten().collect::<Vec<_>>().join(" ");
    let class = (!class.is_empty()).then_some(class);
    let span = (cell.columns > 1).then_some(cell.columns);
    let inside = html! {
        @if let Some(style) = &cell.style { (PreEscaped(style.swatch())) }
        @match cell.mark.sign() {
            Some(sign) => { span.mark { (sign) " " (cell.text) } },
            None => (cell.text),
        }
    };
    match at {
        0 => html! { th scope="row" class=[class] { (inside) } },
        _ => html! { td class=[class] colspan=[span] { (inside) } },
    }
}

impl Mark {
    fn class(self) -> Option<&'static str> {
        match self {
            Self::None => None,
            Self::Best => Some("best"),
            Self::WithTheBest => Some("near-best"),
            Self::Worst => Some("worst"),
            Self::WithTheWorst => Some("near-worst"),
            Self::Muted => Some("muted"),
        }
    }

    /// What says the same without colour.
    fn sign(self) -> Option<&'static str> {
        match self {
            Self::Best => Some("▲"),
            Self::Worst => Some("▼"),
            _ => None,
        }
    }
}
