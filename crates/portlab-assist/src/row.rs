//! Rows: an event as it is shown.

use std::{fmt::Write, net::SocketAddr, time::Duration};

use portlab_service::{Guess, TextDecoder, TextEncoding, visible};
use portlab_words::{Text, tr};
use unicode_width::UnicodeWidthChar;

use crate::{By, PeerId, Way, What};

/// An event as it is shown: one read or one send is one row.
#[derive(Clone, Debug)]
pub struct Row {
    /// When, since the assistant's start.
    pub at: Duration,
    /// The address of the peer that the event concerns, if it concerns one.
    pub addr: Option<SocketAddr>,
    /// What has happened.
    pub what: What,
    /// The bytes as text, in each encoding that is shown. Empty if the event has no bytes.
    pub readings: Vec<Reading>,
    /// Another encoding in which the peer's bytes are text.
    pub guess: Option<Guess>,
}

/// Bytes as text in one encoding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// The encoding.
    pub encoding: TextEncoding,
    /// The characters, each with the number of its bytes in this row. All are inert.
    cells: Vec<(char, u8)>,
    /// Whether the first character began in the row before.
    pub begins_cut: bool,
    /// Whether the last character ends in the next row. Its bytes here belong to the sign [`CUT`].
    pub ends_cut: bool,
    /// Whether all bytes belong to well-formed characters.
    pub(crate) well_formed: bool,
}

/// Text and hex of the same bytes, side by side.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Line {
    /// The text.
    pub text: String,
    /// The columns that the text takes.
    pub columns: usize,
    /// The bytes.
    pub hex: String,
}

/// The sign for a part of a character, whose other part is in another row.
pub const CUT: char = '▯';

/// Decodes the bytes of one peer and one direction, row by row.
pub(crate) struct Reader {
    encoding: TextEncoding,
    decoder: TextDecoder,
    /// Whether an ASCII byte at the beginning of a character is that character.
    has_ascii: bool,
    /// Whether two bytes are a character as in GBK.
    has_pairs: bool,
    /// The bytes that belong to a character that isn't complete.
    pending: Vec<u8>,
    /// Whether a character was read. Before, UTF-8 may have a byte order mark, which isn't shown.
    has_begun: bool,
}

impl Reader {
    pub(crate) fn new(encoding: TextEncoding) -> Self {
        // The others of the Encoding Standard have it.
        let lacks_ascii = ["ISO-2022-JP", "UTF-16BE", "UTF-16LE", "replacement"];
        Self {
            encoding,
            decoder: encoding.decoder(),
            has_ascii: !lacks_ascii.contains(&encoding.name()),
            has_pairs: ["GBK", "gb18030"].contains(&encoding.name()),
            pending: Vec::new(),
            has_begun: false,
        }
    }

    /// Reads the bytes of the next row.
    pub(crate) fn read(&mut self, bytes: &[u8]) -> Reading {
        let mut reading = Reading {
            encoding: self.encoding,
            cells: Vec::with_capacity(bytes.len()),
            begins_cut: false,
            ends_cut: false,
            well_formed: true,
        };
        let rest = match self.encoding == TextEncoding::default() {
            true => self.utf_8(bytes, &mut reading),
            false => self.others(bytes, &mut reading),
        };
        if rest > 0 {
            reading.ends_cut = true;
            reading.cells.push((CUT, rest));
        }
        reading
    }

