//! Sentences, and the names and figures in them.
//!
//! A sentence is written as a `tr!`, its English and its Chinese form side by side. What is put into it is marked by
//! [`name`], [`figure`], [`count`] or [`text`], so that a page can set names in code and figures in bold:
//! [`Sentence::of`] finds the marks again.
//!
//! `[one|many]` in an English form is the singular and the plural ending; the count or the list before it decides:
//! `{names} take[s|] the least`. Chinese forms are written without spaces; a sentence gets one between Chinese and other
//! letters.

use std::fmt;

use portlab_words::Lang;

/// A piece of a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// Words.
    Text(String),
    /// The name of an entrant.
    Name(String),
    /// A figure with its unit.
    Figure(String),
}

/// A sentence, from its first word to its full stop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sentence {
    /// The pieces; together, with nothing between them, they are the sentence.
    pub(crate) parts: Vec<Part>,
}

/// The marks: characters that Unicode reserves for use inside a program. Each of the first three is followed by its
/// content and by [`END`].
const NAME: char = '\u{fdd0}';
const FIGURE: char = '\u{fdd1}';
const TEXT: char = '\u{fdd2}';
const END: char = '\u{fdd3}';
/// Marks the text before it as plural.
const MANY: char = '\u{fdd4}';

/// The name of an entrant.
pub(crate) fn name(name: &str) -> String {
    marked(NAME, name)
}

/// A figure with its unit.
pub(crate) fn figure(figure: impl AsRef<str>) -> String {
    marked(FIGURE, figure.as_ref())
}

/// Text of a record. Characters that are marks are removed from it.
pub(crate) fn text(text: &str) -> String {
    marked(TEXT, text)
}

/// A number of things.
pub(crate) fn count(count: usize) -> String {
    several(figure(count.to_string()), count)
}

/// A list of entrants: "`a`, `b` and `c`".
pub(crate) fn names<'a>(lang: Lang, names: impl IntoIterator<Item = &'a str>) -> String {
    let names: Vec<String> = names.into_iter().map(name).collect();
    let list = match names.split_last() {
        Some((last, others)) if !others.is_empty() => {
            let others = others.join(lang.pick(", ", "、"));
            others + lang.pick(" and ", "和") + last
        }
        _ => names.concat(),
    };
    several(list, names.len())
}

/// Several statements, set apart by semicolons.
pub(crate) fn series(lang: Lang, statements: impl IntoIterator<Item = String>) -> String {
    let statements: Vec<String> = statements.into_iter().collect();
    statements.join(lang.pick("; ", "；"))
}

fn marked(mark: char, content: &str) -> String {
    let content = content.chars().filter(|c| !(NAME..=MANY).contains(c));
    [mark].into_iter().chain(content).chain([END]).collect()
}

fn several(mut list: String, count: usize) -> String {
    if count != 1 {
        list.push(MANY);
    }
    list
}

impl Sentence {
    /// The sentence that is written as `marked`; it begins with a capital letter.
    pub(crate) fn of(lang: Lang, marked: &str) -> Self {
        let mut sentence = Self::line(lang, marked);
        if let Some(Part::Text(text)) = sentence.parts.first_mut() {
            *text = capitalised(text);
        }
        sentence
    }

    /// What is written as `marked`, with its first letter as it is: part of a line, such as a heading.
    pub(crate) fn line(lang: Lang, marked: &str) -> Self {
        let mut parts = Vec::new();
        let (mut rest, mut is_many) = (marked, false);
        while let Some(at) = rest.find([NAME, FIGURE, TEXT, MANY, '[']) {
            push_text(&mut parts, &rest[..at]);
            let mut inside = rest[at..].chars();
            let mark = inside.next();
            let (content, behind) = match mark {
                Some(MANY) => ("", inside.as_str()),
                Some('[') => inside.as_str().split_once(']').unwrap_or_default(),
                _ => inside.as_str().split_once(END).unwrap_or_default(),
            };
            match mark {
                Some('[') => {
                    let (one, many) = content.split_once('|').unwrap_or((content, content));
                    push_text(&mut parts, if is_many { many } else { one });
                }
                Some(NAME) => parts.push(Part::Name(content.to_owned())),
                Some(FIGURE) => parts.push(Part::Figure(content.to_owned())),
                _ => push_text(&mut parts, content),
            }
            is_many = mark == Some(MANY) || mark == Some('[') && is_many;
            rest = behind;
        }
        push_text(&mut parts, rest);
        match lang {
            Lang::En => Self { parts },
            Lang::Zh => Self {
                parts: spaced(parts),
            },
        }
    }

