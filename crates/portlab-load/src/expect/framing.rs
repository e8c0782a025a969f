//! Where an answer ends.

use std::{fmt, str::FromStr};

use portlab_service::TextEncoding;
use portlab_words::{Text, tr, units};

use super::{
    Needle,
    escape::{escape, unescape, unquote},
    unclosed, unknown,
};
use crate::Http;

/// Where the answer to a message ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Framing {
    /// The message itself; every byte is compared.
    Echo,
    /// This many bytes of any value.
    Bytes(usize),
    /// Everything up to and including these bytes.
    Until(Needle),
    /// This many lines, each ended by a line feed.
    Lines(usize),
    /// Everything until the server closes. Each message needs a connection of its own.
    Close,
    /// One datagram, whatever it contains: for UDP alone.
    Datagram,
    /// One answer of HTTP.
    Http(Http),
    /// No answer: a message is done when the system has taken all of it. Bytes that come back are read and dropped.
    Nothing,
}

impl Framing {
    /// The progress of the answer to a message of `size` bytes before its first byte.
    pub(crate) fn begin(&self, size: usize) -> usize {
        match *self {
            Self::Echo | Self::Nothing => size,
            Self::Bytes(count) | Self::Lines(count) => count,
            Self::Until(_) | Self::Close | Self::Http(_) | Self::Datagram => 0,
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
            Self::Until(end) => end.find(progress, input),
            // HTTP has a reading of its own, `http::Reading`.
            Self::Close | Self::Http(_) | Self::Datagram => None,
        }
    }
}

impl Framing {
    /// The framing as it is written; `encoding` is that of the bytes of `until:`.
    pub(super) fn text(&self, encoding: TextEncoding) -> String {
        match self {
            Self::Echo => "echo".to_owned(),
            Self::Bytes(count) => format!("bytes:{count}"),
            Self::Until(end) => {
                let mut text = String::new();
                encoding.decoder().decode(end.bytes(), true, &mut text);
                format!("until:\"{}\"", escape(&text))
            }
            Self::Lines(count) => format!("lines:{count}"),
            Self::Close => "close".to_owned(),
            Self::Datagram => "datagram".to_owned(),
            Self::Http(_) => "http".to_owned(),
            Self::Nothing => "none".to_owned(),
        }
    }
}

impl FromStr for Framing {
    type Err = Text;

    fn from_str(text: &str) -> Result<Self, Text> {
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
                "datagram" => Self::Datagram,
                "none" => Self::Nothing,
                _ => return Err(unknown(text)),
            },
            Some(("bytes", digits)) => {
                Self::Bytes(at_least_one(units::size("0", "1TiB")(digits)?)?)
            }
            Some(("lines", digits)) => {
                Self::Lines(at_least_one(units::count("0", "1T")(digits)? as usize)?)
            }
            Some(("until", end)) => {
                let end = unescape(unquote(end).ok_or_else(|| unclosed(text))?)?;
                at_least_one(end.len())?;
                Self::Until(Needle::new(end.as_bytes()))
            }
            Some(_) => return Err(unknown(text)),
        })
    }
}

impl fmt::Display for Framing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text(TextEncoding::default()))
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
            "datagram",
            "none",
        ] {
            assert_eq!(text.parse::<Framing>().unwrap().to_string(), text);
        }
        assert_eq!(
            "until:\\r\\n".parse(),
            "until:\"\\r\\n\"".parse::<Framing>()
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
            let framing = Framing::Until(Needle::new(delimiter.as_bytes()));
            let (mut expected, mut from) = (Vec::new(), 0);
            while let Some(at) = input[from..].find(&delimiter) {
                from += at + delimiter.len();
                expected.push(from);
            }
            prop_assert_eq!(ends(&framing, input.as_bytes(), piece), expected);
        }
    }
}
