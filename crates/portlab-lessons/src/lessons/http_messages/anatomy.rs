//! A message of HTTP in its parts.

use portlab_words::{Lang, Text, table::columns};

use crate::cast::hex;

/// A part of a message, and what it is.
pub(super) struct Part<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) is: Text,
}

/// What the three words of a first line are.
pub(super) type Words = [Text; 3];

/// The words of a request line.
pub(super) const OF_REQUEST: Words = [
    Text::new("method", "请求方法"),
    Text::new("path", "请求路径"),
    Text::new("version", "HTTP 版本"),
];
/// The words of a status line.
pub(super) const OF_RESPONSE: Words = [
    Text::new("version", "HTTP 版本"),
    Text::new("status", "状态码"),
    Text::new("reason", "说明"),
];

/// The parts of `message`, in order, without a gap. The words of the first line are `words`.
pub(super) fn parts<'a>(message: &'a [u8], words: &Words) -> Vec<Part<'a>> {
    let mut parts = Vec::new();
    let mut rest = message;
    // Moves the first `length` bytes of the rest to the parts.
    let mut take = |length: usize, is: &Text, rest: &mut &'a [u8]| {
        let (bytes, behind) = rest.split_at(length.min(rest.len()));
        *rest = behind;
        if !bytes.is_empty() {
            let is = is.clone();
            parts.push(Part { bytes, is });
        }
    };
    for (at, word) in words.iter().enumerate() {
        // The last word goes to the end of the line: a reason may have spaces.
        let end: &[u8] = if at == 2 { b"\r\n" } else { b" " };
        take(until(rest, end), word, &mut rest);
        let is = if at == 2 { &LINE_END } else { &SPACE };
        take(end.len(), is, &mut rest);
    }
    while !rest.is_empty() && !rest.starts_with(b"\r\n") {
        take(until(rest, b": "), &NAME, &mut rest);
        take(2, &COLON, &mut rest);
        take(until(rest, b"\r\n"), &VALUE, &mut rest);
        take(2, &LINE_END, &mut rest);
    }
    take(2, &EMPTY_LINE, &mut rest);
    take(usize::MAX, &BODY, &mut rest);
    parts
}

/// The number of bytes before `end`.
fn until(bytes: &[u8], end: &[u8]) -> usize {
    let mut places = bytes.windows(end.len());
    places.position(|it| it == end).unwrap_or(bytes.len())
}

/// The parts as a table: the place of each, its first bytes in hex, its text, and what it is.
pub(super) fn table(parts: &[Part<'_>], lang: Lang) -> String {
    let mut place = 0;
    let rows = parts.iter().map(|part| {
        let text = String::from_utf8_lossy(part.bytes);
        let text = text.replace('\r', "\\r").replace('\n', "\\n");
        let mut bytes = hex(&part.bytes[..part.bytes.len().min(SHOWN)]);
        if part.bytes.len() > SHOWN {
            bytes += " ..";
        }
        let row = [
            place.to_string(),
            bytes,
            cut(&text),
            part.is.pick(lang).to_owned(),
        ];
        place += part.bytes.len();
        row
    });
    columns(&rows.collect::<Vec<_>>(), 2)
}

/// At most as much of a text as fits into its column.
fn cut(text: &str) -> String {
    portlab_words::table::cut(text, COLUMNS)
}

/// How many bytes of a part are shown in hex.
const SHOWN: usize = 6;
/// How wide the column of texts is.
const COLUMNS: usize = 17;

const SPACE: Text = Text::new("space", "空格");
const LINE_END: Text = Text::new("line end", "行尾");
const NAME: Text = Text::new("header", "名字");
const COLON: Text = Text::new("colon", "冒号");
const VALUE: Text = Text::new("value", "值");
const EMPTY_LINE: Text = Text::new("empty line", "空行");
const BODY: Text = Text::new("body", "响应体");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_of_a_message_are_the_whole_message() {
        let message = "HTTP/1.1 404 Not Found\r\nA: b c\r\nD: \r\n\r\n你好\r\n".as_bytes();
        let parts = parts(message, &OF_RESPONSE);
        let whole: Vec<_> = parts.iter().flat_map(|part| part.bytes).copied().collect();
        assert_eq!(whole, message);
        let table = table(&parts, Lang::En);
        let rows: Vec<_> = table.lines().collect();
        let of_reason: Vec<_> = rows[4].split("  ").map(str::trim).collect();
        assert_eq!(of_reason[2..], ["Not Found", "reason"], "{table}");
        assert!(rows[rows.len() - 2].starts_with("37  0d 0a"), "{table}");
        assert!(rows[rows.len() - 1].ends_with("body"), "{table}");
    }

    #[test]
    fn a_message_that_ends_early_has_fewer_parts() {
        assert!(parts(b"", &OF_REQUEST).is_empty());
        assert_eq!(parts(b"GET", &OF_REQUEST).len(), 1);
        assert_eq!(parts(b"GET / HTTP/1.1\r\nHost", &OF_REQUEST).len(), 7);
    }
}
