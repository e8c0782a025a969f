//! The head of a request. Its framing is strict: what two servers may understand in two ways is refused.

use std::mem::MaybeUninit;

use httparse::{Header, ParserConfig, Status as Parsed};
use memchr::{memchr, memchr_iter};

use super::{
    HttpOptions,
    body::{Body, is_token},
    conditions::Conditions,
    status::Status,
    target::{Target, is_authority},
};

/// A request, as far as a static server needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Request {
    pub(super) method: Method,
    pub(super) target: Target,
    /// The connection ends with the answer.
    pub(super) closes: bool,
    /// The body, if one follows.
    pub(super) body: Option<Body>,
    /// The client waits for `100 Continue` before it sends the body.
    pub(super) awaits_continue: bool,
    pub(super) conditions: Conditions,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Method {
    Get,
    Head,
    Options,
    /// A method that RFC 9110 or RFC 5789 defines and this server doesn't allow.
    Other,
    /// Another method.
    Unknown,
}

/// The most fields of a head.
const MOST_FIELDS: usize = 100;
/// The most empty lines before a request.
const EMPTY_LINES: usize = 4;

impl Request {
    /// Reads the head of a request at the beginning of `bytes`, of which the first `searched` were searched for its end
    /// before. Returns the request and the length of its head; `None` if more bytes are needed.
    ///
    /// # Errors
    /// The status of the answer, after which the connection ends, because the next request can't be found.
    pub(super) fn read(
        bytes: &[u8],
        searched: usize,
        options: &HttpOptions,
    ) -> Result<Option<(Self, usize)>, Status> {
        let begin = begin(bytes)?;
        if let Some(first) = bytes.get(begin)
            && !is_token(*first)
            && *first != b'\r'
        {
            return Err(Status::BAD_REQUEST);
        }
        let Some(end) = end(bytes, begin.max(searched), begin, options)? else {
            return Ok(None);
        };
        parse(&bytes[begin..end], options).map(|request| Some((request, end)))
    }
}

/// Where the request begins, behind empty lines (RFC 9112, 2.2).
fn begin(bytes: &[u8]) -> Result<usize, Status> {
    let lines = bytes.chunks(2).take_while(|line| line == b"\r\n").count();
    match lines <= EMPTY_LINES {
        true => Ok(lines * 2),
        false => Err(Status::BAD_REQUEST),
    }
}

/// The end of the head, behind its empty line; `None` if it hasn't come. Each line must end with CR and LF.
///
/// The first mistake decides the status, so that it doesn't depend on where the reads cut.
fn end(
    bytes: &[u8],
    searched: usize,
    begin: usize,
    options: &HttpOptions,
) -> Result<Option<usize>, Status> {
    // Beside the target, the first line has a method, a version and two spaces.
    let longest_line = begin + options.max_target + 32;
    let mut is_first_line = memchr(b'\n', &bytes[begin..searched]).is_none();
    let check_length = |end: usize, is_first_line: bool| match is_first_line {
        true if end > longest_line.min(options.max_head) => Err(Status::URI_TOO_LONG),
        false if end > options.max_head => Err(Status::HEADER_FIELDS_TOO_LARGE),
        _ => Ok(()),
    };
    for at in memchr_iter(b'\n', &bytes[searched..]).map(|at| searched + at) {
        check_length(at + 1, is_first_line)?;
        // A person who types a wrong line need not wait for the answer until the head ends.
        if is_first_line && !is_request_line(&bytes[begin..at]) {
            return Err(Status::BAD_REQUEST);
        }
        is_first_line = false;
        match &bytes[begin..=at] {
            [.., b'\r', b'\n', b'\r', b'\n'] => return Ok(Some(at + 1)),
            [.., b'\r', b'\n'] => {}
            _ => return Err(Status::BAD_REQUEST),
        }
    }
    check_length(bytes.len(), is_first_line).map(|()| None)
}

/// Whether `line` has the parts of a first line: a method, a target and a version.
fn is_request_line(line: &[u8]) -> bool {
    let mut parts = line.split(|byte| *byte == b' ');
    let version = parts.by_ref().nth(2);
    version.is_some_and(|version| version.starts_with(b"HTTP/")) && parts.next().is_none()
}

