//! A row on the screen: when, where from, how many bytes, and text and hex side by side.

use std::{cell::RefCell, collections::HashMap, ops::Range, rc::Rc};

use portlab_assist::{Ended, Log, Row, What};
use portlab_words::{Lang, plural, tr, wrap::wrap};
use ratatui::{
    style::{Color, Style, Stylize},
    text::{Line, Span},
};
use unicode_width::UnicodeWidthStr;

use super::scroll::Rows;

/// How rows are laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Form {
    pub(super) lang: Lang,
    /// The columns of the screen.
    pub(super) width: usize,
    /// How many lines of one row are shown.
    pub(super) most_lines: usize,
}

/// The lines of the rows that were seen last.
#[derive(Default)]
pub(super) struct Laid {
    form: Option<Form>,
    lines: RefCell<HashMap<u64, Rc<Vec<Line<'static>>>>>,
}

/// The rows of a log, laid out when they are asked for.
pub(super) struct LaidRows<'a> {
    log: &'a Log,
    form: Form,
    laid: &'a Laid,
}

impl Laid {
    /// How many rows are laid out.
    #[cfg(test)]
    pub(super) fn count(&self) -> usize {
        self.lines.borrow().len()
    }

    /// Forgets all lines: the rows have changed.
    pub(super) fn clear(&mut self) {
        self.form = None;
    }

    /// The rows of `log` in `form`.
    pub(super) fn rows<'a>(&'a mut self, log: &'a Log, form: Form) -> LaidRows<'a> {
        if self.form != Some(form) || self.lines.get_mut().len() > KEPT {
            self.form = Some(form);
            self.lines.get_mut().clear();
        }
        LaidRows {
            log,
            form,
            laid: self,
        }
    }
}

impl LaidRows<'_> {
    pub(super) fn laid(&self, number: u64) -> Rc<Vec<Line<'static>>> {
        let mut lines = self.laid.lines.borrow_mut();
        let laid = lines.entry(number).or_insert_with(|| {
            let at = usize::try_from(number - self.log.dropped()).unwrap_or(usize::MAX);
            let row = self.log.rows().get(at);
            Rc::new(row.map_or_else(Vec::new, |row| lay_out(row, self.form)))
        });
        Rc::clone(laid)
    }
}

impl Rows for LaidRows<'_> {
    fn numbers(&self) -> Range<u64> {
        let first = self.log.dropped();
        first..first + self.log.rows().len() as u64
    }

    fn lines(&self, number: u64) -> usize {
        self.laid(number).len().max(1)
    }
}

/// The lines of a row. Text, hex and the words of an event stand in a column of their own.
fn lay_out(row: &Row, form: Form) -> Vec<Line<'static>> {
    let lead = lead(row, form);
    let indent: usize = lead.iter().map(Span::width).sum();
    let room = form.width.saturating_sub(indent).max(LEAST);
    let mut lines = match row.what.bytes() {
        Some((_, bytes)) => of_bytes(row, bytes, room, form),
        None => of_event(row, room, form.lang),
    };
    if let Some(note) = row.note() {
        let key = match is_behind_f2(row) {
            true => form.lang.pick(" (or press F2)", "（或按 F2）"),
            false => "",
        };
        let note = format!("! {}{key}", note.pick(form.lang));
        let note = wrap(&note, room).into_iter();
        lines.extend(note.map(|it| Line::from(it.magenta().bold())));
    }
    let blank = vec![Span::from(" ".repeat(indent))];
    let mut before = lead;
    for line in &mut lines {
        let before = std::mem::replace(&mut before, blank.clone());
        line.spans.splice(0..0, before);
    }
    lines
}

/// Whether F2 chooses the encoding that the note names.
fn is_behind_f2(row: &Row) -> bool {
    let read = row.readings.first().map(|it| it.encoding.name());
    let guess = row.guess.as_ref().map(|it| it.encoding.name());
    match read {
        Some("UTF-8") => guess == Some("GBK"),
        _ => guess == Some("UTF-8"),
    }
}

/// When, which client, which direction, how many bytes.
fn lead(row: &Row, form: Form) -> Vec<Span<'static>> {
    let mut spans = Vec::new();
    if form.width >= WITH_TIME {
        let seconds = format!("{:>8.3} ", row.at.as_secs_f64());
        spans.push(Span::from(seconds).dim());
    }
    let peer = row.peer().map_or_else(String::new, |it| it.to_string());
    let style = style(&row.what);
    spans.push(Span::styled(format!("{peer:<3} "), style));
    let length = row.what.bytes().map(|(_, bytes)| bytes.len());
    match length {
        Some(length) => {
            spans.push(Span::styled(row.arrow(), style));
            spans.push(Span::from(format!("{length:>5}  ")));
        }
        None => spans.push(Span::styled(format!("{} ", sign(row)), style)),
    }
    spans
}

