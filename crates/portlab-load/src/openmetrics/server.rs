//! `GET /metrics` over HTTP/1.1, on a thread of its own.
//!
//! One loop, at most [`MOST`] connections at once, each with a limit of bytes and of time. If there are more, the oldest
//! is closed: clients that send nothing keep no other from its answer.

use std::{
    io::{self, Read, Write},
    net::{Shutdown, TcpListener},
    sync::Arc,
    time::{Duration, Instant},
};

use mio::{
    Events, Interest, Poll, Token, Waker,
    net::{TcpListener as Listener, TcpStream},
};

use super::{Metrics, text::Format};

/// How many connections are served at once.
const MOST: usize = 8;

/// How long a request may be, and how long a client may take for a request and its answer.
const LONGEST_REQUEST: usize = 8 * 1024;
const PATIENCE: Duration = Duration::from_secs(5);

const LISTENER: Token = Token(MOST);
const WAKE: Token = Token(MOST + 1);

/// Answers on a port.
pub(super) struct Server {
    poll: Poll,
    listener: Listener,
    waker: Arc<Waker>,
    metrics: Metrics,
    clients: [Option<Client>; MOST],
}

/// A connection.
struct Client {
    stream: TcpStream,
    since: Instant,
    request: Vec<u8>,
    /// The part of the answer that hasn't been sent; empty before the request is complete.
    answer: Vec<u8>,
}

impl Server {
    pub(super) fn new(listener: TcpListener, metrics: Metrics) -> io::Result<Self> {
        listener.set_nonblocking(true)?;
        let mut listener = Listener::from_std(listener);
        let poll = Poll::new()?;
        let registry = poll.registry();
        registry.register(&mut listener, LISTENER, Interest::READABLE)?;
        let waker = Arc::new(Waker::new(registry, WAKE)?);
        Ok(Self {
            poll,
            listener,
            waker,
            metrics,
            clients: Default::default(),
        })
    }

    /// Wakes the server up, to end it.
    pub(super) fn waker(&self) -> Arc<Waker> {
        Arc::clone(&self.waker)
    }

    /// Serves until the waker is used.
    pub(super) fn run(mut self) -> io::Result<()> {
        let mut events = Events::with_capacity(2 * MOST);
        loop {
            match self.poll.poll(&mut events, self.timeout()) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                result => result?,
            }
            for event in &events {
                match event.token() {
                    WAKE => return Ok(()),
                    LISTENER => self.accept(),
                    Token(slot) => self.serve(slot),
                }
            }
            let overdue = |it: &Client| it.since.elapsed() >= PATIENCE;
            for client in &mut self.clients {
                client.take_if(|it| overdue(it));
            }
        }
    }

    /// The time until the next client is overdue.
    fn timeout(&self) -> Option<Duration> {
        let clients = self.clients.iter().flatten();
        let left = clients.map(|it| PATIENCE.saturating_sub(it.since.elapsed()));
        // A whole millisecond, which is the poller's unit, so that the loop doesn't turn without an effect.
        left.min().map(|left| left + Duration::from_millis(1))
    }

    /// Accepts all clients that wait: the poller reports them once.
    fn accept(&mut self) {
        // If the machine has no descriptor left, the next client brings another attempt.
        while let Ok((mut stream, _)) = self.listener.accept() {
            let since = |slot: &usize| self.clients[*slot].as_ref().map(|it| it.since);
            // A free slot comes before all others.
            let slot = (0..MOST).min_by_key(since).expect("there are slots");
            let both = Interest::READABLE | Interest::WRITABLE;
            let registered = self
                .poll
                .registry()
                .register(&mut stream, Token(slot), both);
            self.clients[slot] = registered.is_ok().then(|| Client {
                stream,
                since: Instant::now(),
                request: Vec::new(),
                answer: Vec::new(),
            });
        }
    }

    fn serve(&mut self, slot: usize) {
        let Some(client) = &mut self.clients[slot] else {
            return;
        };
        // If it is done, or has failed, the connection is closed.
        if client.go_on(&self.metrics).unwrap_or(true) {
            self.clients[slot] = None;
        }
    }
}

