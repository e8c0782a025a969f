//! A table as it is written: for a terminal, with the columns for which there is room, or as Markdown.

use anstyle::Style;
use portlab_words::{
    style::DIM,
    table::{Span, lay_out, total_width},
};

/// A table.
#[derive(Debug, Default)]
pub(crate) struct Grid {
    pub(crate) columns: Vec<GridColumn>,
    /// A cell for each column, in its colours.
    pub(crate) rows: Vec<Vec<(String, Style)>>,
}

/// A column.
#[derive(Clone, Debug)]
pub(crate) struct GridColumn {
    /// Its head.
    pub(crate) head: String,
    /// Whether it has words, which stand at the left; figures stand at the right.
    pub(crate) has_words: bool,
    /// If there is no room for all columns, those with the lowest weight are left out first; `None` for a column that
    /// always stays.
    pub(crate) weight: Option<u8>,
}

impl Grid {
    /// The table for a terminal of `width` columns, and the places of the columns for which there is room. If all heads
    /// are empty, they take no row.
    pub(crate) fn text(&self, width: usize) -> (Vec<usize>, String) {
        let mut shown: Vec<usize> = (0..self.columns.len()).collect();
        loop {
            let rows = self.spans(&shown);
            let weight = |at: &usize| self.columns[*at].weight;
            let least = shown.iter().filter_map(weight).min();
            if total_width(&rows) <= width || least.is_none() {
                return (shown, lay_out(&rows));
            }
            shown.retain(|at| weight(at) != least);
        }
    }

    fn spans(&self, shown: &[usize]) -> Vec<Vec<Span>> {
        let span = |at: usize, text: &str, style: Style| match self.columns[at].has_words {
            true => Span::to_the_left(text, style),
            false => Span::new(text, style),
        };
        let head = shown
            .iter()
            .map(|&at| span(at, &self.columns[at].head, DIM));
        let has_heads = self.columns.iter().any(|column| !column.head.is_empty());
        let head = has_heads.then(|| head.collect());
        let row = |row: &Vec<(String, Style)>| {
            let cells = shown.iter().map(|&at| span(at, &row[at].0, row[at].1));
            cells.collect()
        };
        head.into_iter().chain(self.rows.iter().map(row)).collect()
    }

    /// The table as Markdown.
    pub(crate) fn markdown(&self) -> String {
        let line = |cells: Vec<&str>| {
            let cells: Vec<_> = cells.into_iter().map(escaped).collect();
            format!("| {} |\n", cells.join(" | "))
        };
        let heads = line(self.columns.iter().map(|it| it.head.trim_end()).collect());
        let rule = |column: &GridColumn| match column.has_words {
            true => ":---",
            false => "---:",
        };
        let rules: Vec<_> = self.columns.iter().map(rule).collect();
        let row =
            |row: &Vec<(String, Style)>| line(row.iter().map(|cell| cell.0.as_str()).collect());
        let rows: String = self.rows.iter().map(row).collect();
        format!("{heads}|{}|\n{rows}", rules.join("|"))
    }
}

/// `text` in Markdown, with the characters escaped that Markdown gives a meaning.
pub(crate) fn escaped(text: &str) -> String {
    let mut safe = String::new();
    for character in text.chars() {
        match character {
            '\\' | '`' | '*' | '_' | '|' | '[' | ']' | '~' | '#' => {
                safe.push('\\');
                safe.push(character);
            }
            '&' => safe += "&amp;",
            '<' => safe += "&lt;",
            control if control.is_control() => safe.push(' '),
            other => safe.push(other),
        }
    }
    safe
}
