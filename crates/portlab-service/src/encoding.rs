//! Text encodings.

use std::{borrow::Cow, error::Error, fmt, str::FromStr};

use encoding_rs::{Decoder, DecoderResult, EncoderResult, Encoding, GBK};
use portlab_words::{Text, narrow, tr};

use crate::nearest;

/// An encoding that text can be written in, found by its WHATWG label (`gbk`, `utf-8`, `big5`,
/// `shift_jis`, ...).
///
/// A label of the standard may stand for more characters than Python's strict codec of that name knows
/// (`gb2312` is all of GBK here). For GBK such characters are left out; docs/chat.md counts those of other encodings.
///
/// Source: the WHATWG Encoding Standard, through `encoding_rs`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TextEncoding(&'static Encoding);

/// A text with a character that the encoding lacks.
#[derive(Debug, PartialEq, Eq)]
pub struct EncodeError {
    /// The first character that the encoding lacks.
    pub character: char,
    /// The encoding's name.
    pub encoding: &'static str,
}

/// In the alternate form (`{:#}`) in Chinese.
impl fmt::Display for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            character,
            encoding,
        } = self;
        let text = tr!(
            "{character:?} can't be written in {encoding}; use utf-8 or gb18030, which carry every character",
            "{encoding} 编码里没有字符 {character:?}；请改用 utf-8 或 gb18030，它们包含所有字符"
        );
        text.fmt(f)
    }
}

impl Error for EncodeError {}

impl TextEncoding {
    /// The encoding's canonical name, such as `GBK`.
    pub fn name(self) -> &'static str {
        self.0.name()
    }

    /// Encodes `text` exactly, without a byte order mark and without replacements.
    ///
    /// # Errors
    /// When the encoding lacks a character. In GBK that includes the euro sign and some rare others: see
    /// `python_reads`.
    pub fn encode(self, text: &str) -> Result<Vec<u8>, EncodeError> {
        let cannot = |character| EncodeError {
            character,
            encoding: self.name(),
        };
        if let Some(character) = text
            .chars()
            .find(|&character| !self.python_reads(character))
        {
            return Err(cannot(character));
        }
        let mut encoder = self.0.new_encoder();
        let room = encoder.max_buffer_length_from_utf8_without_replacement(text.len());
        let mut bytes =
            Vec::with_capacity(room.expect("a text in memory has a length that can be doubled"));
        match encoder
            .encode_from_utf8_to_vec_without_replacement(text, &mut bytes, true)
            .0
        {
            EncoderResult::InputEmpty => Ok(bytes),
            EncoderResult::Unmappable(character) => Err(cannot(character)),
            EncoderResult::OutputFull => {
                unreachable!("the buffer has the length that the encoder asked for")
            }
        }
    }

    /// Appends `text` to `bytes`, with a question mark for each character that the encoding lacks.
    ///
    /// The standard would write a reference such as `&#128512;`, which is meant for web forms: a reader of a chat could
    /// not decode it.
    pub fn encode_with_marks(self, text: &str, bytes: &mut Vec<u8>) {
        let rest: Cow<'_, str> = match text.chars().all(|character| self.python_reads(character)) {
            true => text.into(),
            false => text
                .replace(|character| !self.python_reads(character), "?")
                .into(),
        };
        let mut encoder = self.0.new_encoder();
        let mut rest = &*rest;
        loop {
            let room = encoder.max_buffer_length_from_utf8_without_replacement(rest.len());
            bytes.reserve(room.expect("a text in memory has a length that can be doubled"));
            let (result, read) =
                encoder.encode_from_utf8_to_vec_without_replacement(rest, bytes, true);
            rest = &rest[read..];
            match result {
                EncoderResult::InputEmpty => return,
                EncoderResult::OutputFull => {}
                // The encoder writes the mark, too: in an encoding with states, its byte alone may be half of another
                // character.
                EncoderResult::Unmappable(_) => {
                    bytes.reserve(MARK_ROOM);
                    let _ = encoder.encode_from_utf8_to_vec_without_replacement("?", bytes, false);
                }
            }
        }
    }

    /// Makes a decoder for one stream of bytes, which may be cut anywhere.
    pub fn decoder(self) -> TextDecoder {
        TextDecoder(self.0.new_decoder_with_bom_removal())
    }

    /// Whether the byte 0xff may be a part of a character. If not, it is a command of telnet.
    pub fn uses_0xff(self) -> bool {
        let (_, malformed) = self.0.decode_without_bom_handling(&[0xff]);
        !malformed
    }

    /// Whether Python's codec of this encoding can decode the bytes of `character`. (The encoder finds out whether the
    /// encoding has the character at all.)
    ///
    /// The standard's GBK writes 2,166 characters, such as the euro sign, in bytes that Python's `gbk` codec can't decode,
    /// and most clients that choose "gbk" are written in Python. GB 18030 has added these characters to GBK. A test has the
    /// whole list.
    fn python_reads(self, character: char) -> bool {
        self.0 != GBK
            || !matches!(character,
                '\u{1f9}' | '\u{1e3f}' | '\u{20ac}' | '\u{303e}'
                | '\u{2e80}'..='\u{2fff}' | '\u{3400}'..='\u{4dbf}' | '\u{9fa6}'..='\u{9fff}'
                | '\u{e000}'..='\u{f8ff}' | '\u{fe10}'..='\u{fe19}')
    }
}

