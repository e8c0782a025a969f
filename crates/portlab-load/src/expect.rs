//! What counts as an answer, and where it ends.

use std::{fmt, str::FromStr};

use portlab_words::{Text, tr, units};

/// What counts as the answer to a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expect {
    /// The message itself; every byte is compared.
    Echo,
    /// This many bytes of any value.
    Bytes(usize),
    /// Everything up to and including these bytes.
    Until(Delimiter),
    /// This many lines, each ended by a line feed.
    Lines(usize),
    /// Everything until the server closes. Each message needs a connection of its own.
    Close,
    /// No answer: a message is done when the system has taken all of it. Bytes that come back are read and dropped.
    Nothing,
}

/// Bytes that end an answer. They are also found when they come in several reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delimiter {
    bytes: Vec<u8>,
    /// At `i`: how many bytes at the end of the first `i + 1` bytes are also the beginning of the delimiter.
    fallback: Vec<usize>,
}

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

/// Writes `bytes` as [`unescape`] reads them. Bytes that aren't UTF-8 become U+FFFD: an option can't contain them.
fn escape(bytes: &[u8]) -> String {
    let mut text = String::new();
    for character in String::from_utf8_lossy(bytes).chars() {
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

impl Delimiter {
    /// A delimiter of at least one byte.
    ///
    /// # Panics
    /// When `bytes` is empty.
    pub fn new(bytes: Vec<u8>) -> Self {
        assert!(!bytes.is_empty(), "a delimiter has at least one byte");
        let mut fallback = vec![0; bytes.len()];
        for at in 1..bytes.len() {
            fallback[at] = advance(&bytes, &fallback, fallback[at - 1], bytes[at]);
        }
        Self { bytes, fallback }
    }

    /// The bytes themselves.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Continues the search in `input`, after `matched` bytes of the delimiter have come. Returns how many bytes of
    /// `input` there are up to the end of the delimiter, if the delimiter ends in `input`.
    fn find(&self, matched: &mut usize, input: &[u8]) -> Option<usize> {
        for (at, &byte) in input.iter().enumerate() {
            *matched = advance(&self.bytes, &self.fallback, *matched, byte);
            if *matched == self.bytes.len() {
                return Some(at + 1);
            }
        }
        None
    }
}

/// How many bytes of `delimiter` match after `byte`, if `matched` bytes matched before.
///
/// Source: Knuth, Morris, Pratt, "Fast pattern matching in strings", 1977.
fn advance(delimiter: &[u8], fallback: &[usize], mut matched: usize, byte: u8) -> usize {
    while matched > 0 && delimiter[matched] != byte {
        matched = fallback[matched - 1];
    }
    matched + usize::from(delimiter[matched] == byte)
}

impl Expect {
    /// The progress of the answer to a message of `size` bytes before its first byte.
    pub(crate) fn begin(&self, size: usize) -> usize {
        match *self {
            Self::Echo | Self::Nothing => size,
            Self::Bytes(count) | Self::Lines(count) => count,
            Self::Until(_) | Self::Close => 0,
        }
    }

    /// Takes the bytes of an answer from `input`, and moves its `progress` on; returns how many bytes were taken if they
    /// complete the answer.
    pub(crate) fn take(&self, progress: &mut usize, input: &[u8]) -> Option<usize> {
        match self {
            Self::Echo | Self::Nothing | Self::Bytes(_) => {
                if input.len() < *progress {
                    *progress -= input.len();
                    return None;
                }
                Some(*progress)
            }
            Self::Lines(_) => {
                for (at, _) in input.iter().enumerate().filter(|(_, byte)| **byte == b'\n') {
                    *progress -= 1;
                    if *progress == 0 {
                        return Some(at + 1);
                    }
                }
                None
            }
            Self::Until(delimiter) => delimiter.find(progress, input),
            Self::Close => None,
        }
    }
}

impl FromStr for Expect {
    type Err = Text;

    fn from_str(text: &str) -> Result<Self, Text> {
        let unknown = || {
            tr!(
                r#"unknown expectation {text:?}: expected echo, bytes:100, until:"\r\n", lines:1, close or none"#,
                r#"未知的响应形式 {text:?}：应为 echo、bytes:100、until:"\r\n"、lines:1、close 或 none"#
            )
        };
        let empty = || {
            tr!(
                "{text:?} expects no byte; write none for a message without an answer",
                "{text:?} 不等待任何字节；不等待响应请写 none"
            )
        };
        let at_least_one = |number| Some(number).filter(|it| *it > 0).ok_or_else(empty);
        Ok(match text.split_once(':') {
            None => match text {
                "echo" => Self::Echo,
                "close" => Self::Close,
                "none" => Self::Nothing,
                _ => return Err(unknown()),
            },
            Some(("bytes", digits)) => {
                Self::Bytes(at_least_one(units::size("0", "1TiB")(digits)?)?)
            }
            Some(("lines", digits)) => {
                Self::Lines(at_least_one(units::count("0", "1T")(digits)? as usize)?)
            }
            Some(("until", end)) => {
                // The shell may have removed the quotes.
                let bare = match end.strip_prefix('"') {
                    Some(end) => end.strip_suffix('"').ok_or_else(unknown)?,
                    None => end,
                };
                let end = unescape(bare)?;
                at_least_one(end.len())?;
                Self::Until(Delimiter::new(end.into_bytes()))
            }
            Some(_) => return Err(unknown()),
        })
    }
}

impl fmt::Display for Expect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Echo => f.write_str("echo"),
            Self::Bytes(count) => write!(f, "bytes:{count}"),
            Self::Until(end) => write!(f, "until:\"{}\"", escape(&end.bytes)),
            Self::Lines(count) => write!(f, "lines:{count}"),
            Self::Close => f.write_str("close"),
            Self::Nothing => f.write_str("none"),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::fuzz::ends;

    #[test]
    fn every_expectation_is_read_and_written() {
        for text in [
            "echo",
            "bytes:12",
            "until:\"\\r\\n\\r\\n\"",
            "until:\"\\0\\t\\\\\\x1b[0m\"",
            "until:\"it's 你好\"",
            "until:\"\"\"",
            "lines:3",
            "close",
            "none",
        ] {
            assert_eq!(text.parse::<Expect>().unwrap().to_string(), text);
        }
        assert_eq!("until:\\r\\n".parse(), "until:\"\\r\\n\"".parse::<Expect>());
    }

    #[test]
    fn an_unknown_expectation_is_refused_and_the_known_ones_are_named() {
        for (text, part) in [
            ("ehco", "bytes:100"),
            ("bytes:x", "4KiB"),
            ("bytes:18446744073709551616", "between 0 and 1TiB"),
            ("lines:99999999999999999999", "between 0 and 1T"),
            ("bytes:0", "none"),
            ("until:", "none"),
            ("until:\"abc", "until:"),
            ("until:\\q", "\\r \\n"),
            ("until:\\xff", "\\x7f"),
            ("until:\\x", "\\x7f"),
        ] {
            let error = text.parse::<Expect>().unwrap_err().to_string();
            assert!(error.contains(part), "{text}: {error}");
        }
    }

    #[test]
    fn escapes_stand_for_their_characters() {
        assert_eq!(
            unescape("a\\r\\n\\t\\0\\\\\\x41中").unwrap(),
            "a\r\n\t\0\\A中"
        );
    }

    #[test]
    fn an_answer_ends_where_its_expectation_says() {
        for piece in 1..20 {
            let ends = |text: &str, input: &[u8]| ends(&text.parse().unwrap(), input, piece);
            assert_eq!(ends("echo", b"abcdefghijkl"), [5, 10]);
            assert_eq!(ends("bytes:4", b"abcdefghijkl"), [4, 8, 12]);
            assert_eq!(ends("lines:2", b"a\nb\nc\n\nd"), [4, 7]);
            assert_eq!(
                ends("until:\"\\r\\n\\r\\n\"", b"a\r\n\r\r\n\r\nb\r\n\r\n"),
                [8, 13]
            );
            assert_eq!(ends("until:aab", b"aaaab"), [5]);
            assert_eq!(ends("close", b"abc"), [0; 0]);
        }
    }

    proptest! {
        #[test]
        fn a_delimiter_is_found_wherever_the_reads_cut(
            delimiter in "[ab]{1,4}", input in "[ab]{0,60}", piece in 1..9_usize
        ) {
            let expect = Expect::Until(Delimiter::new(delimiter.clone().into_bytes()));
            let (mut expected, mut from) = (Vec::new(), 0);
            while let Some(at) = input[from..].find(&delimiter) {
                from += at + delimiter.len();
                expected.push(from);
            }
            prop_assert_eq!(ends(&expect, input.as_bytes(), piece), expected);
        }
    }
}
