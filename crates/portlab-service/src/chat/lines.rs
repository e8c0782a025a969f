//! From a stream of bytes to lines of text.

use crate::{TextDecoder, TextEncoding};

/// The lines of one connection, put together from its reads.
///
/// Bytes are split at LF before they are decoded. That is safe, because LF isn't a part of another character in any of
/// these encodings; and it is needed, because a line may change the encoding of the lines after it in the same read.
#[derive(Debug)]
pub(super) struct Lines {
    encoding: TextEncoding,
    decoder: TextDecoder,
    telnet: Telnet,
    /// The decoded part of the line that has begun.
    line: String,
    /// How many bytes of that line have come.
    length: usize,
    limit: usize,
    /// How many lines have ended.
    count: u64,
}

/// A line is longer than the limit.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TooLong;

impl Lines {
    pub(super) fn new(encoding: TextEncoding, limit: usize) -> Self {
        Self {
            encoding,
            decoder: encoding.decoder(),
            telnet: Telnet::Text,
            line: String::new(),
            length: 0,
            limit,
            count: 0,
        }
    }

    /// The number of the line that has begun, if one has.
    pub(super) fn unfinished(&self) -> Option<u64> {
        (self.length > 0).then_some(self.count)
    }

    /// From the next line on, bytes are decoded in `encoding`.
    pub(super) fn set_encoding(&mut self, encoding: TextEncoding) {
        self.encoding = encoding;
        self.decoder = encoding.decoder();
    }

    pub(super) fn encoding(&self) -> TextEncoding {
        self.encoding
    }

    /// Takes bytes from `input` up to the end of a line, and returns the line without its end; `None` when all of `input` is
    /// taken and the line has not ended.
    pub(super) fn next(&mut self, input: &mut &[u8]) -> Option<Result<String, TooLong>> {
        let end = input.iter().position(|&byte| byte == b'\n');
        let (bytes, rest) = input.split_at(end.map_or(input.len(), |at| at + 1));
        *input = rest;
        self.length += bytes.len();
        self.decode(bytes, false);
        let length = match (end, self.line.ends_with("\r\n")) {
            (Some(_), true) => self.length - 2,
            (Some(_), false) => self.length - 1,
            // The last of these bytes may belong to the end of the line.
            (None, _) => self.length.saturating_sub(1),
        };
        if length > self.limit {
            return Some(Err(TooLong));
        }
        end.map(|_| Ok(self.take()))
    }

    /// The stream has ended: returns its rest as a line, if there is a rest.
    pub(super) fn end(&mut self) -> Option<String> {
        self.decode(&[], true);
        (!self.line.is_empty()).then(|| self.take())
    }

    fn take(&mut self) -> String {
        self.length = 0;
        self.count += 1;
        let mut line = std::mem::take(&mut self.line);
        // A terminal that isn't in line mode sends a NUL after a carriage return.
        let text = line.trim_end_matches(['\n', '\r', '\0']).len();
        line.truncate(text);
        line
    }

    fn decode(&mut self, bytes: &[u8], last: bool) {
        if self.encoding.uses_0xff() || self.telnet == Telnet::Text && !bytes.contains(&Telnet::IAC)
        {
            self.decoder.decode(bytes, last, &mut self.line);
            return;
        }
        let telnet = &mut self.telnet;
        let text: Vec<u8> = bytes
            .iter()
            .copied()
            .filter(|&byte| telnet.is_text(byte))
            .collect();
        self.decoder.decode(&text, last, &mut self.line);
    }
}

/// The state of telnet's commands between the text. They are ignored.
///
/// Source: RFC 854, "Telnet Protocol Specification".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Telnet {
    Text,
    /// After IAC: a command follows.
    Command,
    /// After WILL, WON'T, DO or DON'T: the name of an option follows.
    Option,
    /// In a subnegotiation, up to IAC SE.
    Negotiation,
    /// In a subnegotiation, after IAC.
    NegotiationCommand,
}

impl Telnet {
    const IAC: u8 = 255;
    const SE: u8 = 240;
    const SB: u8 = 250;
    const WILL: u8 = 251;
    const DONT: u8 = 254;