/// Turns the bytes of one stream into text, wherever reads cut it.
pub struct TextDecoder(Decoder);

impl TextDecoder {
    /// Decodes `bytes` and appends the characters to `text`. A part of a character is kept until the rest comes. Malformed
    /// bytes become U+FFFD, and so does a part of a character when these bytes are the `last`. A byte order mark at the
    /// beginning is left out. Returns whether all bytes were well formed.
    ///
    /// # Panics
    /// When it is called again after the last bytes.
    pub fn decode(&mut self, mut bytes: &[u8], last: bool, text: &mut String) -> bool {
        let mut well_formed = true;
        loop {
            let room = self
                .0
                .max_utf8_buffer_length_without_replacement(bytes.len());
            text.reserve(room.expect("what was read has a length that can be tripled") + 3);
            let (result, read) = self
                .0
                .decode_to_string_without_replacement(bytes, text, last);
            bytes = &bytes[read..];
            match result {
                DecoderResult::InputEmpty => return well_formed,
                DecoderResult::OutputFull => {}
                DecoderResult::Malformed(..) => {
                    well_formed = false;
                    text.push(char::REPLACEMENT_CHARACTER);
                }
            }
        }
    }
}

impl fmt::Debug for TextDecoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TextDecoder({})", self.0.encoding().name())
    }
}

impl FromStr for TextEncoding {
    type Err = Text;

    fn from_str(label: &str) -> Result<Self, Text> {
        let label = &*narrow(label);
        let found = Encoding::for_label(label.as_bytes());
        match found.or_else(|| Encoding::for_label(standard(label)?.as_bytes())) {
            // UTF-16, and the encodings that the standard only recognizes for safety (hz-gb-2312, iso-2022-kr): their
            // encoders would write UTF-8.
            Some(encoding) if encoding.output_encoding() != encoding => Err(tr!(
                "{label:?} has no encoder in the encoding standard; use utf-8 or gb18030",
                "编码标准只规定了怎样解读 {label:?}，没有规定怎样写出；请改用 utf-8 或 gb18030"
            )),
            Some(encoding) => Ok(Self(encoding)),
            None => {
                let near = nearest(label, USUAL_LABELS.split(' ')).unwrap_or("utf-8");
                Err(tr!(
                    "unknown encoding {label:?}; did you mean {near:?}? \
                     (utf-8, gbk, gb18030, big5, shift_jis, ...)",
                    "没有 {label:?} 这种编码；要写的是不是 {near:?}？（utf-8、gbk、gb18030、big5、shift_jis 等）"
                ))
            }
        }
    }
}

