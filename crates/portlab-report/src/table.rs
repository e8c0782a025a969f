//! Laying cells out in columns.

use std::borrow::Cow;

use anstyle::Style;
use unicode_width::UnicodeWidthStr;

/// A piece of text in a colour.
#[derive(Clone, Debug, Default)]
pub(crate) struct Span {
    text: String,
    style: Style,
    /// It stands at the left of its column; figures stand at the right.
    to_the_left: bool,
}

/// A row: cells in columns; or a name and a remark that runs across.
#[derive(Clone, Debug)]
pub(crate) enum Row {
    Cells(Vec<Span>),
    Remark(Span, Span),
}

/// The spaces between columns.
const GAP: usize = 2;

impl Span {
    pub(crate) fn new(text: impl Into<String>, style: Style) -> Self {
        Self {
            text: text.into(),
            style,
            to_the_left: false,
        }
    }

    pub(crate) fn to_the_left(text: impl Into<String>, style: Style) -> Self {
        Self {
            text: text.into(),
            style,
            to_the_left: true,
        }
    }

    pub(crate) fn width(&self) -> usize {
        self.text.width()
    }

    fn write(&self, line: &mut String) {
        *line += &format!(
            "{}{}{}",
            self.style.render(),
            self.text,
            self.style.render_reset()
        );
    }
}

/// The most lines that a remark takes.
const LINES: usize = 3;

/// Lays `rows` out, each column as wide as its widest cell. A remark too long for `width` goes on in
/// the next line, and is cut after [`LINES`].
pub(crate) fn lay_out(rows: &[Row], width: usize) -> String {
    let widths = widths(rows);
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        match row {
            Row::Cells(cells) => {
                for (at, (cell, &width)) in cells.iter().zip(&widths).enumerate() {
                    let gap = if at == 0 { 0 } else { GAP };
                    let pad = width - cell.width();
                    let (before, behind) = if cell.to_the_left { (0, pad) } else { (pad, 0) };
                    line += &" ".repeat(gap + before);
                    cell.write(&mut line);
                    line += &" ".repeat(behind);
                }
            }
            Row::Remark(name, remark) => {
                let first = widths.first().copied().unwrap_or(0).max(name.width());
                name.write(&mut line);
                line += &" ".repeat(first - name.width() + GAP);
                let pieces = pieces(remark, width.saturating_sub(first + GAP).max(1));
                for (at, piece) in pieces.iter().enumerate() {
                    if at > 0 {
                        line.push('\n');
                        line += &" ".repeat(first + GAP);
                    }
                    piece.write(&mut line);
                }
            }
        }
        text += line.trim_end();
        text.push('\n');
    }
    text
}

/// How wide `rows` are when laid out, remarks aside.
pub(crate) fn total_width(rows: &[Row]) -> usize {
    let widths = widths(rows);
    widths.iter().sum::<usize>() + GAP * widths.len().saturating_sub(1)
}

fn widths(rows: &[Row]) -> Vec<usize> {
    let mut widths: Vec<usize> = Vec::new();
    for row in rows {
        let cells = match row {
            Row::Cells(cells) => &cells[..],
            Row::Remark(name, _) => std::slice::from_ref(name),
        };
        widths.resize(widths.len().max(cells.len()), 0);
        for (width, cell) in widths.iter_mut().zip(cells) {
            *width = (*width).max(cell.width());
        }
    }
    widths
}

/// The lines of a remark.
fn pieces(remark: &Span, width: usize) -> Vec<Span> {
    let mut lines = textwrap::wrap(&remark.text, width);
    if lines.len() > LINES {
        lines.truncate(LINES);
        let last = lines.pop().unwrap_or_default();
        lines.push(cut(&last, width).into());
    }
    let piece = |line: &Cow<'_, str>| Span::new(line.as_ref(), remark.style);
    lines.iter().map(piece).collect()
}

/// The beginning of `line` and an ellipsis, together at most `width` wide.
fn cut(line: &str, width: usize) -> String {
    let mut text = String::new();
    for character in line.chars() {
        let mut longer = text.clone();
        longer.push(character);
        if longer.width() + 1 > width {
            break;
        }
        text = longer;
    }
    text + "…"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cells(texts: &[&str]) -> Row {
        Row::Cells(
            texts
                .iter()
                .map(|text| Span::new(*text, Style::new()))
                .collect(),
        )
    }

    #[test]
    fn columns_line_up_also_where_characters_are_two_columns_wide() {
        let named = |name: &str, figure: &str| {
            let (name, figure) = (name.to_owned(), figure.to_owned());
            let name = Span::to_the_left(name, Style::new());
            Row::Cells(vec![name, Span::new(figure, Style::new())])
        };
        let rows = [named("model", "n"), named("你好", "10"), named("x", "7")];
        assert_eq!(lay_out(&rows, 80), "model   n\n你好   10\nx       7\n");
        assert_eq!(total_width(&rows), 9);
    }

    #[test]
    fn a_remark_runs_across_and_on_in_the_next_line() {
        let span = |text: &str| Span::new(text, Style::new());
        let rows = [
            cells(&["ab", "1"]),
            Row::Remark(span("c"), span("much too long for this")),
        ];
        assert_eq!(
            lay_out(&rows, 12),
            "ab  1\nc   much too\n    long for\n    this\n"
        );
        assert_eq!(lay_out(&rows, 9), "ab  1\nc   much\n    too\n    long…\n");
    }
}