    /// Takes the next byte, and says whether it is text.
    fn is_text(&mut self, byte: u8) -> bool {
        let (next, text) = match (*self, byte) {
            (Self::Text, Self::IAC) => (Self::Command, false),
            (Self::Text, _) => (Self::Text, true),
            (Self::Command, Self::WILL..=Self::DONT) => (Self::Option, false),
            (Self::Command, Self::SB) => (Self::Negotiation, false),
            // Any other command has no arguments. IAC after IAC is the byte 255 itself, which isn't text here.
            (Self::Command | Self::Option, _) => (Self::Text, false),
            (Self::Negotiation, Self::IAC) => (Self::NegotiationCommand, false),
            (Self::NegotiationCommand, Self::SE) => (Self::Text, false),
            (Self::Negotiation | Self::NegotiationCommand, _) => (Self::Negotiation, false),
        };
        *self = next;
        text
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn lines(encoding: &str, input: &[u8], piece: usize) -> Vec<String> {
        let mut lines = Lines::new(encoding.parse().unwrap(), 100);
        let mut all = Vec::new();
        for mut input in input.chunks(piece) {
            while let Some(line) = lines.next(&mut input) {
                all.push(line.unwrap());
            }
        }
        all.extend(lines.end());
        all
    }

    #[test]
    fn lines_are_the_same_however_the_reads_cut_them() {
        let gbk = b"\xc4\xe3\xba\xc3\r\n\xcd\xfb\\\n\nend";
        let utf8 = "你好\r\n望\\\n\nend".as_bytes();
        for piece in 1..20 {
            for (encoding, input) in [("gbk", &gbk[..]), ("utf-8", utf8)] {
                assert_eq!(lines(encoding, input, piece), ["你好", "望\\", "", "end"]);
            }
        }
    }

    #[test]
    fn malformed_bytes_are_replaced_and_the_next_line_is_whole() {
        for piece in 1..9 {
            assert_eq!(
                lines("utf-8", b"a\xffb\n\xe4\xbd\n\xe4\xbd\xa0\n\xe4", piece),
                // 0xff begins a command of telnet here, and the next byte belongs to it.
                ["a", "\u{fffd}", "你", "\u{fffd}"]
            );
            assert_eq!(
                lines("gbk", b"\x81\n\xc4\xe3\n\xc4", piece),
                ["\u{fffd}", "你", "\u{fffd}"]
            );
        }
    }

    #[test]
    fn telnet_negotiation_is_left_out() {
        let input =
            b"\xff\xfd\x03\xff\xfb\x18al\xff\xfa\x18\x00x\xff\xffy\xff\xf0ice\r\n\xff\xf1hi\r\0\n";
        for piece in 1..30 {
            assert_eq!(lines("gbk", input, piece), ["alice", "hi"]);
        }
        // In this encoding the byte 0xff is a letter.
        assert_eq!(lines("windows-1251", b"\xff\xf8\n", 1), ["яш"]);
    }

    #[test]
    fn a_byte_order_mark_is_left_out() {
        assert_eq!(lines("utf-8", b"\xef\xbb\xbfalice\n", 2), ["alice"]);
    }

    #[test]
    fn a_line_may_be_as_long_as_the_limit_and_no_longer() {
        for end in ["\n", "\r\n"] {
            for piece in [1, 64, 1000] {
                for (length, fits) in [(100, true), (101, false)] {
                    let input = "x".repeat(length) + end;
                    let mut lines = Lines::new(TextEncoding::default(), 100);
                    let mut got = None;
                    for mut input in input.as_bytes().chunks(piece) {
                        got = got.or_else(|| lines.next(&mut input));
                    }
                    assert_eq!(
                        got.map(|line| line.is_ok()),
                        Some(fits),
                        "{length} {end:?} {piece}"
                    );
                }
            }
        }
        let mut endless = Lines::new(TextEncoding::default(), 100);
        assert_eq!(endless.next(&mut &[b'x'; 102][..]), Some(Err(TooLong)));
    }

    proptest! {
        #[test]
        fn every_text_is_read_as_it_was_written(
            texts in proptest::collection::vec("[a-z 你好世界，。]{0,20}", 1..5), piece in 1..40_usize
        ) {
            for encoding in ["utf-8", "gbk", "gb18030", "big5", "shift_jis"] {
                let encoding: TextEncoding = encoding.parse().unwrap();
                let said = texts.iter().map(|text| format!("{text}\n")).collect::<String>();
                // Big5 and Shift_JIS lack some of the simplified characters.
                let Ok(bytes) = encoding.encode(&said) else { continue };
                prop_assert_eq!(&lines(encoding.name(), &bytes, piece), &texts);
            }
        }
    }
}