/// The standard's label for a name that Python, Windows or a Unix locale gives an encoding, if the standard lacks that
/// name. Case, `-` and `_` are ignored.
///
/// Sources: Python's `codecs` ("Standard Encodings"), Windows' code page identifiers, `locale -m`.
fn standard(label: &str) -> Option<&'static str> {
    let mut label = label.trim().to_ascii_lowercase();
    label.retain(|character| !"-_".contains(character));
    Some(match &*label {
        "936" | "cp936" | "ms936" | "windows936" | "euccn" | "gb2312" | "cp20936" => "gbk",
        "54936" | "cp54936" => "gb18030",
        "950" | "cp950" | "ms950" | "windows950" | "hkscs" | "big5" | "big5tw" => "big5",
        "932" | "cp932" | "windows932" | "mskanji" | "sjis" | "shiftjis" => "shift_jis",
        "949" | "cp949" | "ms949" | "uhc" | "euckr" | "cp51949" => "euc-kr",
        "eucjp" | "ujis" | "cp51932" => "euc-jp",
        "65001" | "cp65001" | "u8" | "utf8" => "utf-8",
        "latin1" | "l1" | "cp819" => "latin1",
        _ => return None,
    })
}

impl Default for TextEncoding {
    fn default() -> Self {
        Self(encoding_rs::UTF_8)
    }
}

/// The most bytes of a mark, with the switch to another state before it.
const MARK_ROOM: usize = 8;

/// The labels for suggestions; the standard has 228, most of them historic.
const USUAL_LABELS: &str = "utf-8 gbk gb2312 gb18030 big5 shift_jis euc-jp euc-kr koi8-r iso-8859-1 latin1 \
    windows-1251 windows-1252";

#[cfg(test)]
mod tests {
    use super::*;

    fn encode(label: &str, text: &str) -> Result<Vec<u8>, EncodeError> {
        label.parse::<TextEncoding>().unwrap().encode(text)
    }

    #[test]
    fn a_greeting_has_the_bytes_that_python_encodes() {
        // "你好".encode("gbk") in Python.
        assert_eq!(encode("gbk", "你好").unwrap(), [0xc4, 0xe3, 0xba, 0xc3]);
        assert_eq!(encode("utf-8", "你好").unwrap(), "你好".as_bytes());
    }

    #[test]
    fn what_gbk_cannot_carry_is_refused_and_never_written_as_an_html_reference() {
        for (text, character) in [("好😀", '😀'), ("5 €", '€')] {
            assert_eq!(encode("gbk", text).unwrap_err().character, character);
            assert!(encode("gb18030", text).is_ok());
        }
    }

    /// The characters of the standard's GBK that Python 3.11 can't decode, from `bytes.decode("gbk")` on each.
    const UNREAD_BY_PYTHON: &str = "1f9 1e3f 20ac 2e81 2e84 2e88 2e8b-2e8c 2e97 2ea7 2eaa 2eae 2eb3 \
        2eb6-2eb7 2ebb 2eca 2ff0-2ffb 303e 3447 3473 359e 360e 361a 3918 396e 39cf-39d0 39df 3a73 3b4e \
        3c6e 3ce0 4056 415f 4337 43ac 43b1 43dd 44d6 464c 4661 4723 4729 477c 478d 4947 497a 497d \
        4982-4983 4985-4986 499b 499f 49b6-49b7 4c77 4c9f-4ca3 4d13-4d19 4dae 9fb4-9fbb e000-e5e4 \
        e5e6-e76b e76d-e7c6 e7c9-e7e6 e7f4-e814 e816-e818 e81e e826 e82b-e82c e831-e832 e83b e843 \
        e854-e855 e864 fe10-fe19";

