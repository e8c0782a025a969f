//! An answer that is being read, in however many pieces it comes.

use super::{
    Figures, Head, HttpFault,
    chunks::Chunks,
    head::{Body, LONGEST_HEAD, check_start, empty_lines, end_of},
};

/// How far an answer has been read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reading {
    /// The head, of which these bytes have come.
    Head(Vec<u8>),
    /// The body, of which `got` bytes have come; of a body of chunks, `chunks` says how far it has been read.
    Body {
        head: Head,
        got: u64,
        chunks: Chunks,
    },
}

/// Receives an answer while it is being read.
pub(crate) trait Sink {
    /// The head is complete: `bytes` are its bytes from the status line on, and `location` is the value of `Location` in a redirect. Heads of
    /// interim answers (1xx) aren't given.
    fn head(&mut self, head: Head, bytes: &[u8], location: Option<&[u8]>);

    /// These bytes of the body have come, without their chunks' sizes.
    fn body(&mut self, bytes: &[u8]);
}

impl Default for Reading {
    fn default() -> Self {
        Self::Head(Vec::new())
    }
}

impl Reading {
    /// Takes the bytes of the answer from `input`, and gives its parts to `sink`; returns how many bytes were taken, and
    /// the head, if they complete the answer. `no_body` says that the answers to this request have no body.
    pub(crate) fn take(
        &mut self,
        input: &[u8],
        no_body: bool,
        sink: &mut impl Sink,
    ) -> Result<Option<(usize, Head)>, HttpFault> {
        let mut used = 0;
        while let Self::Head(kept) = self {
            if kept.is_empty() {
                // Some servers send an empty line behind a body (RFC 9112, 2.2).
                used += empty_lines(&input[used..]);
            }
            let rest = &input[used..];
            if rest.is_empty() {
                return Ok(None);
            }
            // A head that is complete in one read isn't copied.
            let seen = kept.len();
            let (bytes, end) = if kept.is_empty() {
                (rest, end_of(rest, 0))
            } else {
                let room = LONGEST_HEAD.saturating_sub(seen) + 1;
                kept.extend_from_slice(&rest[..rest.len().min(room)]);
                (&kept[..], end_of(kept, seen))
            };
            let is_known = check_start(bytes)?;
            let Some(end) = end.filter(|end| is_known && *end <= LONGEST_HEAD) else {
                if bytes.len() > LONGEST_HEAD {
                    return Err(HttpFault::LongHead);
                }
                if kept.is_empty() {
                    kept.extend_from_slice(rest);
                }
                return Ok(None);
            };
            let (head, location) = Head::parse(&bytes[..end], no_body)?;
            used += end - seen;
            if head.is_interim() {
                *self = Self::default();
                continue;
            }
            sink.head(head, &bytes[..end], location);
            *self = Self::Body {
                head,
                got: 0,
                chunks: Chunks::BEGIN,
            };
        }
        let taken = self.take_body(&input[used..], sink)?;
        Ok(taken.map(|(length, head)| (used + length, head)))
    }

    fn take_body(
        &mut self,
        input: &[u8],
        sink: &mut impl Sink,
    ) -> Result<Option<(usize, Head)>, HttpFault> {
        let Self::Body { head, got, chunks } = self else {
            return Ok(None);
        };
        let taken = match head.body {
            Body::Length(of) => {
                let left = usize::try_from(of - *got).unwrap_or(usize::MAX);
                let length = input.len().min(left);
                *got += length as u64;
                if length > 0 {
                    sink.body(&input[..length]);
                }
                (*got == of).then_some(length)
            }
            Body::Chunked => chunks.take(input, |data| sink.body(data))?,
            Body::ToEnd => {
                if !input.is_empty() {
                    sink.body(input);
                }
                None
            }
        };
        Ok(taken.map(|length| (length, *head)))
    }

    /// The server has closed the connection: the head of the answer, if the answer is complete with that, and `None` if
    /// no byte of it had come.
    pub(crate) fn end(&self) -> Result<Option<Head>, HttpFault> {
        match self {
            Self::Head(kept) if kept.is_empty() => Ok(None),
            Self::Head(_) => Err(HttpFault::EndedInHead),
            Self::Body { head, got, .. } => match head.body {
                Body::Length(of) => Err(HttpFault::ShortBody(Figures { got: *got, of })),
                Body::Chunked => Err(HttpFault::EndedInChunks),
                Body::ToEnd => Ok(Some(*head)),
            },
        }
    }