impl Client {
    /// Reads the request and sends the answer, as far as possible now; returns whether both are done.
    fn go_on(&mut self, metrics: &Metrics) -> io::Result<bool> {
        if self.answer.is_empty() {
            match self.read_request(metrics)? {
                Some(answer) => self.answer = answer,
                None => return Ok(false),
            }
        }
        while !self.answer.is_empty() {
            match self.stream.write(&self.answer) {
                Ok(sent) => drop(self.answer.drain(..sent)),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        self.stream.shutdown(Shutdown::Write)?;
        Ok(true)
    }

    /// Reads the request; returns the answer to it, or `None` until it is complete.
    fn read_request(&mut self, metrics: &Metrics) -> io::Result<Option<Vec<u8>>> {
        let mut piece = [0; 1024];
        loop {
            if let Some(answer) = answer_to(&self.request, metrics) {
                return Ok(Some(answer));
            }
            match self.stream.read(&mut piece) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(length) => self.request.extend_from_slice(&piece[..length]),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(None),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}

/// The answer to `request`; `None` if the request isn't complete.
fn answer_to(request: &[u8], metrics: &Metrics) -> Option<Vec<u8>> {
    let mut headers = [httparse::EMPTY_HEADER; 64];
    let mut parsed = httparse::Request::new(&mut headers);
    match parsed.parse(request) {
        Ok(httparse::Status::Partial) if request.len() <= LONGEST_REQUEST => return None,
        Ok(httparse::Status::Partial) | Err(httparse::Error::TooManyHeaders) => {
            return Some(refusal("431 Request Header Fields Too Large"));
        }
        Err(_) => return Some(refusal("400 Bad Request")),
        Ok(httparse::Status::Complete(_)) => {}
    }
    let (method, path) = (parsed.method.unwrap_or(""), parsed.path.unwrap_or(""));
    let path = path.split('?').next().unwrap_or(path);
    if path != "/metrics" {
        return Some(refusal("404 Not Found"));
    }
    if method != "GET" && method != "HEAD" {
        return Some(refusal("405 Method Not Allowed"));
    }
    let mut accepted = parsed.headers.iter();
    let accepted = accepted.find(|it| it.name.eq_ignore_ascii_case("accept"));
    let accepted = accepted.and_then(|it| std::str::from_utf8(it.value).ok());
    let format = Format::accepted_by(accepted.unwrap_or(""));
    let text = format.write(&metrics.figures());
    let mut answer = answer("200 OK", format.content_type(), &text);
    if method == "HEAD" {
        answer.truncate(answer.len() - text.len());
    }
    Some(answer)
}

/// A request is answered when it is complete, has an error or is too long; bytes behind it don't change the answer.
pub fn fuzz_requests(input: &[u8]) {
    let metrics = Metrics::default();
    let [half, whole] = [&input[..input.len() / 2], input].map(|it| answer_to(it, &metrics));
    match &whole {
        Some(answer) => assert!(answer.starts_with(b"HTTP/1.1 "), "{answer:?}"),
        None => assert!(input.len() <= LONGEST_REQUEST),
    }
    assert!(half.is_none() || half == whole);
}

/// An answer that says where the figures are.
fn refusal(status: &str) -> Vec<u8> {
    let text = format!("{status}: the figures of this load are at GET /metrics\n");
    answer(status, "text/plain; charset=utf-8", &text)
}

fn answer(status: &str, content_type: &str, text: &str) -> Vec<u8> {
    let length = text.len();
    // RFC 9110, 15.5.6: an answer of 405 names the methods that are allowed.
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\nContent-Length: {length}\r\nAllow: GET, HEAD\r\n\
         Connection: close\r\n\r\n"
    );
    (head + text).into_bytes()
}

#[cfg(test)]
mod tests {
    use std::net::{SocketAddr, TcpStream};

    use super::*;
    use crate::{Exporter, Plan};

    fn served() -> (Exporter, SocketAddr) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let addr = listener.local_addr().unwrap();
        let metrics = Metrics::default();
        metrics.begin_run(&Plan::new(addr));
        (Exporter::at(listener, metrics).unwrap(), addr)
    }

    /// The whole answer to `request`.
    fn asked(addr: SocketAddr, request: &str) -> String {
        let mut stream = TcpStream::connect(addr).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    #[test]
    fn a_client_gets_the_format_that_it_accepts() {
        let (exporter, addr) = served();
        let open = "GET /metrics HTTP/1.1\r\nHost: a\r\nAccept: application/openmetrics-text;version=1.0.0\r\n\r\n";
        let open = asked(addr, open);
        assert!(open.starts_with("HTTP/1.1 200 OK\r\n"), "{open}");
        assert!(open.contains("application/openmetrics-text; version=1.0.0; charset=utf-8"));
        assert!(open.ends_with("# EOF\n"), "{open}");
        let plain = asked(addr, "GET /metrics?x HTTP/1.0\r\n\r\n");
        assert!(plain.contains("text/plain; version=0.0.4"), "{plain}");
        let (head, body) = plain.split_once("\r\n\r\n").unwrap();
        assert!(
            head.contains(&format!("Content-Length: {}", body.len())),
            "{head}"
        );
        let head = asked(addr, "HEAD /metrics HTTP/1.1\r\n\r\n");
        assert!(head.ends_with("\r\n\r\n"), "{head}");
        exporter.finish().unwrap();
        assert!(TcpStream::connect(addr).is_err(), "the port is closed");
    }

    #[test]
    fn a_wrong_request_gets_an_error_that_says_where_the_figures_are() {
        let (exporter, addr) = served();
        let long = format!(
            "GET /metrics HTTP/1.1\r\nA: {}",
            "a".repeat(2 * LONGEST_REQUEST)
        );
        let many = format!("GET /metrics HTTP/1.1\r\n{}\r\n", "A: b\r\n".repeat(65));
        for (request, status) in [
            ("GET / HTTP/1.1\r\n\r\n", "404"),
            ("POST /metrics HTTP/1.1\r\n\r\n", "405"),
            ("hello\r\n\r\n", "400"),
            (&long, "431"),
            (&many, "431"),
        ] {
            let answer = answer_to(request.as_bytes(), &Metrics::default()).unwrap();
            let answer = String::from_utf8(answer).unwrap();
            assert!(
                answer.starts_with(&format!("HTTP/1.1 {status} ")),
                "{answer}"
            );
            assert!(answer.contains("GET /metrics"), "{answer}");
        }
        assert!(asked(addr, "GET / HTTP/1.1\r\n\r\n").contains("404"));
        exporter.finish().unwrap();
    }

    #[test]
    fn clients_that_send_nothing_keep_no_other_from_its_answer() {
        let (_exporter, addr) = served();
        let silent = || TcpStream::connect(addr).unwrap();
        let _silent: Vec<_> = (0..3 * MOST).map(|_| silent()).collect();
        let answer = asked(addr, "GET /metrics HTTP/1.1\r\n\r\n");
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }
}