    #[test]
    fn exactly_what_python_cannot_decode_is_left_out_of_gbk() {
        let code = |digits| u32::from_str_radix(digits, 16).unwrap();
        let ranges = UNREAD_BY_PYTHON.split_whitespace().map(|range| {
            let (first, last) = range.split_once('-').unwrap_or((range, range));
            code(first)..=code(last)
        });
        let unread: std::collections::HashSet<u32> = ranges.flatten().collect();
        assert_eq!(unread.len(), 2_166);
        let gbk: TextEncoding = "gbk".parse().unwrap();
        for character in '\0'..='\u{2ffff}' {
            let text = character.to_string();
            let (_, _, unmappable) = GBK.encode(&text);
            let expected = !unmappable && !unread.contains(&u32::from(character));
            assert_eq!(gbk.encode(&text).is_ok(), expected, "{character:?}");
            let mut bytes = Vec::new();
            gbk.encode_with_marks(&text, &mut bytes);
            assert_eq!(
                bytes == b"?",
                !expected || character == '?',
                "{character:?}"
            );
        }
    }

    #[test]
    fn a_mark_replaces_each_character_that_an_encoding_lacks() {
        let marked = |label: &str, text| {
            let mut bytes = Vec::new();
            let encoding: TextEncoding = label.parse().unwrap();
            encoding.encode_with_marks(text, &mut bytes);
            let mut back = String::new();
            encoding.decoder().decode(&bytes, true, &mut back);
            back
        };
        assert_eq!(marked("gbk", "好😀5 €!"), "好?5 ?!");
        assert_eq!(marked("gb18030", "好😀5 €!"), "好😀5 €!");
        assert_eq!(marked("latin1", "你é"), "?é");
        // An encoding with states: a bare mark between two characters of two bytes.
        assert_eq!(marked("iso-2022-jp", "日😀本"), "日?本");
        assert_eq!(marked("utf-8", "😀"), "😀");
    }

    #[test]
    fn a_text_split_at_every_byte_comes_out_whole() {
        for label in "utf-8 gbk gb18030 big5 shift_jis euc-kr iso-2022-jp".split(' ') {
            let encoding: TextEncoding = label.parse().unwrap();
            let text = "a中文z";
            let bytes = encoding.encode(text).unwrap();
            let (mut decoder, mut back) = (encoding.decoder(), String::new());
            for byte in &bytes {
                decoder.decode(&[*byte], false, &mut back);
            }
            decoder.decode(&[], true, &mut back);
            assert_eq!(back, text, "{label}");
        }
        let (mut decoder, mut back) = (
            "gbk".parse::<TextEncoding>().unwrap().decoder(),
            String::new(),
        );
        decoder.decode(b"\xc4", false, &mut back);
        assert_eq!(back, "", "half a character is kept");
        decoder.decode(&[], true, &mut back);
        assert_eq!(
            back, "\u{fffd}",
            "and is malformed if the other half doesn't come"
        );
    }

    #[test]
    fn the_names_that_python_windows_and_locales_use_are_known() {
        let labels = "\
            GBK: gbk GBK gb2312 GB2312 cp936 CP936 ms936 936 windows-936 euc_cn eucCN
            gb18030: gb18030 GB18030 cp54936
            Big5: big5 Big5-HKSCS cp950 ms950 950 hkscs big5_tw BIG5
            Shift_JIS: shift_jis shift-jis cp932 932 ms932 ms_kanji SJIS
            EUC-JP: euc-jp euc_jp eucJP ujis
            EUC-KR: euc-kr euc_kr eucKR cp949 ms949 uhc
            UTF-8: utf-8 utf8 UTF_8 u8 cp65001
            windows-1252: latin_1 latin1 iso-8859-1 iso8859-1 l1 cp1252";
        for line in labels.lines() {
            let (name, labels) = line.trim().split_once(": ").unwrap();
            for label in labels.split(' ') {
                let found = label.parse::<TextEncoding>().map(TextEncoding::name);
                assert_eq!(found, Ok(name), "{label}");
            }
        }
    }

    #[test]
    fn a_mistyped_label_causes_a_suggestion() {
        let error = |label: &str| label.parse::<TextEncoding>().unwrap_err().en;
        assert!(error("gkb").contains("did you mean \"gbk\"?"));
        for label in ["utf-16", "hz-gb-2312", "iso-2022-kr"] {
            assert!(error(label).contains("has no encoder"), "{label}");
        }
    }
}
