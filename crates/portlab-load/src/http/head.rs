//! The head of an answer: its status, and how its body ends.

use std::mem::MaybeUninit;

use httparse::{Header, ParserConfig, Response, Status};
use memchr::memchr_iter;

use super::HttpFault;

/// The head of an answer, as far as it matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) status: u16,
    pub(crate) body: Body,
    /// Whether the connection ends with this answer.
    pub(crate) closes: bool,
}

/// How the body of an answer ends (RFC 9112, 6.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Body {
    /// After so many bytes.
    Length(u64),
    /// After its last chunk.
    Chunked,
    /// When the server closes the connection.
    ToEnd,
}

/// How many bytes a head may have. Real heads are much shorter, and this much memory may be needed for every
/// connection.
pub(crate) const LONGEST_HEAD: usize = 64 * 1024;

/// How many header lines a head may have.
pub(crate) const MOST_HEADERS: usize = 256;

/// How an answer of HTTP/1 begins.
const START: &[u8] = b"HTTP/1.";

/// The header of a frame of HTTP/2 (RFC 9113, 4.1): length, type, flags, stream.
const FRAME: usize = 9;

/// Checks that `bytes`, the first of an answer, begin as an answer does, as far as they have come; returns whether enough
/// have come to tell.
pub(super) fn check_start(bytes: &[u8]) -> Result<bool, HttpFault> {
    let length = bytes.len().min(START.len());
    if bytes[..length] == START[..length] {
        return Ok(length == START.len());
    }
    // A server of HTTP/2 alone sends SETTINGS first, or GOAWAY; both are frames of stream 0.
    let is_frame = bytes[0] == 0;
    if is_frame && bytes.len() < FRAME {
        return Ok(false);
    }
    let settings = is_frame && matches!(bytes[3], 4 | 7) && bytes[5..FRAME] == [0; 4];
    match settings || bytes.starts_with(b"HTTP/2") {
        true => Err(HttpFault::Http2),
        false => Err(HttpFault::NotHttp),
    }
}

/// The end of the head in `bytes`: behind its first empty line, if that is complete. The first `seen` bytes have been
/// searched before.
pub(super) fn end_of(bytes: &[u8], seen: usize) -> Option<usize> {
    // The last line feed that was seen may belong to the empty line.
    let from = seen.saturating_sub(2);
    memchr_iter(b'\n', &bytes[from..]).find_map(|at| match bytes[from + at + 1..] {
        [b'\n', ..] => Some(from + at + 2),
        [b'\r', b'\n', ..] => Some(from + at + 3),
        _ => None,
    })
}

/// How many bytes the empty lines before an answer have.
pub(super) fn empty_lines(bytes: &[u8]) -> usize {
    let first = bytes.iter().position(|byte| !b"\r\n".contains(byte));
    first.unwrap_or(bytes.len())
}

