//! Making inert what a stranger says: on nobody's screen may it be more than text.

/// `text` with every character replaced that a screen would obey instead of showing it: escape
/// sequences, cursor movements, bells, and the marks that turn the direction of what follows.
///
/// A control character becomes its picture (`ESC` becomes `␛`), so that one sees that there was one;
/// what has no picture becomes U+FFFD. A tab is a space.
#[must_use]
pub fn inert(text: &str) -> String {
    text.chars().map(visible).collect()
}

/// What is shown of one character: itself, or what [`inert`] puts in its place.
#[must_use]
pub fn visible(character: char) -> char {
    match character {
        '\t' => ' ',
        '\0'..='\x1f' => char::from_u32(PICTURES + character as u32).unwrap_or(UNKNOWN),
        '\x7f' => '\u{2421}',
        '\u{80}'..='\u{9f}' => UNKNOWN,
        // Marks of direction, separators of lines and paragraphs, and what hides itself.
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
    fn nothing_is_left_that_a_terminal_obeys() {
        assert_eq!(inert("a\tb你😀"), "a b你😀");
        assert_eq!(inert("\x1b[2J\x07\r\0"), "␛[2J␇␍␀");
        let all: String = ('\0'..char::MAX).collect();
        assert!(!inert(&all).chars().any(char::is_control));
        assert!(!inert("\u{202e}txt\u{9b}2J").contains(['\u{202e}', '\u{9b}']));
    }
}
