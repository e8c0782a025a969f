//! Prose in two languages: choosing it, and breaking it into lines.

use anstyle::Style;
use portlab_report::Lang;
use textwrap::{Options, WordSeparator, WordSplitter, core::Word};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Formats the one of two texts that is in `$lang`: English and Chinese stand side by side, so that
/// both say the same.
macro_rules! say {
    ($lang:expr, $en:literal, $zh:literal $(,)?) => {
        match $lang {
            portlab_report::Lang::En => format!($en),
            portlab_report::Lang::Zh => format!($zh),
        }
    };
}
pub(crate) use say;

/// Two texts of which `lang` picks one.
pub(crate) fn pick(lang: Lang, en: &'static str, zh: &'static str) -> &'static str {
    match lang {
        Lang::En => en,
        Lang::Zh => zh,
    }
}

/// What stands at the left of a text, in a column of its own.
pub(crate) struct Lead<'a> {
    pub(crate) text: &'a str,
    pub(crate) style: Style,
    /// How wide its column is, without the gap behind it.
    pub(crate) columns: usize,
}

/// Writes `text` behind `leads`, in lines that hang below its beginning and are at most `width` wide.
/// Where little room would be left, it begins below them.
pub(crate) fn hang(leads: &[Lead], text: &str, width: usize) -> String {
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
        // A line of nothing but empty columns isn't worth a line.
        block.truncate(block.trim_end().len());
        let break_line = if block.is_empty() { "" } else { "\n" };
        block += &format!("{break_line}{:indent$}", "");
    }
    let lines = wrap(text, width.saturating_sub(indent));
    block + &lines.join(&format!("\n{:indent$}", "")) + "\n"
}

/// Breaks `text` into lines that are at most `width` wide: at spaces, and between the characters of
/// Chinese, which has none.
pub(crate) fn wrap(text: &str, width: usize) -> Vec<String> {
    // A hyphen stands in ranges and options, where nothing may be torn.
    let options = Options::new(width)
        .word_separator(WordSeparator::Custom(words))
        .word_splitter(WordSplitter::NoHyphenation);
    let lines = textwrap::wrap(text, options);
    lines
        .into_iter()
        .map(std::borrow::Cow::into_owned)
        .collect()
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
    let next = text.char_indices().skip(1);
    let pairs = text.chars().zip(next);
    let mut breaks = pairs.filter(|&(before, (_, behind))| may_break(before, behind));
    breaks.next().map_or(text.len(), |(_, (at, _))| at)
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

/// What doesn't stand at the end of a line.
const OPENING: &str = "（《“‘「【(";
/// What doesn't stand at the beginning of one.
const CLOSING: &str = "，。；：、！？）》”’」】…),.;:!?";

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
    fn a_text_hangs_behind_what_stands_before_it() {
        let lead = |text| Lead {
            text,
            style: Style::new().bold(),
            columns: 4,
        };
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
