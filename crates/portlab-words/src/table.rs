//! Laying spans out in columns.

use anstyle::Style;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// A piece of text in a colour.
#[derive(Clone, Debug, Default)]
pub struct Span {
    text: String,
    style: Style,
    /// It stands at the left of its column; figures stand at the right.
    to_the_left: bool,
}

/// The spaces between columns.
const GAP: usize = 2;

impl Span {
    /// Text that stands at the right of its column, as figures do.
    pub fn new(text: impl Into<String>, style: Style) -> Self {
        Self {
            text: text.into(),
            style,
            to_the_left: false,
        }
    }

    /// Text that stands at the left of its column.
    pub fn to_the_left(text: impl Into<String>, style: Style) -> Self {
        Self {
            to_the_left: true,
            ..Self::new(text, style)
        }
    }

    /// The columns of a terminal that it takes.
    pub fn width(&self) -> usize {
        self.text.width()
    }

    fn written(&self) -> String {
        if self.text.is_empty() {
            return String::new();
        }
        let (on, off) = (self.style.render(), self.style.render_reset());
        format!("{on}{}{off}", self.text)
    }

    fn trimmed(&self) -> String {
        let text = self.text.trim_end().to_owned();
        Self { text, ..*self }.written()
    }
}

/// Lays `rows` out, a line each, and each column as wide as its widest span.
pub fn lay_out(rows: &[Vec<Span>]) -> String {
    lay_out_apart(rows, GAP)
}

/// Lays plain text out in columns that stand `gap` spaces apart and begin at the left. The last line has no line break.
pub fn columns<const N: usize>(rows: &[[String; N]], gap: usize) -> String {
    let span = |cell: &String| Span::to_the_left(cell, Style::new());
    let rows = rows.iter().map(|row| row.iter().map(span).collect());
    let rows: Vec<Vec<_>> = rows.collect();
    lay_out_apart(&rows, gap).trim_end().to_owned()
}

fn lay_out_apart(rows: &[Vec<Span>], gap: usize) -> String {
    let widths = widths(rows);
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        for (at, (span, &width)) in row.iter().zip(&widths).enumerate() {
            let gap = if at == 0 { 0 } else { gap };
            let pad = width - span.width();
            let (before, behind) = if span.to_the_left { (0, pad) } else { (pad, 0) };
            line += &" ".repeat(gap + before);
            // No spaces follow the last span of a row.
            let last = at + 1 == row.len();
            line += &if last { span.trimmed() } else { span.written() };
            line += &" ".repeat(if last { 0 } else { behind });
        }
        text += line.trim_end();
        text.push('\n');
    }
    text
}

/// How wide `rows` are when laid out.
pub fn total_width(rows: &[Vec<Span>]) -> usize {
    let widths = widths(rows);
    widths.iter().sum::<usize>() + GAP * widths.len().saturating_sub(1)
}

fn widths(rows: &[Vec<Span>]) -> Vec<usize> {
    let mut widths: Vec<usize> = Vec::new();
    for row in rows {
        widths.resize(widths.len().max(row.len()), 0);
        for (width, span) in widths.iter_mut().zip(row) {
            *width = (*width).max(span.width());
        }
    }
    widths
}

/// `text`, if it is at most `width` wide; otherwise its beginning and an ellipsis.
pub fn cut(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut room = width.saturating_sub(1);
    let fits = |character: &char| {
        let wide = character.width().unwrap_or(0);
        let fits = wide <= room;
        room = room.saturating_sub(wide);
        fits
    };
    text.chars().take_while(fits).collect::<String>() + "…"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_also_where_characters_are_two_columns_wide() {
        let named = |name: &str, figure: &str| {
            vec![
                Span::to_the_left(name, Style::new()),
                Span::new(figure, Style::new()),
            ]
        };
        let rows = [named("model", "n"), named("你好", "10"), named("x", "7")];
        assert_eq!(lay_out(&rows), "model   n\n你好   10\nx       7\n");
        assert_eq!(total_width(&rows), 9);
    }

    #[test]
    fn plain_columns_begin_at_the_left() {
        let rows = [["端口", "b"], ["a", "c"]].map(|row| row.map(str::to_owned));
        assert_eq!(columns(&rows, 2), "端口  b\na     c");
        assert_eq!(columns(&rows, 1), "端口 b\na    c");
    }

    #[test]
    fn a_long_text_is_cut() {
        assert_eq!(cut("short", 5), "short");
        assert_eq!(cut("too long", 5), "too …");
        assert_eq!(cut("你好吗", 5), "你好…");
        assert_eq!(cut("你好吗", 4), "你…");
    }
}
