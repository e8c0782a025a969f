//! A connection to a server of HTTP, which takes answers apart.

use std::{
    io::{self, Read, Write},
    net::{Shutdown, SocketAddr, TcpStream},
    thread,
    time::Duration,
};

use portlab_sys::socket::uninterrupted;

use crate::patience::patience;

/// A response, whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// The head, as it came.
    pub(crate) head: Vec<u8>,
    /// Names in lower case, and values.
    pub(crate) fields: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    /// The end of the connection ends the body.
    pub(crate) ends_with_connection: bool,
    /// How many interim responses (1xx) came before it.
    pub(crate) interim: usize,
}

/// What comes next on a connection.
#[derive(Debug)]
pub(crate) enum Next {
    Answer(Box<Answer>),
    /// The connection ends, by a FIN or a reset; these bytes came, perhaps a part of an answer.
    End(Vec<u8>),
    /// Nothing more for as long as the client waits; these bytes came, perhaps a part of an answer.
    Nothing(Vec<u8>),
}

/// A connection; all its calls have time limits.
#[derive(Debug)]
pub(crate) struct Conn {
    stream: TcpStream,
    buffer: Vec<u8>,
    has_ended: bool,
}

impl Conn {
    pub(crate) fn open(addr: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect_timeout(&addr, patience())?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(patience()))?;
        stream.set_write_timeout(Some(patience()))?;
        Ok(Self {
            stream,
            buffer: Vec::new(),
            has_ended: false,
        })
    }

    /// Sends `bytes`, many of them on a thread of their own. The server may close before it has read them: what it answers
    /// counts.
    pub(crate) fn send(&mut self, bytes: Vec<u8>) {
        let mut stream = match self.stream.try_clone() {
            Ok(stream) if bytes.len() > MANY => stream,
            _ => return drop(self.stream.write_all(&bytes)),
        };
        thread::spawn(move || stream.write_all(&bytes));
    }

    /// Sends the FIN.
    pub(crate) fn end(&self) {
        // If the server has closed already, its answer counts.
        let _ = self.stream.shutdown(Shutdown::Write);
    }

    /// Whether nothing comes within `time`.
    pub(crate) fn is_silent(&mut self, time: Duration) -> bool {
        if !self.buffer.is_empty() {
            return false;
        }
        let _ = self.stream.set_read_timeout(Some(time));
        let is_silent = !self.read() && !self.has_ended;
        let _ = self.stream.set_read_timeout(Some(patience()));
        is_silent
    }

    /// Reads once. Returns whether bytes came.
    fn read(&mut self) -> bool {
        let mut buffer = [0; 16_384];
        match uninterrupted(|| self.stream.read(&mut buffer)) {
            Ok(0) => self.has_ended = true,
            Ok(length) => self.buffer.extend_from_slice(&buffer[..length]),
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut
                ) =>
            {
                return false;
            }
            Err(_) => self.has_ended = true,
        }
        !self.has_ended
    }

    /// Reads the next final answer; one to HEAD has no body.
    pub(crate) fn next(&mut self, is_head: bool) -> Next {
        let mut interim = 0;
        loop {
            match self.next_of_any_status(is_head) {
                Next::Answer(answer) if answer.status < 200 => interim += 1,
                Next::Answer(mut answer) => {
                    answer.interim = interim;
                    return Next::Answer(answer);
                }
                next => return next,
            }
        }
    }

    /// As [`Conn::next`], interim responses too.
    pub(crate) fn next_of_any_status(&mut self, is_head: bool) -> Next {
        loop {
            if let Some((answer, length)) = parse(&self.buffer, is_head, self.has_ended) {
                self.buffer.drain(..length);
                return Next::Answer(Box::new(answer));
            }
            if self.has_ended {
                return Next::End(std::mem::take(&mut self.buffer));
            }
            if !is_http(&self.buffer) || (!self.read() && !self.has_ended) {
                return Next::Nothing(std::mem::take(&mut self.buffer));
            }
        }
    }
}

/// Whether `bytes` may become an answer.
fn is_http(bytes: &[u8]) -> bool {
    let length = bytes.len().min(5);
    bytes[..length] == b"HTTP/"[..length] && bytes.len() < MOST
}

/// The answer that `bytes` begin with, and its length, if it is whole.
fn parse(bytes: &[u8], is_head: bool, has_ended: bool) -> Option<(Answer, usize)> {
    if !bytes.starts_with(b"HTTP/") {
        return None;
    }
    let mut fields = [httparse::EMPTY_HEADER; 100];
    let mut head = httparse::Response::new(&mut fields);
    // A rule tells what is wrong with such a field.
    let mut config = httparse::ParserConfig::default();
    config.allow_spaces_after_header_name_in_responses(true);
    let httparse::Status::Complete(length) = config.parse_response(&mut head, bytes).ok()? else {
        return None;
    };
    let fields = head.headers.iter();
    let fields = fields.map(|it| {
        let value = String::from_utf8_lossy(it.value).trim().to_owned();
        (it.name.to_ascii_lowercase(), value)
    });
    let mut answer = Answer {
        status: head.code?,
        head: bytes[..length].to_vec(),
        fields: fields.collect(),
        body: Vec::new(),
        ends_with_connection: false,
        interim: 0,
    };
    let rest = &bytes[length..];
    let chunked = answer.lists("transfer-encoding", "chunked");
    let used = match answer.field("content-length") {
        _ if is_head || matches!(answer.status, ..200 | 204 | 304) => 0,
        _ if chunked => decode(rest, &mut answer.body)?,
        Some(value) => {
            let length = value.parse().ok()?;
            answer.body = rest.get(..length)?.to_vec();
            length
        }
        None if has_ended => {
            answer.body = rest.to_vec();
            answer.ends_with_connection = true;
            rest.len()
        }
        None => return None,
    };
    Some((answer, length + used))
}

/// Decodes a body in chunks. Returns its length in `bytes`, if it is whole.
fn decode(bytes: &[u8], body: &mut Vec<u8>) -> Option<usize> {
    let mut at = 0;
    loop {
        let httparse::Status::Complete((used, size)) =
            httparse::parse_chunk_size(&bytes[at..]).ok()?
        else {
            return None;
        };
        at += used;
        if size == 0 {
            // The trailer, of which most answers have none.
            let end = bytes[at..].windows(2).position(|it| it == b"\r\n")?;
            return (end == 0).then_some(at + 2).or_else(|| {
                let end = bytes[at..].windows(4).position(|it| it == b"\r\n\r\n")?;
                Some(at + end + 4)
            });
        }
        let size = usize::try_from(size).ok()?;
        body.extend_from_slice(bytes.get(at..at.checked_add(size)?)?);
        at += size;
        at += bytes[at..].starts_with(b"\r\n").then_some(2)?;
    }
}

impl Answer {
    /// The value of a field, by its name in lower case.
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        let found = self.fields.iter().find(|(field, _)| field == name);
        found.map(|(_, value)| value.as_str())
    }

    /// Whether a field's list has `item`, in upper or lower case.
    pub(crate) fn lists(&self, name: &str, item: &str) -> bool {
        let of_name = self.fields.iter().filter(|(field, _)| field == name);
        let mut items = of_name.flat_map(|(_, value)| value.split(','));
        items.any(|it| it.trim().eq_ignore_ascii_case(item))
    }
}

/// A send of more bytes may wait for the server.
const MANY: usize = 60_000;

/// The most bytes that one answer is read to.
const MOST: usize = 4 << 20;
