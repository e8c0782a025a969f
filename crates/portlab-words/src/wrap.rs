//! Breaking prose into lines, Chinese too.

use std::borrow::Cow;

use anstyle::Style;
use textwrap::{Options, WordSeparator, WordSplitter, WrapAlgorithm, core::Word};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Breaks `text` into lines that are at most `width` wide: at spaces, and between the characters of
/// Chinese, which has none.
pub fn wrap(text: &str, width: usize) -> Vec<String> {
    wrap_behind(text, width, "")
}

/// The same, with `first` at the beginning of the first line, and as many spaces at that of the others.
pub fn wrap_behind(text: &str, width: usize, first: &str) -> Vec<String> {
    let indent = " ".repeat(first.width());
    let options = Options::new(width)
        .initial_indent(first)
        .subsequent_indent(&indent)
        .word_separator(WordSeparator::Custom(words))
        // A hyphen is part of ranges and options, which stay on one line.
        .word_splitter(WordSplitter::NoHyphenation)
        .wrap_algorithm(WrapAlgorithm::FirstFit);
    let lines = textwrap::wrap(text, options).into_iter();
    lines.map(Cow::into_owned).collect()
}

fn words(line: &str) -> Box<dyn Iterator<Item = Word<'_>> + '_> {
    let mut rest = line;
    Box::new(std::iter::from_fn(move || {
        let (word, behind) = rest.split_at(end_of_word(rest));
        rest = behind;
        (!word.is_empty()).then(|| Word::from(word))
    }))
}

/// Where the first word of `text` ends, with the spaces behind it.
fn end_of_word(text: &str) -> usize {
    let mut shown = shown(text);
    let Some((_, mut before)) = shown.next() else {
        return text.len();
    };
    for (at, character) in shown {
        if may_break(before, character) {
            return at;
        }
        before = character;
    }
    text.len()
}

/// The characters of `text` that are shown, with their places. An escape sequence, which sets a style, is left out.
fn shown(text: &str) -> impl Iterator<Item = (usize, char)> {
    let mut is_escape = false;
    text.char_indices().filter(move |&(_, character)| {
        let hidden = is_escape || character == '\x1b';
        is_escape = hidden && !(is_escape && character.is_ascii_alphabetic());
        !hidden
    })
}

fn may_break(before: char, behind: char) -> bool {
    let wide = |character: char| character.width() == Some(2);
    match (before, behind) {
        (_, ' ') => false,
        (' ', _) => true,
        _ => {
            (wide(before) || wide(behind)) && !OPENING.contains(before) && !CLOSING.contains(behind)
        }
    }
}

/// Characters that don't end a line.
const OPENING: &str = "（《“‘「【(";
/// Characters that don't begin a line.
const CLOSING: &str = "，。；：、！？）》”’」】…),.;:!?";

/// What stands at the left of a text, in a column of its own.
pub struct Lead<'a> {
    /// The text.
    pub text: &'a str,
    /// Its style.
    pub style: Style,
    /// How wide its column is, without the gap behind it.
    pub columns: usize,
}

impl<'a> Lead<'a> {
    /// `text` in `style`, in a column of `columns`.
    pub fn new(text: &'a str, style: Style, columns: usize) -> Self {
        Self {
            text,
            style,
            columns,
        }
    }
}

/// Writes `text` behind `leads`, in lines that hang below its beginning and are at most `width` wide.
/// If little room is left beside `leads`, `text` begins below them.
pub fn hang(leads: &[Lead], text: &str, width: usize) -> String {
    let indent: usize = leads.iter().map(|lead| lead.columns + GAP).sum();
    let narrow = width < indent + LEAST;
    let indent = if narrow { 2 * GAP } else { indent };
    let mut block = String::new();
    for lead in leads {
        let (on, off) = (lead.style.render(), lead.style.render_reset());
        if !lead.text.is_empty() {
            block += &format!("{on}{}{off}", lead.text);
        }
        block += &" ".repeat(GAP + lead.columns.saturating_sub(lead.text.width()));
    }
    if narrow {
        // If all leads are empty, they take no line.
        block.truncate(block.trim_end().len());
        let break_line = if block.is_empty() { "" } else { "\n" };
        block += &format!("{break_line}{:indent$}", "");
    }
    let lines = wrap(text, width.saturating_sub(indent));
    block + &lines.join(&format!("\n{:indent$}", "")) + "\n"
}

const GAP: usize = 2;
/// Text in a column narrower than this can't be read.
const LEAST: usize = 28;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chinese_is_broken_anywhere_but_before_its_punctuation() {
        let text = "端口 8080 上有人监听（python3），程序是你的。";
        // No line is narrower than its longest word with its brackets.
        for width in 14..40 {
            let lines = wrap(text, width);
            for line in &lines {
                assert!(line.width() <= width, "{width}: {line}");
                let first = line.chars().next().unwrap();
                assert!(!CLOSING.contains(first), "{width}: {line}");
                assert!(!line.ends_with('（'), "{width}: {line}");
            }
            let letters = |text: &str| text.replace(' ', "");
            assert_eq!(letters(&lines.concat()), letters(text));
        }
    }

    #[test]
    fn english_is_broken_at_its_spaces() {
        assert_eq!(
            wrap("who listens on 127.0.0.1:8080?", 16),
            ["who listens on", "127.0.0.1:8080?"]
        );
    }

    #[test]
    fn a_line_is_not_broken_at_a_style() {
        let lines = wrap("一个程序\x1b[1m端口号\x1b[0m；", 15);
        assert_eq!(lines, ["一个程序\x1b[1m端口", "号\x1b[0m；"]);
    }

    #[test]
    fn a_text_hangs_behind_what_stands_before_it() {
        let lead = |text| Lead::new(text, Style::new().bold(), 4);
        let text = "many words that must be broken into lines";
        let hung = |leads: &[Lead], text, width| {
            anstream::adapter::strip_str(&hang(leads, text, width)).to_string()
        };
        assert_eq!(
            hung(&[lead("端"), lead("ok")], text, 42),
            "端    ok    many words that must be broken\n            into lines\n"
        );
        assert_eq!(
            hung(&[lead("端"), lead("ok")], text, 39),
            "端    ok\n    many words that must be broken into\n    lines\n"
        );
        assert_eq!(hang(&[lead(""), lead("")], "words", 39), "    words\n");
    }
}
