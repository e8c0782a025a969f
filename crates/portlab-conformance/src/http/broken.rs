//! Every rule can fail: servers that are wrong on purpose, each in its own way.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    thread,
    time::Duration,
};

use super::*;

/// What a wrong server answers: the number of the request, its head.
type Answer = fn(usize, &str) -> Reply;

enum Reply {
    Stays(String),
    Closes(String),
}
use Reply::{Closes, Stays};

/// Answers like a good server while it is asked by `Known::learn`.
fn good(head: &str) -> Reply {
    let page = "<p>a page of more than 20 bytes</p>";
    let validators = "ETag: \"abc\"\r\nLast-Modified: Thu, 29 Feb 2024 12:00:00 GMT\r\n";
    let (status, part) = match head.contains("Range") {
        true => ("206 Partial Content", &page[..2]),
        false => ("200 OK", page),
    };
    let length = part.len();
    let text = format!("HTTP/1.1 {status}\r\n{validators}Content-Length: {length}\r\n\r\n{part}");
    if head.contains("close") {
        Closes(text)
    } else {
        Stays(text)
    }
}

/// How many requests `Known::learn` sends.
const LEARNING: usize = 5;

/// The wrong servers.
const WRONG: &[(&str, Answer)] = &[
    (
        "accepts everything, and takes bodies for requests",
        |_, _| Stays("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi".to_owned()),
    ),
    ("refuses everything", |number, head| match number {
        ..LEARNING => good(head),
        _ => Closes("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n".to_owned()),
    }),
    ("has no page after a while", |number, head| match number {
        ..LEARNING => good(head),
        _ => Stays("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n".to_owned()),
    }),
    ("has wrong fields", |number, head| match number {
        ..LEARNING => good(head),
        _ => Stays(format!(
            "HTTP/1.0 {} OK\r\nDate: now\r\nDate: now\r\nLast-Modified: Sat, 06 Nov 2094 08:49:37 GMT\r\nETag: a\"\r\n\
             Content-Type: html\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\nX-Smuggled: yes\r\n\
             Location: //other.example\r\nContent-Range: bytes 1-2/3\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
            200 + number % 3
        )),
    }),
    (
        "has wrong lines, and sends what was not asked for",
        |number, head| {
            match number {
        ..LEARNING => good(head),
        _ => Stays(
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 416\nDate: Sun, 06 Nov 1994 08:49:37 GMT\nAllow : PUT\n\
             Content-Length: 0\n\n"
                .to_owned(),
        ),
    }
        },
    ),
    (
        "sends everything back, without a length",
        |number, head| match number {
            ..LEARNING => good(head),
            _ => Closes(format!("HTTP/1.1 412 No\r\n\r\n{head}")),
        },
    ),
    ("looks at conditions only", |number, head| match number {
        ..LEARNING => good(head),
        _ if head.contains("If-") => Stays("HTTP/1.1 304 No\r\n\r\n".to_owned()),
        _ => Stays("HTTP/1.1 405 No\r\nContent-Length: 0\r\n\r\n".to_owned()),
    }),
];

/// Serves like `answer` until the test ends.
fn serve(answer: Answer) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap();
    let count = Arc::new(AtomicUsize::new(0));
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let count = Arc::clone(&count);
            thread::spawn(move || talk(stream, answer, &count));
        }
    });
    addr
}

/// Answers each head; what ends with an empty line is one, also if it is the end of a body.
fn talk(mut stream: TcpStream, answer: Answer, count: &AtomicUsize) {
    let (mut buffer, mut text) = ([0; 65_536], String::new());
    while let Ok(length @ 1..) = stream.read(&mut buffer) {
        text += &String::from_utf8_lossy(&buffer[..length]);
        while let Some(at) = text.find("\r\n\r\n") {
            let head: String = text.drain(..at + 4).collect();
            match answer(count.fetch_add(1, Relaxed), &head) {
                Stays(reply) => drop(stream.write_all(reply.as_bytes())),
                Closes(reply) => return drop(stream.write_all(reply.as_bytes())),
            }
        }
    }
    // The client's FIN is overlooked.
    thread::sleep(Duration::from_secs(10));
}

#[test]
fn every_rule_fails_on_a_server_that_is_wrong_for_it() {
    let found: Vec<Vec<bool>> = WRONG
        .iter()
        .map(|(_, answer)| thread::spawn(move || failed(serve(*answer))))
        .collect::<Vec<_>>()
        .into_iter()
        .map(|it| it.join().unwrap())
        .collect();
    let all = RULES.iter().flat_map(|topic| topic.iter()).enumerate();
    let blind = all.filter(|(at, _)| !found.iter().any(|it| it[*at]));
    let blind: Vec<_> = blind.map(|(_, rule)| rule.name).collect();
    assert!(
        blind.is_empty(),
        "these rules fail on no server: {blind:#?}"
    );
}

/// Which rules the server at `addr` breaks.
fn failed(addr: SocketAddr) -> Vec<bool> {
    let options = Options {
        has_fixture: true,
        has_limits: true,
    };
    let suite = Suite::begin(addr, options);
    let rules = RULES.iter().flat_map(|topic| topic.iter());
    let fails = |rule| suite.unmet(rule).is_none() && suite.check_once(rule).is_err();
    // What a wrong server doesn't send never comes.
    with_patience(Duration::from_millis(10), || rules.map(fails).collect())
}
