//! Text in everybody's encoding.

use std::str::FromStr;

use encoding_rs::{EncoderResult, Encoding, GBK};

use crate::nearest;

/// An encoding that text can be written in, found by its WHATWG label (`gbk`, `utf-8`, `big5`,
/// `shift_jis`, ...).
///
/// Source: the WHATWG Encoding Standard, through `encoding_rs`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TextEncoding(&'static Encoding);

/// A label that names no encoding we can write.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum UnknownEncoding {
    /// Nobody's label.
    #[error(
        "there is no encoding {label:?}; did you mean {near:?}? (utf-8, gbk, gb18030, big5, shift_jis, ...)"
    )]
    Label {
        /// What was asked for.
        label: String,
        /// The label of an encoding that is spelled alike.
        near: &'static str,
    },
    /// The standard has no encoder for it.
    #[error("{label:?} has no encoder in the encoding standard; use utf-8 or gb18030")]
    ReadOnly {
        /// What was asked for.
        label: String,
    },
}

/// A text that an encoding can't carry.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "{character:?} can't be written in {encoding}; use utf-8 or gb18030, which carry every character"
)]
pub struct EncodeError {
    /// The first character that has no place in the encoding.
    pub character: char,
    /// The encoding's name.
    pub encoding: &'static str,
}

impl TextEncoding {
    /// The encoding's canonical name, such as `GBK`.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.0.name()
    }

    /// Encodes `text` exactly, without a byte order mark and without replacements.
    ///
    /// # Errors
    /// When a character has no place in the encoding. In GBK that includes the euro sign: the
    /// standard writes it as the single byte 0x80, which Python's `gbk` codec, the likely reader,
    /// can't decode.
    pub fn encode(self, text: &str) -> Result<Vec<u8>, EncodeError> {
        let cannot = |character| EncodeError {
            character,
            encoding: self.name(),
        };
        if self.0 == GBK && text.contains('€') {
            return Err(cannot('€'));
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
}

impl FromStr for TextEncoding {
    type Err = UnknownEncoding;

    fn from_str(label: &str) -> Result<Self, UnknownEncoding> {
        match Encoding::for_label(label.as_bytes()) {
            // UTF-16, and what the standard keeps for safety's sake only (hz-gb-2312, iso-2022-kr):
            // their encoders would write UTF-8.
            Some(encoding) if encoding.output_encoding() != encoding => {
                Err(UnknownEncoding::ReadOnly {
                    label: label.to_owned(),
                })
            }
            Some(encoding) => Ok(Self(encoding)),
            None => {
                let near = nearest(label, USUAL_LABELS.iter().copied()).unwrap_or("utf-8");
                Err(UnknownEncoding::Label {
                    label: label.to_owned(),
                    near,
                })
            }
        }
    }
}

impl Default for TextEncoding {
    fn default() -> Self {
        Self(encoding_rs::UTF_8)
    }
}

/// What people type; the standard knows 228 labels, most of them historic.
const USUAL_LABELS: &[&str] = &[
    "utf-8",
    "gbk",
    "gb2312",
    "gb18030",
    "big5",
    "shift_jis",
    "euc-jp",
    "euc-kr",
    "koi8-r",
    "iso-8859-1",
    "latin1",
    "windows-1251",
    "windows-1252",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn encode(label: &str, text: &str) -> Result<Vec<u8>, EncodeError> {
        label.parse::<TextEncoding>().unwrap().encode(text)
    }

    #[test]
    fn the_courses_greeting_is_the_bytes_that_python_makes_of_it() {
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

    #[test]
    fn a_mistyped_label_is_told_the_near_one() {
        let error = "gkb".parse::<TextEncoding>().unwrap_err();
        assert_eq!(
            error,
            UnknownEncoding::Label {
                label: "gkb".into(),
                near: "gbk"
            }
        );
        for label in ["utf-16", "hz-gb-2312", "iso-2022-kr"] {
            let parsed = label.parse::<TextEncoding>();
            assert!(
                matches!(parsed, Err(UnknownEncoding::ReadOnly { .. })),
                "{label}: {parsed:?}"
            );
        }
    }
}
