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
    /// A body of `of` bytes, of which `left` are to come.
    Length { head: Head, left: u64, of: u64 },
    /// A body of chunks.
    Chunks { head: Head, chunks: Chunks },
    /// A body that ends when the server closes the connection.
    ToEnd { head: Head },
}

/// Receives an answer while it is being read.
pub(crate) trait Sink {
    /// The head is complete: `bytes` are its bytes from the status line on, and `location` is the value of `Location` in a redirect. Heads of
    /// interim answers (1xx) aren't given.
    fn head(&mut self, head: Head, bytes: &[u8], location: Option<&[u8]>);

    /// These bytes of the body have come, without their chunks' sizes; `is_last` says that the body is known to end with
    /// them.
    fn body(&mut self, bytes: &[u8], is_last: bool);
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
            let is_told = check_start(bytes)?;
            let Some(end) = end.filter(|end| is_told && *end <= LONGEST_HEAD) else {
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
            sink.head(head, &bytes[empty_lines(bytes)..end], location);
            *self = Self::body_of(head);
        }
        let taken = self.take_body(&input[used..], sink)?;
        Ok(taken.map(|(length, head)| (used + length, head)))
    }

    /// The body of an answer with this head, before its first byte.
    fn body_of(head: Head) -> Self {
        match head.body {
            Body::Length(of) => Self::Length { head, left: of, of },
            Body::Chunked => Self::Chunks {
                head,
                chunks: Chunks::BEGIN,
            },
            Body::ToEnd => Self::ToEnd { head },
        }
    }

    fn take_body(
        &mut self,
        input: &[u8],
        sink: &mut impl Sink,
    ) -> Result<Option<(usize, Head)>, HttpFault> {
        Ok(match self {
            Self::Head(_) => None,
            Self::Length { head, left, .. } => {
                let length = input
                    .len()
                    .min(usize::try_from(*left).unwrap_or(usize::MAX));
                *left -= length as u64;
                if length > 0 {
                    sink.body(&input[..length], *left == 0);
                }
                (*left == 0).then_some((length, *head))
            }
            Self::Chunks { head, chunks } => {
                let taken = chunks.take(input, |data| sink.body(data, false))?;
                taken.map(|length| (length, *head))
            }
            Self::ToEnd { .. } => {
                if !input.is_empty() {
                    sink.body(input, false);
                }
                None
            }
        })
    }

    /// The server has closed the connection: the head of the answer, if the answer is complete with that, and `None` if
    /// no byte of it had come.
    pub(crate) fn end(&self) -> Result<Option<Head>, HttpFault> {
        match self {
            Self::Head(kept) if kept.is_empty() => Ok(None),
            Self::Head(_) => Err(HttpFault::EndedInHead),
            Self::Length { left, of, .. } => Err(HttpFault::ShortBody(Figures {
                got: of - left,
                of: *of,
            })),
            Self::Chunks { .. } => Err(HttpFault::EndedInChunks),
            Self::ToEnd { head } => Ok(Some(*head)),
        }
    }

    /// What is wrong if nothing more comes, where there is more to say than that the answer is incomplete.
    pub(crate) fn overdue(&self) -> Option<HttpFault> {
        match self {
            Self::Length { left, of, .. } => Some(HttpFault::SlowBody(Figures {
                got: of - left,
                of: *of,
            })),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What a sink has received.
    #[derive(Clone, Debug, Default, PartialEq, Eq)]
    struct Seen {
        heads: Vec<(u16, Vec<u8>, Option<Vec<u8>>)>,
        body: Vec<u8>,
    }

    impl Sink for Seen {
        fn head(&mut self, head: Head, bytes: &[u8], location: Option<&[u8]>) {
            let location = location.map(<[u8]>::to_vec);
            self.heads.push((head.status, bytes.to_vec(), location));
        }

        fn body(&mut self, bytes: &[u8], _is_last: bool) {
            self.body.extend_from_slice(bytes);
        }
    }

    /// What is read from `input` in pieces of the lengths `cuts`, in turn: after how many bytes each answer ended, what
    /// the sink has seen, and how it ended.
    fn read(input: &[u8], cuts: &[usize]) -> (Vec<usize>, Seen, Result<Option<Head>, HttpFault>) {
        let (mut reading, mut ends, mut seen) = (Reading::default(), Vec::new(), Seen::default());
        let (mut at, mut cuts) = (0, cuts.iter().cycle());
        while at < input.len() {
            let length = cuts.next().copied().unwrap_or(1).clamp(1, input.len() - at);
            let (mut piece, behind) = (&input[at..at + length], at + length);
            while !piece.is_empty() {
                match reading.take(piece, false, &mut seen) {
                    Ok(None) => break,
                    Ok(Some((used, _))) => {
                        piece = &piece[used..];
                        ends.push(behind - piece.len());
                        reading = Reading::default();
                    }
                    Err(fault) => return (ends, seen, Err(fault)),
                }
            }
            at = behind;
        }
        (ends, seen, reading.end())
    }

    #[test]
    fn an_answer_is_read_wherever_the_reads_cut() {
        let input = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello\
                      HTTP/1.1 204 No\r\n\r\n\
                      \r\nHTTP/1.1 302 Found\nLocation: /x\nTransfer-Encoding: chunked\n\n2\r\nab\r\n0\r\nX: y\r\n\r\n\
                      HTTP/1.0 200 OK\r\n\r\nto the end";
        let whole = read(input, &[input.len()]);
        let (ends, seen, end) = &whole;
        assert_eq!(*ends, [68, 87, 167]);
        assert_eq!(seen.body, b"helloabto the end");
        let heads: Vec<_> = seen
            .heads
            .iter()
            .map(|it| (it.0, it.2.as_deref()))
            .collect();
        assert_eq!(
            heads,
            [
                (200, None),
                (204, None),
                (302, Some(&b"/x"[..])),
                (200, None)
            ]
        );
        assert_eq!(end.map(|head| head.is_some()), Ok(true));
        for cuts in [&[1][..], &[2], &[3, 1], &[7], &[64, 1, 1]] {
            assert_eq!(read(input, cuts), whole, "{cuts:?}");
        }
    }

    #[test]
    fn an_answer_that_ends_early_or_has_no_end_is_an_error() {
        let head = |length| format!("HTTP/1.1 200 OK\r\nX: {}\r\n\r\n", "x".repeat(length - 24));
        let figures = Figures { got: 0, of: 0 };
        let longest = head(LONGEST_HEAD);
        assert_eq!(longest.len(), LONGEST_HEAD);
        for (input, expected) in [
            ("", Ok(false)),
            (longest.as_str(), Ok(true)),
            (&head(LONGEST_HEAD + 1), Err(HttpFault::LongHead)),
            (&head(1 << 20), Err(HttpFault::LongHead)),
            (
                &format!("HTTP/1.1 200 OK\r\n{}", "X: y\r\n".repeat(100_000)),
                Err(HttpFault::LongHead),
            ),
            (
                &format!("HTTP/1.1 200 OK\r\n{}\r\n", "X: y\r\n".repeat(300)),
                Err(HttpFault::ManyHeaders),
            ),
            (&"\r\n".repeat(100_000), Err(HttpFault::LongHead)),
            ("HTTP/1.1 200 OK\r\n", Err(HttpFault::EndedInHead)),
            (
                "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nab",
                Err(HttpFault::ShortBody(figures)),
            ),
            (
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab",
                Err(HttpFault::EndedInChunks),
            ),
            ("\0\n\n12345678", Err(HttpFault::NotHttp)),
            ("HTTP/1.1 2000 OK\r\n\r\n", Err(HttpFault::BadHead)),
            ("\0\0\x06\x04\0\0\0\0\0\0\x03\0\0\0d", Err(HttpFault::Http2)),
        ] {
            for cuts in [&[1 << 20][..], &[65_536], &[3, 1_000]] {
                let (_, _, end) = read(input.as_bytes(), cuts);
                assert_eq!(
                    end.map(|head| head.is_some()),
                    expected,
                    "{cuts:?} {input:.60}"
                );
            }
        }
    }

    #[test]
    fn a_short_body_is_told_with_its_figures() {
        let mut reading = Reading::default();
        let input = b"HTTP/1.1 200 OK\r\nContent-Length: 30\r\n\r\nab";
        assert_eq!(reading.take(input, false, &mut Seen::default()), Ok(None));
        for (fault, text) in [
            (reading.end().unwrap_err(), "body ended after 2 of 30 bytes"),
            (
                reading.overdue().unwrap(),
                "timed out after 2 of 30 bytes of the body",
            ),
        ] {
            assert_eq!(fault.text().en, text);
        }
    }

    proptest! {
        #[test]
        fn the_reading_does_not_depend_on_where_reads_cut(
            parts in prop::collection::vec(prop::sample::select(PARTS), 0..12),
            cuts in prop::collection::vec(1..40_usize, 1..6),
        ) {
            let input = parts.concat();
            let whole = read(input.as_bytes(), &[input.len()]);
            prop_assert_eq!(read(input.as_bytes(), &cuts), whole);
        }
    }

    /// Parts of which answers, and what looks like them, are put together.
    const PARTS: &[&str] = &[
        "HTTP/1.1 200 OK\r\n",
        "HTTP/1.0 404 Not Found\n",
        "HTTP/1.1 100 Continue\r\n\r\n",
        "HTTP/1.1 204 No Content\r\n\r\n",
        "Content-Length: 3\r\n",
        "Content-Length: 3\r\n\r\nabc",
        "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
        "Transfer-Encoding: chunked\r\n\r\n",
        "Connection: keep-alive\r\n",
        "X: y\r\n folded\r\n",
        "3\r\nabc\r\n",
        "0\r\n\r\n",
        "0\r\nX: y\r\n\r\n",
        "\r\n",
        "\n",
        "abc",
        "\0",
    ];
}
