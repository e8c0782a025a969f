//! Making text from outside inert, so that a screen shows every character and executes none.

/// Replaces every character that a screen would execute instead of showing it: escape sequences, cursor movements, bells,
/// and the marks that change the direction of the text after them.
///
/// A control character becomes its picture (`ESC` becomes `␛`), so that a reader sees it; one without a picture becomes
/// U+FFFD. A tab becomes a space.
pub fn inert(text: &str) -> String {
    text.chars().map(visible).collect()
}

/// The character itself, or its replacement by [`inert`].
pub fn visible(character: char) -> char {
    match character {
        '\t' => ' ',
        '\0'..='\x1f' => char::from_u32(PICTURES + character as u32).unwrap_or(UNKNOWN),
        '\x7f' => '\u{2421}',
        '\u{80}'..='\u{9f}' => UNKNOWN,
        // Marks of direction, separators of lines and paragraphs, and invisible marks.
        '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => UNKNOWN,
        '\u{61c}' | '\u{feff}' => UNKNOWN,
        _ => character,
    }
}

/// Where Unicode's pictures of the control characters begin.
const PICTURES: u32 = 0x2400;
const UNKNOWN: char = char::REPLACEMENT_CHARACTER;

#[cfg(test)]
mod tests {
    use super::inert;

    #[test]
    fn every_character_that_a_terminal_executes_is_replaced() {
        assert_eq!(inert("a\tb你😀"), "a b你😀");
        assert_eq!(inert("\x1b[2J\x07\r\0"), "␛[2J␇␍␀");
        let all: String = ('\0'..char::MAX).collect();
        assert!(!inert(&all).chars().any(char::is_control));
        assert!(!inert("\u{202e}txt\u{9b}2J").contains(['\u{202e}', '\u{9b}']));
    }
}