fn parse(head: &[u8], options: &HttpOptions) -> Result<Request, Status> {
    // A CR that ends no line may end one for another server.
    let is_bare = |at: usize| head.get(at + 1) != Some(&b'\n');
    if memchr_iter(b'\r', head).any(is_bare) {
        return Err(Status::BAD_REQUEST);
    }
    let mut fields = [const { MaybeUninit::<Header>::uninit() }; MOST_FIELDS];
    let mut request = httparse::Request::new(&mut []);
    let parsed =
        ParserConfig::default().parse_request_with_uninit_headers(&mut request, head, &mut fields);
    match parsed {
        Ok(Parsed::Complete(length)) if length == head.len() => {}
        Err(httparse::Error::TooManyHeaders) => return Err(Status::HEADER_FIELDS_TOO_LARGE),
        Err(httparse::Error::Version) => return Err(of_version(head)),
        _ => return Err(Status::BAD_REQUEST),
    }
    let (Some(method), Some(target), Some(minor)) = (request.method, request.path, request.version)
    else {
        return Err(Status::BAD_REQUEST);
    };
    let mut framing = Framing::default();
    let mut conditions = Conditions::default();
    for field in request.headers.iter() {
        if !framing.take(field)? {
            conditions.take(field.name, field.value);
        }
    }
    let body = framing.body(minor, options.max_body)?;
    if target.len() > options.max_target {
        return Err(Status::URI_TOO_LONG);
    }
    let method = Method::read(method);
    let target = match method {
        // CONNECT has a target of its own form; its answer doesn't depend on it.
        Method::Other | Method::Unknown => Target::Server,
        _ => Target::read(target)?,
    };
    Ok(Request {
        method,
        target,
        closes: framing.closes || minor == 0,
        body,
        awaits_continue: framing.awaits_continue && minor > 0,
        conditions,
    })
}

/// 505 for a later version of HTTP, 400 for another text in its place.
fn of_version(head: &[u8]) -> Status {
    let line = head.split(|byte| *byte == b'\r').next().unwrap_or_default();
    let has_three_parts = line.iter().filter(|byte| **byte == b' ').count() == 2;
    let version = line.rsplit(|byte| *byte == b' ').next().unwrap_or_default();
    match version {
        _ if !has_three_parts => Status::BAD_REQUEST,
        [b'H', b'T', b'T', b'P', b'/', major, b'.', minor]
            if major.is_ascii_digit()
                && minor.is_ascii_digit()
                && (*major, *minor) > (b'1', b'1') =>
        {
            Status::VERSION_NOT_SUPPORTED
        }
        _ => Status::BAD_REQUEST,
    }
}

impl Method {
    fn read(method: &str) -> Self {
        match method {
            "GET" => Self::Get,
            "HEAD" => Self::Head,
            "OPTIONS" => Self::Options,
            "POST" | "PUT" | "DELETE" | "PATCH" | "TRACE" | "CONNECT" => Self::Other,
            _ => Self::Unknown,
        }
    }
}

/// The fields that say where a request ends, and what happens to its connection.
#[derive(Default)]
struct Framing {
    hosts: usize,
    length: Option<u64>,
    is_chunked: bool,
    closes: bool,
    awaits_continue: bool,
    /// An expectation that the server doesn't know.
    is_expectant: bool,
}