    /// What is wrong if nothing more comes, where there is more to say than that the answer is incomplete.
    pub(crate) fn overdue(&self) -> Option<HttpFault> {
        match self {
            Self::Body { head, got, .. } if let Body::Length(of) = head.body => {
                Some(HttpFault::SlowBody(Figures { got: *got, of }))
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::fuzz::{Seen, read};

    #[test]
    fn an_answer_is_read_wherever_the_reads_cut() {
        let input = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello\
                      HTTP/1.1 204 No\r\n\r\n\
                      \r\nHTTP/1.1 302 Found\nLocation: /x\nTransfer-Encoding: chunked\n\n2\r\nab\r\n0\r\nX: y\r\n\r\n\
                      HTTP/1.0 200 OK\r\n\r\nto the end";
        for piece in [1, 2, 3, 7, 64, input.len()] {
            let (ends, seen, end) = read(input, false, piece);
            assert_eq!(ends, [68, 87, 167], "{piece}");
            assert_eq!(seen.body, b"helloabto the end");
            let heads: Vec<_> = seen
                .heads
                .iter()
                .map(|it| (it.0, it.2.as_deref()))
                .collect();
            let redirect = (302, Some(&b"/x"[..]));
            assert_eq!(heads, [(200, None), (204, None), redirect, (200, None)]);
            assert!(end.is_ok_and(|head| head.is_some()));
        }
    }

    #[test]
    fn an_answer_that_ends_early_or_has_no_end_is_an_error() {
        let with = |lines: &str| format!("HTTP/1.1 200 OK\r\n{lines}");
        let head = |length| with(&format!("X: {}\r\n\r\n", "x".repeat(length - 24)));
        let figures = Figures { got: 0, of: 0 };
        for (input, expected) in [
            (String::new(), Ok(false)),
            (head(LONGEST_HEAD), Ok(true)),
            (head(LONGEST_HEAD + 1), Err(HttpFault::LongHead)),
            (head(1 << 20), Err(HttpFault::LongHead)),
            (with(&"X: y\r\n".repeat(100_000)), Err(HttpFault::LongHead)),
            (
                with(&("X: y\r\n".repeat(300) + "\r\n")),
                Err(HttpFault::ManyHeaders),
            ),
            ("\r\n".repeat(100_000), Ok(false)),
            (with(""), Err(HttpFault::EndedInHead)),
            (
                with("Content-Length: 3\r\n\r\nab"),
                Err(HttpFault::ShortBody(figures)),
            ),
            (
                with("Transfer-Encoding: chunked\r\n\r\n2\r\nab"),
                Err(HttpFault::EndedInChunks),
            ),
            ("\0\n\n12345678".into(), Err(HttpFault::NotHttp)),
            ("HTTP/1.1 2000 OK\r\n\r\n".into(), Err(HttpFault::BadHead)),
            (
                "\0\0\x06\x04\0\0\0\0\0\0\x03\0\0\0d".into(),
                Err(HttpFault::Http2),
            ),
        ] {
            for piece in [3, 1_000, 1 << 20] {
                let (_, _, end) = read(input.as_bytes(), false, piece);
                assert_eq!(
                    end.map(|head| head.is_some()),
                    expected,
                    "{piece} {input:.60}"
                );
            }
        }
    }

    #[test]
    fn a_short_body_is_reported_with_both_lengths() {
        let mut reading = Reading::default();
        let input = b"HTTP/1.1 200 OK\r\nContent-Length: 30\r\n\r\nab";
        assert_eq!(reading.take(input, false, &mut Seen::default()), Ok(None));
        let faults = [reading.end().unwrap_err(), reading.overdue().unwrap()];
        let texts = [
            "body ended after 2 of 30 bytes",
            "timed out after 2 of 30 bytes of the body",
        ];
        assert_eq!(faults.map(|it| it.text().en), texts);
    }
}