    /// The sentence without marks.
    pub(crate) fn plain(&self) -> String {
        let text = self.parts.iter().map(|part| match part {
            Part::Text(text) | Part::Name(text) | Part::Figure(text) => text.as_str(),
        });
        text.collect()
    }
}

/// Writes plain text, with names in backticks.
impl fmt::Display for Sentence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for part in &self.parts {
            match part {
                Part::Text(text) | Part::Figure(text) => f.write_str(text)?,
                Part::Name(name) => write!(f, "`{name}`")?,
            }
        }
        Ok(())
    }
}

/// `text` with a capital letter at its beginning.
pub(crate) fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string());
    first.unwrap_or_default() + letters.as_str()
}

fn push_text(parts: &mut Vec<Part>, text: &str) {
    match parts.last_mut() {
        _ if text.is_empty() => {}
        Some(Part::Text(before)) => before.push_str(text),
        _ => parts.push(Part::Text(text.to_owned())),
    }
}

/// Sets Chinese and other letters apart by a space, as is usual in print; punctuation needs none.
fn spaced(parts: Vec<Part>) -> Vec<Part> {
    let mut all = Vec::new();
    let mut before = None;
    for part in parts {
        let (Part::Text(text) | Part::Name(text) | Part::Figure(text)) = &part;
        let meets = before.zip(text.chars().next());
        before = text.chars().next_back().or(before);
        if meets.is_some_and(|(a, b)| needs_space(a, b)) {
            push_text(&mut all, " ");
        }
        match part {
            Part::Text(text) => {
                let mut last = None;
                for letter in text.chars() {
                    if last.is_some_and(|last| needs_space(last, letter)) {
                        push_text(&mut all, " ");
                    }
                    push_text(&mut all, letter.encode_utf8(&mut [0; 4]));
                    last = Some(letter);
                }
            }
            other => all.push(other),
        }
    }
    all
}

fn needs_space(a: char, b: char) -> bool {
    let is_chinese = |letter| ('\u{4e00}'..='\u{9fff}').contains(&letter);
    let is_other = |letter: char| letter.is_ascii_alphanumeric() || "µ%".contains(letter);
    is_chinese(a) && is_other(b) || is_other(a) && is_chinese(b)
}

#[cfg(test)]
mod tests {
    use portlab_words::tr;

    use super::*;

    fn costs(lang: Lang, list: &[&str]) -> String {
        let (names, figure) = (names(lang, list.iter().copied()), figure("4 µs"));
        let costs = tr!(
            lang,
            "at noon, {names} cost[s|] {figure}.",
            "中午{names}花费{figure}。"
        );
        Sentence::of(lang, &costs).to_string()
    }

    #[test]
    fn a_sentence_is_written_in_both_languages() {
        assert_eq!(costs(Lang::En, &["a"]), "At noon, `a` costs 4 µs.");
        assert_eq!(
            costs(Lang::En, &["a", "b", "c"]),
            "At noon, `a`, `b` and `c` cost 4 µs."
        );
        assert_eq!(costs(Lang::Zh, &["a", "b"]), "中午 `a` 和 `b` 花费 4 µs。");
    }

    #[test]
    fn the_text_of_a_record_has_no_marks_and_joins_the_words_around_it() {
        let (reason, name) = (text("it [was|were] \u{fdd1}late"), name("b"));
        let parts = Sentence::line(Lang::En, &format!("x, {reason}, {name}")).parts;
        let words = Part::Text("x, it [was|were] late, ".into());
        assert_eq!(parts, [words, Part::Name("b".into())]);
    }
}
