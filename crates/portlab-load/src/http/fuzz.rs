//! The fuzz targets of HTTP.

use super::{Head, HttpFault, Method, Reading, Request, Sink, Url};

/// What has been read, in the order in which it came.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Seen {
    /// The status and the bytes of each head, and where a redirect leads.
    pub(super) heads: Vec<(u16, Vec<u8>, Option<Vec<u8>>)>,
    pub(super) body: Vec<u8>,
}

impl Sink for Seen {
    fn head(&mut self, head: Head, bytes: &[u8], location: Option<&[u8]>) {
        let location = location.map(<[u8]>::to_vec);
        self.heads.push((head.status, bytes.to_vec(), location));
    }

    fn body(&mut self, bytes: &[u8]) {
        self.body.extend_from_slice(bytes);
    }
}

/// What a connection has read: after how many bytes each answer ended, what was in them, and how the last one ended when
/// the server closed.
pub(super) type Read = (Vec<usize>, Seen, Result<Option<Head>, HttpFault>);

/// Reads `input` in pieces of `piece` bytes.
pub(super) fn read(input: &[u8], no_body: bool, piece: usize) -> Read {
    let (mut reading, mut ends, mut seen) = (Reading::default(), Vec::new(), Seen::default());
    for (index, bytes) in input.chunks(piece).enumerate() {
        let mut rest = bytes;
        while !rest.is_empty() {
            match reading.take(rest, no_body, &mut seen) {
                Ok(None) => break,
                Ok(Some((used, _))) => {
                    rest = &rest[used..];
                    ends.push(index * piece + bytes.len() - rest.len());
                    reading = Reading::default();
                }
                Err(fault) => return (ends, seen, Err(fault)),
            }
        }
    }
    (ends, seen, reading.end())
}

/// Answers end at the same bytes, with the same contents and the same fault, however reads cut the input. The input is
/// the length of a read, whether the request was `HEAD`, and what is read.
pub fn answers(input: &[u8]) {
    let [piece, no_body, input @ ..] = input else {
        return;
    };
    let no_body = no_body % 2 == 1;
    let whole = read(input, no_body, input.len().max(1));
    let (ends, seen, _) = &whole;
    assert!(ends.is_sorted_by(|one, next| one < next), "{ends:?}");
    assert!(seen.body.len() <= input.len());
    for (status, bytes, _) in &seen.heads {
        assert!(*status >= 200 || *status == 101, "{status}");
        let end = bytes.ends_with(b"\n\r\n") || bytes.ends_with(b"\n\n");
        assert!(end && bytes.starts_with(b"HTTP/1."), "{bytes:?}");
    }
    assert_eq!(read(input, no_body, usize::from(*piece).max(1)), whole);
}

/// A URL that is read can be written and read again, and its request is one request, for what the URL says. The input is a
/// URL.
pub fn requests(input: &[u8]) {
    let Some(url) = str::from_utf8(input)
        .ok()
        .and_then(|it| it.parse::<Url>().ok())
    else {
        return;
    };
    let mut again: Url = url.to_string().parse().expect("it was read before");
    again.fragment.clone_from(&url.fragment);
    assert_eq!(again, url);
    let request = Request {
        method: Method::get(),
        headers: Vec::new(),
        body: None,
    };
    let bytes = request.bytes(&url);
    let mut headers = [httparse::EMPTY_HEADER; 3];
    let mut parsed = httparse::Request::new(&mut headers);
    let status = parsed.parse(&bytes);
    assert_eq!(status, Ok(httparse::Status::Complete(bytes.len())));
    assert_eq!(parsed.path, Some(&*url.path));
    assert_eq!(parsed.headers.len(), 2, "{:?}", parsed.headers);
}
