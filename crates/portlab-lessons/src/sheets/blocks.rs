//! Blocks of a lesson's text as HTML, with gaps where a student writes.

use maud::{Markup, html};
use unicode_width::UnicodeWidthStr;

use super::Sheet;
use crate::{
    script::{Block, Mark, fill, pieces, placeholders},
    words,
};

/// The calls that a worksheet leaves out of its programs: the steps that the course names.
const CALLS: &[&str] = &[
    "accept",
    "acquire",
    "bind",
    "close",
    "connect",
    "decode",
    "encode",
    "getpid",
    "join",
    "listen",
    "recv",
    "release",
    "select",
    "send",
    "sendall",
    "setsockopt",
    "settimeout",
    "socket",
    "start",
];

/// How a program is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Calls {
    /// As it is.
    Shown,
    /// With a gap for each of the course's calls.
    Gaps,
    /// With the calls marked that are gaps on the worksheet.
    Marked,
}

impl Sheet<'_> {
    pub(super) fn blocks(&self, blocks: &[Block], calls: Calls) -> Markup {
        html! {
            @for group in blocks.chunk_by(|a, b| is_item(a) && is_item(b)) {
                @if is_item(&group[0]) {
                    ul { @for item in group { li { (self.inline(item.text())) } } }
                } @else {
                    (self.block(&group[0], calls))
                }
            }
        }
    }

    fn block(&self, block: &Block, calls: Calls) -> Markup {
        html! {
            @match block {
                Block::Paragraph(text) | Block::Item(text) => p { (self.inline(text)) },
                Block::Picture { text, .. } => p { (words::picture(self.lang, text)) },
                Block::Lines(text) => {
                    @let text = self.filled(text);
                    pre.lines style={ "--columns:" (columns(&text)) } { (text) }
                },
                Block::Code { language, text, .. } => {
                    pre class={ "code " (language) } style={ "--columns:" (columns(text)) } {
                        @if language == "python" { (program(text, calls)) } @else { (text) }
                    }
                }
            }
        }
    }

    /// A text with its `code`, **bold** words and values.
    pub(super) fn inline(&self, text: &str) -> Markup {
        marked(text, &|piece| html! { (self.filled(piece)) })
    }

    /// The same with a gap for each value, which a student reads from the screen.
    pub(super) fn with_gaps(&self, text: &str) -> Markup {
        marked(text, &|piece| self.gaps(piece))
    }

    fn gaps(&self, piece: &str) -> Markup {
        let mut rest = piece;
        let mut parts = Vec::new();
        for name in placeholders(piece) {
            let Some((before, behind)) = rest.split_once(&format!("{{{name}}}")) else {
                continue;
            };
            // A value that is empty in most runs is a remark, not an answer.
            let value = self.examples.get(name).filter(|it| !it.is_empty());
            parts.push((before, value.map(|it| it.chars().count())));
            rest = behind;
        }
        html! {
            @for (before, value) in parts {
                (before)
                @if let Some(length) = value { (gap(length)) }
            }
            (rest)
        }
    }

    pub(super) fn filled(&self, text: &str) -> String {
        fill(text, |name| self.examples.get(name).map(String::as_str))
    }

    /// The calls that are gaps in this lesson's programs, in alphabetical order.
    pub(super) fn calls(&self) -> Vec<&'static str> {
        let programs: Vec<_> = self.script.blocks().filter_map(Block::python).collect();
        let is_left_out = |call: &&&str| programs.iter().any(|text| !called(text, call).is_empty());
        CALLS.iter().filter(is_left_out).copied().collect()
    }
}

/// The columns of the widest line.
pub(super) fn columns(text: &str) -> usize {
    text.lines()
        .map(UnicodeWidthStr::width)
        .max()
        .unwrap_or(0)
        .max(1)
}

fn is_item(block: &Block) -> bool {
    matches!(block, Block::Item(_))
}

/// `text` with its `code` and **bold** words; `show` shows what is between the marks.
fn marked(text: &str, show: &dyn Fn(&str) -> Markup) -> Markup {
    html! {
        @for (mark, piece) in pieces(text) {
            @match mark {
                Mark::Plain => (show(piece)),
                Mark::Code => code { (show(piece)) },
                Mark::Strong => strong { (show(piece)) },
            }
        }
    }
}

/// The places behind the dots of `.call(` in `text`.
fn called(text: &str, call: &str) -> Vec<usize> {
    let pattern = format!(".{call}(");
    let places = text.match_indices(&pattern);
    places.map(|(at, _)| at + 1).collect()
}

fn program(text: &str, calls: Calls) -> Markup {
    if calls == Calls::Shown {
        return html! { (text) };
    }
    let found = CALLS.iter().flat_map(|call| {
        let places = called(text, call).into_iter();
        places.map(move |at| (at, *call))
    });
    let mut found: Vec<_> = found.collect();
    found.sort_unstable();
    let mut end = 0;
    let mut parts = Vec::new();
    for (at, call) in found {
        parts.push((&text[end..at], call));
        end = at + call.len();
    }
    html! {
        @for (before, call) in parts {
            (before)
            @if calls == Calls::Gaps { (gap(9)) } @else { mark { (call) } }
        }
        (&text[end..])
    }
}

/// A gap for about `length` characters; room for handwriting, and no hint at the exact length.
fn gap(length: usize) -> Markup {
    let width = match length {
        0..=9 => "short",
        10..=24 => "middle",
        _ => "long",
    };
    html! { span class={ "gap " (width) } {} }
}