    /// Reads UTF-8; returns how many bytes at the end belong to a character that isn't complete.
    fn utf_8(&mut self, bytes: &[u8], reading: &mut Reading) -> u8 {
        let before = self.pending.len();
        self.pending.extend(bytes);
        let all = std::mem::take(&mut self.pending);
        let mark = match !self.has_begun && all.starts_with(BYTE_ORDER_MARK) {
            true => BYTE_ORDER_MARK.len(),
            false => 0,
        };
        let mut chunks = all[mark..].utf8_chunks().peekable();
        while let Some(chunk) = chunks.next() {
            let characters = chunk.valid().chars();
            let cells = characters.map(|it| (visible(it), it.len_utf8() as u8));
            reading.cells.extend(cells);
            let invalid = chunk.invalid();
            let is_part = || str::from_utf8(invalid).is_err_and(|it| it.error_len().is_none());
            if chunks.peek().is_none() && is_part() {
                self.pending = invalid.to_vec();
            } else if !invalid.is_empty() {
                reading.well_formed = false;
                let sign = char::REPLACEMENT_CHARACTER;
                reading.cells.push((sign, invalid.len() as u8));
            }
        }
        match reading.cells.first_mut() {
            // Some bytes of the first character are in the row before.
            Some((_, length)) => {
                *length = (usize::from(*length) + mark).saturating_sub(before) as u8;
                reading.begins_cut = before > 0;
                self.has_begun = true;
                self.pending.len() as u8
            }
            None => {
                self.pending = all;
                (self.pending.len() - before) as u8
            }
        }
    }

    /// Reads other encodings; returns how many bytes at the end belong to a character that isn't complete.
    fn others(&mut self, bytes: &[u8], reading: &mut Reading) -> u8 {
        let (mut text, mut lengths, mut rest) = (String::new(), Vec::new(), bytes);
        let mut here = 0_u8;
        while let Some((byte, behind)) = rest.split_first() {
            if self.pending.is_empty() {
                let mut run = 0;
                while let Some(length) = self.length(&rest[run..]) {
                    lengths.push(length);
                    run += usize::from(length);
                }
                if run > 0 {
                    self.decoder.decode(&rest[..run], false, &mut text);
                    let characters = text.drain(..).map(visible);
                    reading.cells.extend(characters.zip(lengths.drain(..)));
                    rest = &rest[run..];
                    continue;
                }
            }
            rest = behind;
            // Byte by byte, so that each character is found with its bytes.
            reading.well_formed &= self.decoder.decode(&[*byte], false, &mut text);
            here = here.saturating_add(1);
            self.pending.push(*byte);
            if text.is_empty() {
                continue;
            }
            let count = text.chars().count();
            let begins_before = self.pending.len() > usize::from(here);
            reading.begins_cut |= reading.cells.is_empty() && begins_before;
            for (at, character) in text.drain(..).enumerate() {
                // After a malformed part of a character, its last byte is a character of its own.
                let length = match (at, count) {
                    (0, 1) => here,
                    (0, _) => here - 1,
                    (1, _) => 1,
                    _ => 0,
                };
                reading.cells.push((visible(character), length));
            }
            here = 0;
            self.pending.clear();
        }
        here
    }

    /// The length of the character at the beginning of `bytes`, if its first two bytes tell that it is complete.
    fn length(&self, bytes: &[u8]) -> Option<u8> {
        match bytes {
            [0..=0x7f, ..] if self.has_ascii => Some(1),
            [0x81..=0xfe, 0x40..=0x7e | 0x80..=0xfe, ..] if self.has_pairs => Some(2),
            _ => None,
        }
    }
}

impl Reading {
    /// The text, with the sign [`CUT`] for a part of a character.
    pub fn text(&self) -> String {
        self.shown().map(|(character, _)| character).collect()
    }

    /// The complete characters that end in this row, without signs.
    pub fn characters(&self) -> String {
        let whole = self.cells.len() - usize::from(self.ends_cut);
        self.cells[..whole].iter().map(|(it, _)| it).collect()
    }

    /// The characters with the number of their bytes, and the sign [`CUT`] before one that began in the row before.
    pub fn shown(&self) -> impl Iterator<Item = (char, u8)> {
        let begin = self.begins_cut.then_some((CUT, 0));
        begin.into_iter().chain(self.cells.iter().copied())
    }

