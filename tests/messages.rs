//! Finds messages that exist in English only: string literals with an English sentence that no Chinese literal follows.

/// Macros and calls whose sentences need no Chinese.
const PLACES: &[&str] = &[
    // For the programmer: what can't happen.
    "panic!",
    "unreachable!",
    "assert!",
    "assert_eq!",
    "debug_assert!",
    // Help texts of clap, reasons of lints.
    "arg",
    "command",
    "allow",
    "expect",
    // A choice between both languages, whose texts may be in arrays.
    "pick",
    // Help texts, which are English.
    "help",
    "about",
];

/// The English sentences in `source` that have no Chinese beside them.
pub(crate) fn without_chinese(source: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut calls: Vec<String> = Vec::new();
    let mut rest = source;
    let mut before = String::new();
    while let Some(character) = rest.chars().next() {
        if let Some(behind) = rest.strip_prefix("//") {
            rest = behind.split_once('\n').map_or("", |(_, next)| next);
            continue;
        }
        if let Some(literal) = char_literal(rest) {
            rest = &rest[literal..];
            continue;
        }
        rest = &rest[character.len_utf8()..];
        match character {
            '"' => {
                let raw = before.ends_with("r#") || before.ends_with('r');
                let (text, behind) = string(rest, raw);
                rest = behind;
                let has_place = calls.iter().any(|call| PLACES.contains(&call.as_str()));
                let is_message = !before.ends_with('b') && is_sentence(text);
                if is_message && !has_place && !has_chinese(rest) {
                    found.push(text.split_whitespace().collect::<Vec<_>>().join(" "));
                }
                before.clear();
            }
            '(' | '[' | '{' => {
                let is_name = |it: char| it.is_alphanumeric() || "_!:#".contains(it);
                let name = before.trim_end().rsplit(|it| !is_name(it)).next();
                calls.push(
                    name.unwrap_or_default()
                        .trim_start_matches("std::")
                        .to_owned(),
                );
                before.clear();
            }
            ')' | ']' | '}' => {
                calls.pop();
                before.clear();
            }
            _ => before.push(character),
        }
    }
    found
}

/// Whether `source` begins with a string in Chinese, after commas and white space.
fn has_chinese(source: &str) -> bool {
    let next = source.trim_start_matches(|it: char| it == ',' || it.is_whitespace());
    let next = next.strip_prefix('"').map(|it| string(it, false).0);
    next.is_some_and(is_chinese)
}

fn is_chinese(text: &str) -> bool {
    text.contains(|it| it > '\u{2e80}')
}

/// The length of the character literal that `text` begins with, such as `'"'`.
fn char_literal(text: &str) -> Option<usize> {
    let inner = text.strip_prefix('\'')?;
    let inner_length = match inner.strip_prefix('\\') {
        Some(escaped) => 1 + escaped.find('\'').filter(|&at| at < 10)?.max(1),
        None => inner.chars().next()?.len_utf8(),
    };
    inner[inner_length..]
        .starts_with('\'')
        .then_some(inner_length + 2)
}

/// The string that `text` begins with, without its quotation mark, and the rest of `text`.
fn string(text: &str, raw: bool) -> (&str, &str) {
    let mut escaped = false;
    for (at, character) in text.char_indices() {
        match character {
            '"' if !escaped => return (&text[..at], &text[at + 1..]),
            '\\' => escaped = !escaped && !raw,
            _ => escaped = false,
        }
    }
    (text, "")
}

/// Whether `text` reads as English: three words in a row, of letters only.
fn is_sentence(text: &str) -> bool {
    if is_chinese(text) {
        return false;
    }
    let is_word = |word: &str| {
        let word = word.trim_end_matches([',', ':', ';', '.', '?', '\'']);
        word.len() > 1 && word.chars().all(|it| it.is_ascii_lowercase() || it == '\'')
    };
    let words: Vec<bool> = text.split_whitespace().map(is_word).collect();
    words.windows(3).any(|three| three == [true; 3])
}

#[test]
fn a_sentence_without_its_chinese_is_found() {
    let source = r#"
        // bail!("a comment says nothing here")
        #[arg(help = "help texts are in English")]
        fn run() {
            bail!("this has no other language: {x}");
            bail!(tr!("this has another language", "这里有中文"));
            let quote = ('"', "PORT {port}", lang.pick("so has this one", "这句也有"));
            tell!("nor has this: {}", name);
        }
    "#;
    let expected = ["this has no other language: {x}", "nor has this: {}"];
    assert_eq!(without_chinese(source), expected);
}
