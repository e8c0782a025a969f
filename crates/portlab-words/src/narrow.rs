//! The characters of a Chinese keyboard in ASCII, where a person writes syntax.

/// Turns the characters of a Chinese keyboard into ASCII: full-width letters, digits and marks, `。`, `【】` and `《》`. White
/// space at both ends is dropped.
///
/// It is for syntax, such as addresses and commands. A text that is sent stays as it was typed.
pub fn narrow(text: &str) -> String {
    let narrowed: String = text.chars().map(narrow_char).collect();
    narrowed.trim().to_owned()
}

/// [`narrow`] for one character.
pub fn narrow_char(character: char) -> char {
    match character {
        '\u{ff01}'..='\u{ff5e}' => {
            char::from_u32(character as u32 - 0xff01 + u32::from(b'!')).unwrap_or(character)
        }
        '\u{3000}' => ' ',
        '。' | '｡' => '.',
        '【' => '[',
        '】' => ']',
        '《' => '<',
        '》' => '>',
        _ => character,
    }
}