    /// Text and hex of `bytes` side by side, in lines that are at most `width` columns wide, with a gap of two columns
    /// between text and hex. No character and no byte is broken; a line has at least one character.
    pub fn lines(&self, bytes: &[u8], width: usize) -> Vec<Line> {
        let (mut lines, mut line) = (Vec::new(), Line::default());
        let (mut from, mut end) = (0, 0);
        for (character, length) in self.shown() {
            let (wide, length) = (character.width().unwrap_or(0), usize::from(length));
            let hex_columns = (3 * (end + length - from)).saturating_sub(1);
            if line.columns + wide + GAP + hex_columns > width && end > from && length > 0 {
                line.hex = hex(&bytes[from..end]);
                lines.push(std::mem::take(&mut line));
                from = end;
            }
            line.text.push(character);
            line.columns += wide;
            end += length;
        }
        line.hex = hex(&bytes[from..end]);
        lines.push(line);
        lines
    }
}

impl Row {
    /// The peer that the event concerns, if it concerns one.
    pub fn peer(&self) -> Option<PeerId> {
        self.what.peer()
    }

    /// The sign of the direction: `←` for what was received, `→` for what was sent.
    pub fn arrow(&self) -> &'static str {
        match self.what {
            What::Received(..) => "←",
            What::Sent(..) => "→",
            What::Folded { way: Way::In, .. } => "⇇",
            What::Folded { way: Way::Out, .. } => "⇉",
            _ => " ",
        }
    }

    /// What made the assistant send, unless a person did.
    pub fn by(&self) -> Option<Text> {
        let What::Sent(_, _, by) = self.what else {
            return None;
        };
        match by {
            By::Hand => None,
            By::Rule(number) => Some(tr!("rule {number}", "规则 {number}")),
            By::Echo => Some(Text::new("echo", "回显")),
            By::Every => Some(Text::new("periodic", "定时")),
            By::File => Some(Text::new("file", "文件")),
            By::Replay => Some(Text::new("replay", "重放")),
        }
    }

    /// The note about another encoding in which the peer's bytes are text.
    ///
    /// Where rows are shown in two encodings, it would say nothing new.
    pub fn note(&self) -> Option<Text> {
        let ([reading], Some(guess)) = (&self.readings[..], &self.guess) else {
            return None;
        };
        let read = reading.encoding.name();
        let (name, text) = (guess.encoding.name(), &guess.text);
        let label = name.to_lowercase();
        Some(tr!(
            "these bytes are {name}, not {read}: read as {name} they are {text:?}; type /encoding {label} to read them so",
            "这些字节是 {name} 编码，不是 {read}：按 {name} 解码是 {text:?}；输入 /encoding {label} 改用 {name}"
        ))
    }
}

/// Bytes in hex, with a space between two.
pub fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(3 * bytes.len());
    for (at, byte) in bytes.iter().enumerate() {
        let gap = if at == 0 { "" } else { " " };
        // A String takes everything.
        let _ = write!(text, "{gap}{byte:02x}");
    }
    text
}

