//! Escapes in the texts of options.

use portlab_words::{Text, tr};

/// Replaces the escapes in `text` by what they stand for: `\r`, `\n`, `\t`, `\0`, `\\`, and `\x41` for the character of
/// that number, up to `\x7f`, which is the same byte in every encoding that extends ASCII.
///
/// # Errors
/// When a backslash begins another sequence.
pub fn unescape(text: &str) -> Result<String, Text> {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        plain.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let wrong = || {
            let escape = format!("\\{}", rest.chars().take(3).collect::<String>());
            tr!(
                r"unknown escape {escape:?}: expected \r \n \t \0 \\ or \x41 (up to \x7f)",
                r"未知的转义 {escape:?}：应为 \r \n \t \0 \\ 或 \x41（最大 \x7f）"
            )
        };
        let (character, length) = match rest.bytes().next() {
            Some(b'r') => ('\r', 1),
            Some(b'n') => ('\n', 1),
            Some(b't') => ('\t', 1),
            Some(b'0') => ('\0', 1),
            Some(b'\\') => ('\\', 1),
            Some(b'x') => {
                let digits = rest.get(1..3).ok_or_else(wrong)?;
                let number = u8::from_str_radix(digits, 16).map_err(|_| wrong())?;
                (
                    Some(number).filter(u8::is_ascii).ok_or_else(wrong)?.into(),
                    3,
                )
            }
            _ => return Err(wrong()),
        };
        plain.push(character);
        rest = &rest[length..];
    }
    plain.push_str(rest);
    Ok(plain)
}

/// Writes `plain` as [`unescape`] reads it.
pub(super) fn escape(plain: &str) -> String {
    let mut text = String::new();
    for character in plain.chars() {
        match character {
            '\r' => text.push_str("\\r"),
            '\n' => text.push_str("\\n"),
            '\t' => text.push_str("\\t"),
            '\0' => text.push_str("\\0"),
            '\\' => text.push_str("\\\\"),
            control if control.is_ascii_control() => {
                text.push_str(&format!("\\x{:02x}", u32::from(control)));
            }
            other => text.push(other),
        }
    }
    text
}

/// `text` without the quotation marks around it, which the shell may have removed; `None` if only the first one is there.
pub(super) fn unquote(text: &str) -> Option<&str> {
    match text.strip_prefix('"') {
        Some(rest) => rest.strip_suffix('"'),
        None => Some(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_stand_for_their_characters() {
        assert_eq!(
            unescape("a\\r\\n\\t\\0\\\\\\x41中").unwrap(),
            "a\r\n\t\0\\A中"
        );
    }
}