fn of_bytes(row: &Row, bytes: &[u8], room: usize, form: Form) -> Vec<Line<'static>> {
    let differ = row
        .readings
        .windows(2)
        .any(|it| it[0].text() != it[1].text());
    let several = row.readings.len() > 1;
    let names = row.readings.iter().map(|it| it.encoding.name());
    let label = match several {
        true => names.map(str::len).max().unwrap_or(0) + 1,
        false => 0,
    };
    let room = room.saturating_sub(label).max(LEAST);
    // Where hex begins: as in a line that is full of characters with a column per byte.
    let usual = room + 1 - 3 * ((room + 1 - GAP) / 4);
    let mut lines = Vec::new();
    let mut last_end = 0;
    for reading in &row.readings[..if differ { row.readings.len() } else { 1 }] {
        let all = reading.lines(bytes, room);
        // A hidden part of one line would take that line to say so.
        let shown = match all.len() > form.most_lines {
            true => form.most_lines - 1,
            false => all.len(),
        };
        // ASCII is the same in all encodings.
        let mut name = if differ { reading.encoding.name() } else { "" };
        let mut seen = 0;
        for line in &all[..shown] {
            let hex_at = usual
                .min(room.saturating_sub(line.hex.len()))
                .max(line.columns + GAP);
            let mut spans = Vec::new();
            if several {
                spans.push(Span::from(format!("{name:label$}")).dim());
                name = "";
            }
            spans.push(Span::from(line.text.clone()));
            spans.push(Span::from(" ".repeat(hex_at - line.columns)));
            spans.push(Span::from(line.hex.clone()).dim());
            lines.push(Line::from(spans));
            last_end = label + hex_at + line.hex.len();
            seen += line.hex.len().div_ceil(3);
        }
        let hidden = bytes.len() - seen;
        if shown < all.len() {
            let (lang, many) = (form.lang, plural(hidden as u64, "more byte"));
            let text = tr!(
                lang,
                "… {many}; F9 shows all",
                "… 还有 {hidden} 字节，按 F9 全部显示"
            );
            last_end = label + text.width();
            lines.push(Line::from(vec![
                Span::from(" ".repeat(label)),
                Span::from(text).italic(),
            ]));
        }
    }
    if let Some(by) = row.by() {
        let by = Span::from(by.pick(form.lang).to_owned()).cyan();
        match lines.last_mut() {
            Some(last) if last_end + GAP + by.width() <= label + room => {
                last.push_span(Span::from(" ".repeat(GAP)));
                last.push_span(by);
            }
            _ => lines.push(Line::from(by)),
        }
    }
    lines
}

fn of_event(row: &Row, room: usize, lang: Lang) -> Vec<Line<'static>> {
    let mut text = row.what.text().pick(lang).to_owned();
    if let What::Online { addr, .. } = row.what {
        text += &format!(" {addr}");
    }
    let style = style(&row.what);
    let lines = wrap(&text, room).into_iter();
    lines
        .map(|it| Line::from(Span::styled(it, style)))
        .collect()
}

/// The sign of an event without bytes.
fn sign(row: &Row) -> &'static str {
    match row.what {
        What::Online { .. } | What::Listening(_) => "●",
        What::Offline(..) | What::Stopped => "○",
        What::Unsent(..) | What::Trouble(_) => "!",
        What::Paused(_) => "‖",
        _ => row.arrow(),
    }
}

/// Colours that can be read on black and on white.
fn style(what: &What) -> Style {
    match what {
        What::Online { .. } => Style::new().green().bold(),
        What::Received(..) => Style::new().fg(Color::Green),
        What::Sent(..) => Style::new().fg(Color::Cyan),
        What::Offline(
            _,
            Ended::Reset | Ended::Failed(_) | Ended::ClosedUnread | Ended::ResetHere,
        )
        | What::Unsent(..)
        | What::Trouble(_) => Style::new().red().bold(),
        What::Offline(..) => Style::new().bold(),
        What::Paused(_) | What::Resumed(_) | What::Fin(_) | What::HalfClosed(_) => {
            Style::new().magenta()
        }
        What::Folded { .. } => Style::new().italic(),
        What::Listening(_) | What::Stopped => Style::new(),
    }
}

/// The columns between text and hex.
const GAP: usize = 2;
/// The least columns for text and hex.
const LEAST: usize = 16;
/// Below this width, rows are shown without their time.
const WITH_TIME: usize = 46;
/// The lines of how many rows are kept.
const KEPT: usize = 4_000;