impl Head {
    /// Reads a complete head; `no_body` says that the answers to this request have no body. With the value of
    /// `Location`, if the head is that of a redirect.
    pub(super) fn parse(bytes: &[u8], no_body: bool) -> Result<(Self, Option<&[u8]>), HttpFault> {
        let mut headers = [const { MaybeUninit::<Header<'_>>::uninit() }; MOST_HEADERS];
        let mut response = Response::new(&mut []);
        let mut config = ParserConfig::default();
        config
            .allow_spaces_after_header_name_in_responses(true)
            .allow_obsolete_multiline_headers_in_responses(true);
        let parsed = config.parse_response_with_uninit_headers(&mut response, bytes, &mut headers);
        match parsed {
            Ok(Status::Complete(length)) if length == bytes.len() => {}
            Err(httparse::Error::TooManyHeaders) => return Err(HttpFault::ManyHeaders),
            _ => return Err(HttpFault::BadHead),
        }
        let status = response.code.ok_or(HttpFault::BadHead)?;
        let mut lines = Lines::default();
        for header in &*response.headers {
            lines.add(header);
        }
        let is_empty = no_body || status < 200 || matches!(status, 204 | 304);
        let body = if is_empty {
            Body::Length(0)
        } else {
            lines.body()?
        };
        let keeps = match response.version {
            Some(0) => lines.keep_alive && !lines.close,
            _ => !lines.close,
        };
        let head = Self {
            status,
            body,
            // After 101 the connection carries another protocol.
            closes: !keeps || body == Body::ToEnd || status == 101,
        };
        Ok((
            head,
            lines.location.filter(|_| (300..400).contains(&status)),
        ))
    }

    /// Whether another answer to the same request follows.
    pub(super) fn is_interim(&self) -> bool {
        self.status < 200 && self.status != 101
    }
}

/// The header lines that matter.
#[derive(Default)]
struct Lines<'a> {
    length: Option<Result<u64, HttpFault>>,
    /// Whether `Transfer-Encoding` is `chunked` alone.
    chunked: Option<bool>,
    close: bool,
    keep_alive: bool,
    location: Option<&'a [u8]>,
}

impl<'a> Lines<'a> {
    fn add(&mut self, header: &Header<'a>) {
        let value = header.value;
        // The length of a name tells most headers apart.
        match header.name.len() {
            8 if header.name.eq_ignore_ascii_case("location") => self.location = Some(value),
            10 if header.name.eq_ignore_ascii_case("connection") => {
                for option in list(value) {
                    self.close |= option.eq_ignore_ascii_case(b"close");
                    self.keep_alive |= option.eq_ignore_ascii_case(b"keep-alive");
                }
            }
            14 if header.name.eq_ignore_ascii_case("content-length") => {
                for length in list(value).map(length) {
                    self.length = Some(match self.length {
                        Some(Ok(other)) if length.is_ok_and(|length| length != other) => {
                            Err(HttpFault::TwoLengths)
                        }
                        Some(Err(fault)) => Err(fault),
                        _ => length,
                    });
                }
            }
            17 if header.name.eq_ignore_ascii_case("transfer-encoding") => {
                for coding in list(value) {
                    if !coding.eq_ignore_ascii_case(b"identity") {
                        let is_chunked = coding.eq_ignore_ascii_case(b"chunked");
                        self.chunked = Some(is_chunked && self.chunked.is_none());
                    }
                }
            }
            _ => {}
        }
    }

    fn body(&self) -> Result<Body, HttpFault> {
        match (self.chunked, self.length) {
            (Some(_), Some(_)) => Err(HttpFault::LengthAndCoding),
            (Some(true), None) => Ok(Body::Chunked),
            (Some(false), None) => Err(HttpFault::UnknownCoding),
            (None, Some(length)) => length.map(Body::Length),
            (None, None) => Ok(Body::ToEnd),
        }
    }
}

/// The elements of a list, at least one (RFC 9110, 5.6.1).
fn list(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii)
}

