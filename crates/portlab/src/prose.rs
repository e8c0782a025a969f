//! Prose in two languages: choosing it, and laying it out behind its labels.

use anstyle::Style;
use portlab_report::Lang;
pub(crate) use portlab_report::prose::wrap;
use unicode_width::UnicodeWidthStr;

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

/// `1 byte`, `2 bytes`.
pub(crate) fn plural(count: u64, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

/// What stands at the left of a text, in a column of its own.
pub(crate) struct Lead<'a> {
    pub(crate) text: &'a str,
    pub(crate) style: Style,
    /// How wide its column is, without the gap behind it.
    pub(crate) columns: usize,
}

impl<'a> Lead<'a> {
    pub(crate) fn new(text: &'a str, style: Style, columns: usize) -> Self {
        Self {
            text,
            style,
            columns,
        }
    }
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

const GAP: usize = 2;
/// Text in a column narrower than this can't be read.
const LEAST: usize = 28;

#[cfg(test)]
mod tests {
    use super::*;

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