/// The columns between text and hex.
const GAP: usize = 2;
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*, sample::select};

    use super::*;

    fn reader(label: &str) -> Reader {
        Reader::new(label.parse().unwrap())
    }

    #[test]
    fn a_character_that_a_read_cuts_is_marked_and_completed_in_the_next_row() {
        for label in ["gbk", "utf-8", "gb18030"] {
            let encoding: TextEncoding = label.parse().unwrap();
            let bytes = encoding.encode("你好").unwrap();
            for at in 1..bytes.len() {
                let mut reader = reader(label);
                let [one, two] = [&bytes[..at], &bytes[at..]].map(|it| reader.read(it));
                let is_cut = at != bytes.len() / 2;
                let cuts = [one.ends_cut, two.begins_cut];
                assert_eq!(cuts, [is_cut; 2], "{label} {at}");
                assert_eq!(one.characters() + &two.characters(), "你好", "{label} {at}");
                assert_eq!(one.text().ends_with(CUT), is_cut);
                assert_eq!(two.text().starts_with(CUT), is_cut);
            }
        }
        // In three rows.
        let mut reader = reader("utf-8");
        let texts = [0, 1, 2].map(|at| reader.read(&"你".as_bytes()[at..=at]).text());
        assert_eq!(texts, ["▯", "▯", "▯你"]);
    }

    #[test]
    fn control_characters_are_pictures_and_malformed_bytes_are_signs() {
        let reading = reader("utf-8").read(b"a\x1b[2J\n\xff");
        assert_eq!(reading.text(), "a␛[2J␊\u{fffd}");
        assert!(!reading.well_formed);
        // GBK read as UTF-8: a malformed character ends where the next one begins.
        let reading = reader("utf-8").read(b"\xc4\xe3\xba\xc3");
        let sign = char::REPLACEMENT_CHARACTER;
        assert_eq!(reading.cells, [(sign, 1), (sign, 2), (CUT, 1)]);
        // The second byte can't be a second half: it is a character of its own.
        let reading = reader("gbk").read(b"\xc4 ");
        assert_eq!(reading.cells, [(char::REPLACEMENT_CHARACTER, 1), (' ', 1)]);
        assert!(!reading.well_formed);
    }

    #[test]
    fn text_and_hex_are_broken_at_the_same_bytes_and_fit() {
        let mixed = "a你b😀\r\nétext that goes on 和中文".repeat(3);
        for label in ["utf-8", "gb18030", "latin1"] {
            let bytes = mixed.as_bytes();
            let reading = reader(label).read(bytes);
            for width in [16, 20, 40, 77] {
                let lines = reading.lines(bytes, width);
                let hexes: Vec<_> = lines.iter().map(|it| it.hex.as_str()).collect();
                assert_eq!(hexes.join(" "), hex(bytes), "{label} {width}");
                let text: String = lines.iter().map(|it| it.text.as_str()).collect();
                assert_eq!(text, reading.text());
                for line in &lines {
                    let columns = line.text.chars().filter_map(UnicodeWidthChar::width);
                    assert_eq!(line.columns, columns.sum::<usize>());
                    let fits = line.columns + GAP + line.hex.len() <= width;
                    assert!(fits, "{label} {width}: {line:?}");
                }
            }
        }
        assert_eq!(reader("utf-8").read(b"").lines(b"", 20).len(), 1);
    }

    /// Bytes of which many are ASCII, escapes, and parts of characters, in rows.
    fn rows() -> impl Strategy<Value = Vec<Vec<u8>>> {
        let pieces = prop_oneof![
            "[ -~]{0,9}".prop_map(String::into_bytes),
            vec(any::<u8>(), 0..5),
            vec(0x80..=0xff_u8, 0..5),
            select(&["\u{feff}", "你好", "😀", "\x1b$B", "\x1b(B"][..]).prop_map(Vec::from),
            select(vec![
                &b"\xc4\xe3"[..],
                b"\x81\x30\x81",
                b"\x82\x60",
                b"\x81"
            ])
            .prop_map(Vec::from),
        ];
        let row = vec(pieces, 0..5).prop_map(|it| it.concat());
        vec(row, 1..5)
    }

    proptest! {
        #[test]
        fn characters_are_found_as_if_they_were_read_byte_by_byte(rows in rows()) {
            for label in ["utf-8", "gbk", "gb18030", "shift_jis", "iso-2022-jp"] {
                let [mut fast, mut slow] = [(); 2].map(|()| reader(label));
                (slow.has_ascii, slow.has_pairs) = (false, false);
                let decoder = &mut slow.encoding.decoder();
                for row in &rows {
                    let read = fast.read(row);
                    let lengths = read.cells.iter().map(|it| usize::from(it.1));
                    prop_assert_eq!(lengths.sum::<usize>(), row.len());
                    let mut text = String::new();
                    let well_formed = decoder.decode(row, false, &mut text);
                    prop_assert_eq!(read.characters(), text.chars().map(visible).collect::<String>());
                    prop_assert_eq!(read.well_formed, well_formed);
                    if label != "utf-8" {
                        prop_assert_eq!(read, slow.read(row), "{}", label);
                    }
                }
            }
        }
    }
}
