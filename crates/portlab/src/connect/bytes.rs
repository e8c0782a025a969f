//! Bytes in hex, and beside them the text that they encode.

use portlab_service::{TextDecoder, inert};

/// Lays `bytes` out in rows of `per_row`, at most `most` rows, and returns the rows and the number
/// of bytes that are left out. `decoder` has decoded the bytes before these, and decodes all of `bytes`.
///
/// A row is the bytes in hex, padded to the width of a full row, and the text that they complete: a character is
/// in the row of its last byte.
pub(super) fn rows(
    bytes: &[u8],
    decoder: &mut TextDecoder,
    per_row: usize,
    most: usize,
) -> (Vec<(String, String)>, usize) {
    let shown = bytes.len().min(per_row * most);
    let rows = bytes[..shown].chunks(per_row).map(|chunk| {
        let mut text = String::new();
        decoder.decode(chunk, false, &mut text);
        let text = inert(&text);
        let hex: Vec<_> = chunk.iter().map(|byte| format!("{byte:02x}")).collect();
        let (hex, width) = (hex.join(" "), per_row * 3 - 1);
        (format!("{hex:width$}"), text)
    });
    let rows = rows.collect();
    decoder.decode(&bytes[shown..], false, &mut String::new());
    (rows, bytes.len() - shown)
}

#[cfg(test)]
mod tests {
    use portlab_service::TextEncoding;

    use super::*;

    fn laid_out(label: &str, pieces: &[&[u8]], per_row: usize, most: usize) -> Vec<String> {
        let mut decoder = label.parse::<TextEncoding>().unwrap().decoder();
        let mut lines = Vec::new();
        for piece in pieces {
            let (rows, left_out) = rows(piece, &mut decoder, per_row, most);
            lines.extend(rows.iter().map(|(hex, text)| format!("{hex}|{text}")));
            lines.push(format!("+{left_out}"));
        }
        lines
    }

    #[test]
    fn bytes_stand_in_hex_beside_their_text() {
        assert_eq!(
            laid_out("gbk", &[b"\xc4\xe3\xba\xc3\n"], 8, 4),
            ["c4 e3 ba c3 0a         |你好␊", "+0"]
        );
        assert_eq!(
            laid_out("utf-8", &[b"\x1b[2Jabcdefgh"], 8, 4),
            [
                "1b 5b 32 4a 61 62 63 64|␛[2Jabcd",
                "65 66 67 68            |efgh",
                "+0"
            ]
        );
    }

    #[test]
    fn a_character_that_is_cut_is_in_the_row_of_its_last_byte() {
        assert_eq!(
            laid_out("gbk", &[b"a\xc4", b"\xe3"], 2, 4),
            ["61 c4|a", "+0", "e3   |你", "+0"]
        );
        assert_eq!(
            laid_out("gbk", &[b"a\xc4\xe3"], 2, 4),
            ["61 c4|a", "e3   |你", "+0"]
        );
    }

    #[test]
    fn bytes_beyond_the_last_row_are_left_out_and_counted() {
        // What is left out ends with half a character.
        assert_eq!(
            laid_out("gbk", &[b"abcdefg\xc4", b"\xe3"], 2, 2),
            ["61 62|ab", "63 64|cd", "+4", "e3   |你", "+0"]
        );
    }
}