fn length(digits: &[u8]) -> Result<u64, HttpFault> {
    let is_number = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
    let digits = str::from_utf8(digits).ok().filter(|_| is_number);
    let number = digits.and_then(|digits| digits.parse().ok());
    number.ok_or(HttpFault::BadLength)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(head: &str) -> Result<Head, HttpFault> {
        Head::parse(head.as_bytes(), false).map(|(head, _)| head)
    }

    /// The body and whether the connection ends, of an answer of `version` with these header lines.
    fn body(version: &str, lines: &str) -> Result<(Body, bool), HttpFault> {
        let head = parse(&format!("HTTP/1.{version} 200 OK\r\n{lines}\r\n"))?;
        Ok((head.body, head.closes))
    }

    #[test]
    fn the_end_of_a_body_follows_from_its_head() {
        use Body::{Chunked, Length, ToEnd};
        for (lines, expected) in [
            ("Content-Length: 7\r\n", Ok((Length(7), false))),
            ("content-length:7\nX: y\n", Ok((Length(7), false))),
            (
                "CONTENT-LENGTH : 7, 7\nContent-Length: 7\n",
                Ok((Length(7), false)),
            ),
            ("Transfer-Encoding: Chunked\r\n", Ok((Chunked, false))),
            (
                "Transfer-Encoding: identity\nContent-Length: 1\n",
                Ok((Length(1), false)),
            ),
            ("Transfer-Encoding: identity\r\n", Ok((ToEnd, true))),
            ("", Ok((ToEnd, true))),
            (
                "X: a\r\n  folded\r\nContent-Length: 0\r\n",
                Ok((Length(0), false)),
            ),
            (
                "Content-Length: 1\r\nConnection: x, Close\r\n",
                Ok((Length(1), true)),
            ),
            (
                "Content-Length: 1\nContent-Length: 2\n",
                Err(HttpFault::TwoLengths),
            ),
            ("Content-Length: 1, 2\r\n", Err(HttpFault::TwoLengths)),
            (
                "Content-Length: 1, 2\nContent-Length: 1\n",
                Err(HttpFault::TwoLengths),
            ),
            ("Content-Length: +1\r\n", Err(HttpFault::BadLength)),
            ("Content-Length: -1\r\n", Err(HttpFault::BadLength)),
            ("Content-Length:\r\n", Err(HttpFault::BadLength)),
            ("Content-Length: 1 2\r\n", Err(HttpFault::BadLength)),
            (
                "Content-Length: 18446744073709551616\n",
                Err(HttpFault::BadLength),
            ),
            (
                "Content-Length: 1\nTransfer-Encoding: chunked\n",
                Err(HttpFault::LengthAndCoding),
            ),
            (
                "Transfer-Encoding: gzip, chunked\r\n",
                Err(HttpFault::UnknownCoding),
            ),
            (
                "Transfer-Encoding: chunked, chunked\n",
                Err(HttpFault::UnknownCoding),
            ),
            ("no colon\r\n", Err(HttpFault::BadHead)),
            ("X: a\rb\r\n", Err(HttpFault::BadHead)),
        ] {
            assert_eq!(body("1", lines), expected, "{lines:?}");
        }
        let of_1_0 = |lines| body("0", lines);
        assert_eq!(of_1_0("Content-Length: 1\n"), Ok((Length(1), true)));
        let kept = "Content-Length: 1\r\nConnection: Keep-Alive\r\n";
        assert_eq!(of_1_0(kept), Ok((Length(1), false)));
        let many = |count| body("1", &"X: y\r\n".repeat(count));
        assert_eq!(many(MOST_HEADERS), Ok((ToEnd, true)));
        assert_eq!(many(MOST_HEADERS + 1), Err(HttpFault::ManyHeaders));
    }

    #[test]
    fn answers_without_a_body_have_none_whatever_their_heads_say() {
        let lines = "Content-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n";
        for status in [100, 101, 103, 204, 304] {
            let head = parse(&format!("HTTP/1.1 {status} x\r\n{lines}")).unwrap();
            let found = (head.status, head.body, head.closes);
            assert_eq!(found, (status, Body::Length(0), status == 101));
            assert_eq!(head.is_interim(), matches!(status, 100 | 103));
        }
        let head = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n";
        let (head, _) = Head::parse(head, true).unwrap();
        assert_eq!((head.body, head.closes), (Body::Length(0), false));
    }

    #[test]
    fn a_redirect_says_where_to() {
        let location = |status| {
            let head = format!("HTTP/1.1 {status} x\r\nLocation: /a\r\n\r\n");
            let (_, location) = Head::parse(head.as_bytes(), false).unwrap();
            location.map(<[u8]>::to_vec)
        };
        assert_eq!(location(302), Some(b"/a".to_vec()));
        assert_eq!(location(201), None);
    }

    #[test]
    fn an_answer_of_another_protocol_is_recognised_by_its_first_bytes() {
        for (bytes, expected) in [
            (&b"HTTP/1.1 200"[..], Ok(true)),
            (b"HT", Ok(false)),
            (b"\0\n\n\x04", Ok(false)),
            (b"\0\0\x12\x04\0\0\0\0\0\0\x03", Err(HttpFault::Http2)),
            (b"\0\0\x08\x07\0\0\0\0\0", Err(HttpFault::Http2)),
            (b"\0\0\0\0\0\0\0\0\0", Err(HttpFault::NotHttp)),
            (b"HTTP/2 200", Err(HttpFault::Http2)),
            (b"HTTP/3", Err(HttpFault::NotHttp)),
            (b"ICY 200 OK", Err(HttpFault::NotHttp)),
            (b"220 ready\r\n", Err(HttpFault::NotHttp)),
        ] {
            assert_eq!(check_start(bytes), expected, "{bytes:?}");
        }
    }
}
