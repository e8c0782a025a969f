//! `GET /metrics` over HTTP/1.1.
//!
//! A thread accepts, and each connection has a thread of its own, with a limit of bytes and of time: clients that send
//! nothing keep no other from its answer. Beyond [`MOST`] connections at once, new ones are closed.

use std::{
    io::{self, Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    thread,
    time::{Duration, Instant},
};

use portlab_sys::socket::uninterrupted;

use super::{Metrics, text::Format};

/// How many connections are served at once.
const MOST: usize = 64;

/// How long a request may be, and how long a client may take for it; an answer may take as long again.
const LONGEST_REQUEST: usize = 8 * 1024;
const PATIENCE: Duration = Duration::from_secs(5);

/// The pause after a connection could not be accepted, because the machine lacks a descriptor for example.
const PAUSE: Duration = Duration::from_millis(100);

/// Answers on `listener` until `stopped` is set; another connection then wakes the thread.
pub(super) fn serve(
    listener: &TcpListener,
    metrics: &Metrics,
    stopped: &AtomicBool,
) -> io::Result<()> {
    let clients = Arc::new(());
    for stream in listener.incoming() {
        if stopped.load(Relaxed) {
            break;
        }
        let Ok(stream) = stream else {
            thread::sleep(PAUSE);
            continue;
        };
        if Arc::strong_count(&clients) <= MOST {
            let (metrics, client) = (metrics.clone(), Arc::clone(&clients));
            thread::Builder::new().spawn(move || {
                // If the connection fails, its answer is dropped.
                let _ = answer_client(stream, &metrics);
                drop(client);
            })?;
        }
    }
    Ok(())
}

/// Reads a request, and answers it.
fn answer_client(mut stream: TcpStream, metrics: &Metrics) -> io::Result<()> {
    let until = Instant::now() + PATIENCE;
    stream.set_write_timeout(Some(PATIENCE))?;
    let (mut request, mut piece) = (Vec::new(), [0; 1024]);
    loop {
        if let Some(answer) = answer_to(&request, metrics) {
            stream.write_all(&answer)?;
            return stream.shutdown(Shutdown::Write);
        }
        let left = until.saturating_duration_since(Instant::now());
        // A timeout of zero would be none.
        stream.set_read_timeout(Some(left.max(Duration::from_millis(1))))?;
        match uninterrupted(|| stream.read(&mut piece))? {
            0 => return Ok(()),
            length => request.extend_from_slice(&piece[..length]),
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
    use std::net::SocketAddr;

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
        let _silent: Vec<_> = (0..MOST / 2).map(|_| silent()).collect();
        let answer = asked(addr, "GET /metrics HTTP/1.1\r\n\r\n");
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }
}
