//! What sentences are made of, and the templates that they are made from.
//!
//! A template has an English and a Chinese form, side by side, that name the same slots. It knows two
//! marks: `{slot}` is replaced by what fills it; `[one|many]` is what the English form says after one
//! thing, and after several, counted by the slot before it: `{names} cost[s|] least`. Chinese forms
//! are written without spaces: a whole sentence gets them where Chinese meets other letters.

use std::fmt;

use portlab_words::{Lang, Text};

/// A piece of a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// Words.
    Text(String),
    /// The name of an entrant.
    Name(String),
    /// A figure with its unit.
    Figure(String),
}

/// What is said at once, from its first word to its full stop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sentence {
    /// Its pieces, in order; together with nothing between them they are the sentence.
    pub parts: Vec<Part>,
}

impl Sentence {
    /// The sentence without marks.
    #[must_use]
    pub fn plain(&self) -> String {
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

/// Some words of a sentence.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Words {
    parts: Vec<Part>,
    /// How many things they speak of.
    count: usize,
}

impl Words {
    /// These words as they are, as a sentence.
    pub(crate) fn told(self, lang: Lang) -> Sentence {
        let parts = match lang {
            Lang::En => self.parts,
            Lang::Zh => spaced(self.parts),
        };
        Sentence { parts }
    }

    /// Plain words.
    pub(crate) fn text(text: impl Into<String>) -> Self {
        Self::one(Part::Text(text.into()))
    }

    /// A figure with its unit.
    pub(crate) fn figure(figure: impl Into<String>) -> Self {
        Self::one(Part::Figure(figure.into()))
    }

    /// A number of things.
    pub(crate) fn count(count: usize) -> Self {
        Self {
            count,
            ..Self::figure(count.to_string())
        }
    }

    /// The name of an entrant.
    pub(crate) fn name(name: &str) -> Self {
        Self::one(Part::Name(name.to_owned()))
    }

    /// A list of entrants: "`a`, `b` and `c`".
    pub(crate) fn names<'a>(lang: Lang, names: impl IntoIterator<Item = &'a str>) -> Self {
        let names: Vec<Self> = names.into_iter().map(Self::name).collect();
        let count = names.len();
        let [comma, and] = match lang {
            Lang::En => [", ", " and "],
            Lang::Zh => ["、", "和"],
        };
        let mut list = Self::default();
        for (at, name) in names.into_iter().enumerate() {
            match count - at {
                _ if at == 0 => {}
                1 => list.push_text(and),
                _ => list.push_text(comma),
            }
            list.append(name);
        }
        Self { count, ..list }
    }

    /// Several of one kind, set apart by semicolons.
    pub(crate) fn series(lang: Lang, items: impl IntoIterator<Item = Self>) -> Self {
        let semicolon = match lang {
            Lang::En => "; ",
            Lang::Zh => "；",
        };
        let mut series = Self::default();
        let mut count = 0;
        for item in items {
            if count > 0 {
                series.push_text(semicolon);
            }
            series.append(item);
            count += 1;
        }
        Self { count, ..series }
    }

    fn one(part: Part) -> Self {
        Self {
            parts: vec![part],
            count: 1,
        }
    }

    fn append(&mut self, other: Self) {
        for part in other.parts {
            match part {
                Part::Text(text) => self.push_text(&text),
                other => self.parts.push(other),
            }
        }
    }

    fn push_text(&mut self, text: &str) {
        match self.parts.last_mut() {
            _ if text.is_empty() => {}
            Some(Part::Text(before)) => before.push_str(text),
            _ => self.parts.push(Part::Text(text.to_owned())),
        }
    }
}

/// Fills the slots of `template`: each that is given must be in both of its forms.
pub(crate) fn words(lang: Lang, template: &Text, slots: &[(&str, Words)]) -> Words {
    for form in [&template.en, &template.zh] {
        let has = |(slot, _): &(&str, Words)| form.contains(&format!("{{{slot}}}"));
        debug_assert!(slots.iter().all(has), "a slot is missing: {form}");
        debug_assert_eq!(form.matches('{').count(), slots.len(), "{form}");
    }
    let is_filled = |(_, filling): &(&str, Words)| !filling.parts.is_empty();
    debug_assert!(slots.iter().all(is_filled), "nothing to say: {template:?}");
    let mut said = Words::default();
    let mut count = 1;
    let mut rest = template.pick(lang);
    while let Some(at) = rest.find(['{', '[']) {
        said.push_text(&rest[..at]);
        let closing = if rest[at..].starts_with('{') {
            '}'
        } else {
            ']'
        };
        let end = rest.find(closing).unwrap_or(rest.len() - 1);
        let mark = &rest[at + 1..end];
        match slots.iter().find(|(slot, _)| *slot == mark) {
            Some((_, filling)) => {
                count = filling.count;
                said.append(filling.clone());
            }
            None => {
                let (one, many) = mark.split_once('|').unwrap_or((mark, mark));
                said.push_text(if count == 1 { one } else { many });
            }
        }
        rest = &rest[end + 1..];
    }
    said.push_text(rest);
    Words { count, ..said }
}

