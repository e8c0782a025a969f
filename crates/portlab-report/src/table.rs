//! Laying cells out in columns.

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

/// Lays `rows` out, each column as wide as its widest cell. A remark too long for `width` is cut.
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
                cut(remark, width.saturating_sub(first + GAP)).write(&mut line);
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

fn cut(span: &Span, width: usize) -> Span {
    if span.width() <= width {
        return span.clone();
    }
    let mut text = String::new();
    for character in span.text.chars() {
        let mut longer = text.clone();
        longer.push(character);
        if longer.width() + 1 > width {
            break;
        }
        text = longer;
    }
    Span::new(text + "…", span.style)
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
    fn a_remark_runs_across_and_is_cut_at_the_edge() {
        let span = |text: &str| Span::new(text, Style::new());
        let rows = [
            cells(&["ab", "1"]),
            Row::Remark(span("c"), span("much too long for this")),
        ];
        assert_eq!(lay_out(&rows, 12), "ab  1\nc   much to…\n");
    }
}
