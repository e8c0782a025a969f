//! Bytes that came from outside, as text without control characters.

use std::fmt;

use portlab_service::TextEncoding;
use portlab_sys::name::is_unseen;

/// `bytes` as text where they are text in `encoding`, or otherwise in UTF-8, everything else escaped; with an ellipsis
/// if they are `cut`, that is, if more followed.
pub(crate) fn shown(bytes: &[u8], cut: bool, encoding: TextEncoding) -> String {
    let mut decoded = String::new();
    // A character of which only the beginning came is left out.
    let whole = match std::str::from_utf8(bytes) {
        _ if encoding.decoder().decode(bytes, !cut, &mut decoded) => decoded.as_bytes(),
        Err(error) if cut && error.error_len().is_none() => &bytes[..error.valid_up_to()],
        _ => bytes,
    };
    let mut text = String::new();
    for chunk in whole.utf8_chunks() {
        for character in chunk.valid().chars() {
            match character {
                // A terminal would execute a control character, and wouldn't show an invisible one.
                hidden if hidden.is_control() || is_unseen(hidden) => {
                    text.extend(hidden.escape_default());
                }
                character => text.push(character),
            }
        }
        let invalid = chunk.invalid().iter();
        text.extend(invalid.map(|byte| format!("\\x{byte:02x}")));
    }
    if cut {
        text.push('…');
    }
    text
}

/// The beginning of bytes that came from outside. It is displayed as text without control characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sample {
    bytes: Box<[u8]>,
    cut: bool,
    encoding: TextEncoding,
}

impl Sample {
    /// The first `most` of `bytes`.
    pub(crate) fn of(bytes: &[u8], most: usize) -> Self {
        Self {
            bytes: bytes[..bytes.len().min(most)].into(),
            cut: bytes.len() >= most,
            encoding: TextEncoding::default(),
        }
    }

    /// The same bytes, displayed as text in `encoding`.
    pub(crate) fn in_encoding(self, encoding: TextEncoding) -> Self {
        Self { encoding, ..self }
    }

    /// The bytes themselves.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

impl fmt::Display for Sample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&shown(&self.bytes, self.cut, self.encoding))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(bytes: &[u8], cut: bool) -> String {
        super::shown(bytes, cut, TextEncoding::default())
    }

    #[test]
    fn received_bytes_are_shown_without_control_characters() {
        for (bytes, expected) in [
            ("it's 你好\r\n".as_bytes(), "it's 你好\\r\\n"),
            (b"\x1b[2J", "\\u{1b}[2J"),
            (b"a\xff\xc4b", "a\\xff\\xc4b"),
            ("a\u{202e}b".as_bytes(), "a\\u{202e}b"),
        ] {
            assert_eq!(shown(bytes, false), expected);
        }
        let long = "a".to_owned() + &"好".repeat(20);
        let expected = "a".to_owned() + &"好".repeat(19) + "…";
        assert_eq!(shown(&long.as_bytes()[..60], true), expected);
    }

    #[test]
    fn received_bytes_are_shown_in_the_encoding_of_the_run_if_they_are_text_in_it() {
        let gbk: TextEncoding = "gbk".parse().unwrap();
        let bytes = gbk.encode("你好，世界\x1b\r\n").unwrap();
        assert_eq!(super::shown(&bytes, false, gbk), "你好，世界\\u{1b}\\r\\n");
        assert_eq!(super::shown(&bytes[..7], true, gbk), "你好，…");
        assert_eq!(super::shown(b"\xff\xff", false, gbk), "\\xff\\xff");
    }
}