/// Fills the slots of a template that is a whole sentence.
pub(crate) fn sentence(lang: Lang, template: &Text, slots: &[(&str, Words)]) -> Sentence {
    let mut parts = words(lang, template, slots).parts;
    if let Some(Part::Text(text)) = parts.first_mut() {
        let mut letters = text.chars();
        let first = letters.next().map(|first| first.to_uppercase().to_string());
        *text = first.unwrap_or_default() + letters.as_str();
    }
    Words { parts, count: 1 }.told(lang)
}

/// Fills the slots of a template that is part of a line, such as a heading: without marks.
pub(crate) fn line(lang: Lang, template: &Text, slots: &[(&str, Words)]) -> String {
    words(lang, template, slots).told(lang).plain()
}

/// Sets Chinese and other letters apart by a space, as is usual in print; punctuation needs none.
fn spaced(parts: Vec<Part>) -> Vec<Part> {
    let mut words = Words::default();
    let mut before = None;
    for part in parts {
        let (Part::Text(text) | Part::Name(text) | Part::Figure(text)) = &part;
        let meets = before.zip(text.chars().next());
        before = text.chars().next_back().or(before);
        if meets.is_some_and(|(a, b)| needs_space(a, b)) {
            words.push_text(" ");
        }
        match part {
            Part::Text(text) => {
                let mut last = None;
                for letter in text.chars() {
                    if last.is_some_and(|last| needs_space(last, letter)) {
                        words.push_text(" ");
                    }
                    words.push_text(letter.encode_utf8(&mut [0; 4]));
                    last = Some(letter);
                }
            }
            other => words.parts.push(other),
        }
    }
    words.parts
}

fn needs_space(a: char, b: char) -> bool {
    let is_chinese = |letter| ('\u{4e00}'..='\u{9fff}').contains(&letter);
    let is_other = |letter: char| letter.is_ascii_alphanumeric() || "µ%".contains(letter);
    is_chinese(a) && is_other(b) || is_other(a) && is_chinese(b)
}

#[cfg(test)]
mod tests {
    use super::*;

    const COSTS: Text = Text::new(
        "{place}, {names} cost[s|] {figure}.",
        "{place}，{names}花费{figure}。",
    );

    fn costs(lang: Lang, names: &[&str]) -> String {
        let slots = [
            ("place", Words::text("at noon")),
            ("names", Words::names(lang, names.iter().copied())),
            ("figure", Words::figure("4 µs")),
        ];
        sentence(lang, &COSTS, &slots).to_string()
    }

    #[test]
    fn a_template_is_filled_in_both_languages() {
        assert_eq!(costs(Lang::En, &["a"]), "At noon, `a` costs 4 µs.");
        assert_eq!(
            costs(Lang::En, &["a", "b", "c"]),
            "At noon, `a`, `b` and `c` cost 4 µs."
        );
        assert_eq!(
            costs(Lang::Zh, &["a", "b"]),
            "At noon，`a` 和 `b` 花费 4 µs。"
        );
    }

    #[test]
    fn words_that_meet_become_one_piece() {
        let text = Text::new("{a}, {b}", "{a}，{b}");
        let slots = [("a", Words::text("x")), ("b", Words::name("y"))];
        let parts = words(Lang::En, &text, &slots).parts;
        assert_eq!(parts, [Part::Text("x, ".into()), Part::Name("y".into())]);
    }

    #[test]
    #[should_panic(expected = "a slot is missing")]
    fn a_slot_that_one_language_forgot_is_found_out() {
        let text = Text::new("{a} is {b}", "{a}{a}");
        let slots = [("a", Words::text("x")), ("b", Words::name("y"))];
        words(Lang::En, &text, &slots);
    }
}
