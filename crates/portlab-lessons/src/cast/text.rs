//! Texts and their bytes.

use std::io;

use portlab_service::TextEncoding;

/// The encoding that is called `label`. Panics if no encoding has this label: lessons use known labels only.
pub(crate) fn encoding(label: &str) -> TextEncoding {
    label.parse().expect("a lesson names known encodings")
}

/// The bytes of `text` in the encoding that is called `label`. Fails when that encoding lacks a character.
///
/// # Panics
/// As [`encoding`].
pub(crate) fn encoded(label: &str, text: &str) -> io::Result<Vec<u8>> {
    encoding(label).encode(text).map_err(io::Error::other)
}

/// Items with commas between them.
pub(crate) fn listed(items: &[impl ToString]) -> String {
    let items = items.iter().map(ToString::to_string);
    items.collect::<Vec<_>>().join(", ")
}

/// Bytes as they are usually shown: `e4 bd a0`.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let bytes = bytes.iter().map(|byte| format!("{byte:02x}"));
    bytes.collect::<Vec<_>>().join(" ")
}

/// The complete `bytes`, decoded, with U+FFFD for malformed ones.
pub(crate) fn read_as(encoding: TextEncoding, bytes: &[u8]) -> String {
    let mut text = String::new();
    encoding.decoder().decode(bytes, true, &mut text);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_bytes_are_different_texts_in_different_encodings() {
        let bytes = "你好".as_bytes();
        assert_eq!(hex(&bytes[..2]), "e4 bd");
        assert_eq!(read_as(encoding("gbk"), bytes), "浣犲ソ");
    }
}
