//! Names that programs give themselves, which can't be trusted.

/// A name that can be printed safely: control characters, marks that change the direction of text and invisible
/// characters become `?`. A name of nothing but white space becomes one `?`.
pub fn inert(name: &str) -> String {
    let shown = name.replace(|it: char| it.is_control() || is_unseen(it), "?");
    if shown.chars().all(char::is_whitespace) && !shown.is_empty() {
        return "?".to_owned();
    }
    shown
}

/// Whether a character has no glyph: Unicode's Default_Ignorable_Code_Point, and its separators of lines
/// and paragraphs.
///
/// Source: DerivedCoreProperties.txt of Unicode 16.
pub fn is_unseen(it: char) -> bool {
    matches!(it,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
        | '\u{fff0}'..='\u{fff8}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::inert;

    #[test]
    fn a_name_is_printed_without_control_characters() {
        assert_eq!(inert("python3 猫"), "python3 猫");
        assert_eq!(inert("a\x1b[31mb\u{9b}2J\n"), "a?[31mb?2J?");
        assert_eq!(inert("exe\u{202e}txt"), "exe?txt");
        for unseen in ["\u{3164}", "\u{115f}", "\u{ffa0}", "\u{200b}", "\u{e0041}"] {
            assert_eq!(inert(unseen), "?");
        }
        assert_eq!((inert("  "), inert("")), ("?".to_owned(), String::new()));
    }
}
