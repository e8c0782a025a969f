//! Bytes written in hex.

use portlab_words::{Text, narrow, tr};

/// Reads bytes in hex: pairs of digits, with or without white space between them.
///
/// # Errors
/// If a character isn't a hexadecimal digit, or the number of digits is odd.
pub fn bytes_of_hex(text: &str) -> Result<Vec<u8>, Text> {
    let digits: Option<Vec<u32>> = narrow(text)
        .chars()
        .filter(|character| !character.is_whitespace())
        .map(|character| character.to_digit(16))
        .collect();
    match digits.as_deref().map(<[u32]>::as_chunks) {
        Some((pairs, [])) => Ok(pairs
            .iter()
            .map(|[high, low]| (high * 16 + low) as u8)
            .collect()),
        _ => Err(tr!(
            "invalid hex {text:?}: expected pairs of digits 0-9 a-f, such as \"50 49 4e 47 0d 0a\"",
            "十六进制 {text:?} 无效：要写成对的 0-9、a-f，例如 \"50 49 4e 47 0d 0a\""
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::bytes_of_hex;

    #[test]
    fn hex_is_read_with_and_without_spaces() {
        assert_eq!(bytes_of_hex("50 49\n4E470d 0a").unwrap(), b"PING\r\n");
        assert_eq!(bytes_of_hex("ｃ４　Ｅ３").unwrap(), b"\xc4\xe3");
        for text in ["5", "xy", "a 中"] {
            let error = bytes_of_hex(text).unwrap_err().to_string();
            assert!(error.contains("pairs of digits"), "{error}");
        }
    }
}