impl Framing {
    /// Takes a field if it is one of these.
    fn take(&mut self, field: &Header<'_>) -> Result<bool, Status> {
        let value = field.value.trim_ascii();
        let is = |name: &str| field.name.eq_ignore_ascii_case(name);
        if is("host") {
            self.hosts += 1;
            let host = std::str::from_utf8(value).ok();
            host.filter(|host| is_authority(host))
                .ok_or(Status::BAD_REQUEST)?;
        } else if is("content-length") {
            let is_number = !value.is_empty() && value.iter().all(u8::is_ascii_digit);
            let text = std::str::from_utf8(value).ok().filter(|_| is_number);
            // A second length is refused even if it is the same.
            let length = text.filter(|_| self.length.is_none());
            let length = length.and_then(|text| text.parse().ok());
            self.length = Some(length.ok_or(Status::BAD_REQUEST)?);
        } else if is("transfer-encoding") {
            // Empty items of a list don't count (RFC 9110, 5.6.1.2).
            let items = value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii);
            let mut items = items.filter(|item| !item.is_empty());
            let is_chunked = items
                .next()
                .is_some_and(|it| it.eq_ignore_ascii_case(b"chunked"));
            if self.is_chunked || !is_chunked || items.next().is_some() {
                return Err(Status::BAD_REQUEST);
            }
            self.is_chunked = true;
        } else if is("connection") {
            let mut options = value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii);
            self.closes |= options.any(|option| option.eq_ignore_ascii_case(b"close"));
        } else if is("expect") {
            match value.eq_ignore_ascii_case(b"100-continue") {
                true => self.awaits_continue = true,
                false => self.is_expectant = true,
            }
        } else {
            return Ok(false);
        }
        Ok(true)
    }

    /// The body that follows, if the fields agree (RFC 9112, 3.2 and 6).
    fn body(&self, minor: u8, most: u64) -> Result<Option<Body>, Status> {
        let has_both = self.is_chunked && self.length.is_some();
        let is_old = minor == 0 && self.is_chunked;
        let has_host = self.hosts == 1 || (minor == 0 && self.hosts == 0);
        if has_both || is_old || !has_host {
            return Err(Status::BAD_REQUEST);
        }
        if self.is_expectant && minor > 0 {
            return Err(Status::EXPECTATION_FAILED);
        }
        match self.length {
            Some(length) if length > most => Err(Status::CONTENT_TOO_LARGE),
            Some(0) | None if !self.is_chunked => Ok(None),
            Some(length) => Ok(Some(Body::Length(length))),
            None => Ok(Some(Body::chunked(most))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Option<(Request, usize)>, Status> {
        let options = HttpOptions {
            max_target: 100,
            max_head: 1000,
            max_body: 50,
            ..HttpOptions::default()
        };
        let whole = Request::read(text.as_bytes(), 0, &options);
        // The same result, wherever the reads cut.
        for length in 1..=text.len() {
            let read = Request::read(&text.as_bytes()[..length], length - 1, &options);
            if read != Ok(None) {
                assert_eq!(read, whole, "{text:?}");
                break;
            }
        }
        whole
    }

    fn status(text: &str) -> u16 {
        match read(text) {
            Err(status) => status.0,
            Ok(Some(_)) => 200,
            Ok(None) => 0,
        }
    }

    #[test]
    fn a_head_ends_at_its_empty_line() {
        let head = "\r\nGET /a HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n";
        let Ok(Some((request, length))) = read(&[head, "hello"].concat()) else {
            panic!("{:?}", read(head));
        };
        assert_eq!(length, head.len());
        assert_eq!(request.body, Some(Body::Length(5)));
        assert!(!request.closes && request.method == Method::Get);
        assert_eq!(status("GET / HTTP/1.1\r\nHost: a\r\n"), 0);
        assert_eq!(status(""), 0);
    }

    #[test]
    fn the_fields_decide_what_happens_to_the_connection() {
        for (version, fields, closes) in [
            ("1.1", "Host: a", false),
            ("1.1", "Host: a\r\nConnection: x,\tCLOSE ", true),
            ("1.0", "Host: a\r\nConnection: keep-alive", true),
            ("1.0", "X: y", true),
        ] {
            let Ok(Some((request, _))) =
                read(&format!("HEAD / HTTP/{version}\r\n{fields}\r\n\r\n"))
            else {
                panic!("{fields}");
            };
            assert_eq!(request.closes, closes, "{fields}");
        }
    }

    #[test]
    fn what_two_servers_may_understand_in_two_ways_is_refused() {
        for fields in [
            "X: y",
            "Host: a\r\nHost: a",
            "Host: a b",
            "Host:",
            "Host : a",
            "Host: a\r\n X: y",
            "Host: a\r\nX: a\0b",
            "Host: a\nX: y",
            "Host: a\r\nX: a\rb",
            "Host: a\r\n: b",
            "Host: a\r\nb",
            "Host: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked",
            "Host: a\r\nContent-Length: 5\r\nContent-Length: 5",
            "Host: a\r\nContent-Length: 5, 5",
            "Host: a\r\nContent-Length: +5",
            "Host: a\r\nContent-Length: 0x5",
            "Host: a\r\nContent-Length:",
            "Host: a\r\nContent-Length: 99999999999999999999",
            "Host: a\r\nTransfer-Encoding: gzip, chunked",
            "Host: a\r\nTransfer-Encoding: chunked, chunked",
            "Host: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
            "Host: a\r\nTransfer-Encoding: \u{b}chunked",
            "Host: a\r\nTransfer-Encoding: ,",
        ] {
            assert_eq!(
                status(&format!("GET / HTTP/1.1\r\n{fields}\r\n\r\n")),
                400,
                "{fields:?}"
            );
        }
        let old = "GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n";
        assert_eq!(status(old), 400);
    }

    #[test]
    fn a_wrong_line_gets_its_status() {
        let long = format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", "a".repeat(100));
        let endless = "GET /".to_owned() + &"a".repeat(200);
        let many = "GET / HTTP/1.1\r\n".to_owned() + &"a:b\r\n".repeat(101) + "\r\n";
        let large = "GET / HTTP/1.1\r\nX: ".to_owned() + &"a".repeat(2000);
        for (text, expected) in [
            ("GET / HTTP/2.0\r\n\r\n", 505),
            ("GET / HTTP/1.2\r\n\r\n", 505),
            ("GET / HTTP/x\r\n\r\n", 400),
            ("GET / HTTP/0.9\r\n\r\n", 400),
            ("GET / x HTTP/1.1\r\n\r\n", 400),
            ("GET /\r\n", 400),
            ("hello\r\n", 400),
            ("GET / http/1.1\r\n\r\n", 400),
            ("GET /\r\n\r\n", 400),
            ("GET  / HTTP/1.1\r\n\r\n", 400),
            ("GET /a b HTTP/1.1\r\n\r\n", 400),
            ("GET / HTTP/1.1 \r\n\r\n", 400),
            ("\x16\x03\x01", 400),
            ("\r\n\r\n\r\n\r\n\r\n", 400),
            ("\r\r", 0),
            ("G\n", 400),
            (&long, 414),
            (&endless, 414),
            (&many, 431),
            (&large, 431),
            (
                "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 51\r\n\r\n",
                413,
            ),
            ("GET / HTTP/1.1\r\nHost: a\r\nExpect: coffee\r\n\r\n", 417),
            ("GET /.. HTTP/1.1\r\nHost: a\r\n\r\n", 400),
            ("CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n", 200),
        ] {
            assert_eq!(status(text), expected, "{text:.40?}");
        }
    }
}
