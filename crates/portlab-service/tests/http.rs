//! The web server without a socket: requests in, lookups of a simulated folder, responses out.

use std::{
    net::SocketAddr,
    sync::{Arc, OnceLock},
};

use portlab_service::{
    Coding, ConnId, Cut, Cx, Entry, FileFacts, Flow, Found, Http, HttpOptions, Listing, Lookup,
    Next, PathLookup, Service, Session, What,
};

/// 1994-11-06 08:49:37, and a day later.
const MODIFIED: u64 = 784_111_777;
const NOW: u64 = MODIFIED + 86_400;
const HOST: &str = "Host: a\r\n";

/// A connection, as a driver serves it.
struct Conn {
    session: Box<dyn Session>,
    out: Vec<u8>,
    is_open: bool,
}

impl Conn {
    fn new() -> Self {
        let service = Http::new(HttpOptions {
            max_body: 100,
            error_page: None,
            ..HttpOptions::default()
        });
        Self {
            session: service.open(ConnId(1), SocketAddr::from(([127, 0, 0, 1], 50_000))),
            out: Vec::new(),
            is_open: true,
        }
    }

    fn call(&mut self, call: impl FnOnce(&mut dyn Session, &mut Cx<'_>) -> Flow) -> Next {
        let mut posts = Vec::new();
        let mut cx = Cx {
            out: &mut self.out,
            posts: &mut posts,
        };
        call(&mut *self.session, &mut cx).next
    }

    /// Gives `input` to the session in pieces of `piece` bytes, does what it asks for, and returns what it sent.
    fn exchange(&mut self, input: &[u8], piece: usize) -> String {
        for input in input.chunks(piece) {
            if !self.is_open {
                break;
            }
            let mut next = self.call(|session, cx| session.on_data(input, cx));
            while next != Next::Continue {
                next = match next {
                    Next::Continue => break,
                    Next::Close => {
                        self.is_open = false;
                        break;
                    }
                    Next::More => self.call(|session, cx| session.on_more(cx)),
                    Next::Lookup => {
                        let found = look_up(self.session.lookup());
                        self.call(|session, cx| session.on_found(&found, cx))
                    }
                    Next::Body { from, length } => {
                        self.out
                            .extend_from_slice(&large()[from as usize..][..length as usize]);
                        self.call(|session, cx| session.on_more(cx))
                    }
                };
            }
        }
        String::from_utf8(std::mem::take(&mut self.out)).expect("responses are text")
    }
}

/// The content of `large.txt`, which the driver sends.
fn large() -> Vec<u8> {
    (0..1000).map(|at| b'a' + (at % 26) as u8).collect()
}

fn look_up(lookup: &Lookup) -> Found {
    let what = match lookup {
        Lookup::Time => What::Nothing,
        Lookup::Path(PathLookup {
            path,
            is_folder,
            codings,
        }) => {
            let gzip = codings.contains(&Some(Coding::Gzip));
            match (&path[..], is_folder) {
                (b"", true) => file("index.html", b"<h1>hi</h1>", None),
                (b"large.txt", false) => {
                    let What::File(facts) = file("large.txt", &large(), None) else {
                        unreachable!()
                    };
                    What::File(Arc::new(FileFacts {
                        whole: None,
                        ..(*facts).clone()
                    }))
                }
                (b"app.js", false) if gzip => file("app.js", b"zipped", Some(Coding::Gzip)),
                (b"app.js", false) => file("app.js", b"plain", None),
                (b"empty", false) => file("empty", b"", None),
                (_, false) if path == "文件夹 %".as_bytes() => What::NeedsSlash,
                _ if path == "文件夹 %".as_bytes() => What::Listing(Listing {
                    entries: vec![Entry {
                        name: b"a&b".to_vec(),
                        length: Some(1),
                        modified_s: 0,
                    }],
                    is_cut: false,
                }),
                (b"secret", false) => What::Forbidden,
                (b"broken", false) => What::Failed,
                _ => What::Missing,
            }
        }
    };
    Found { now_s: NOW, what }
}

fn file(name: &str, content: &[u8], coding: Option<Coding>) -> What {
    What::File(Arc::new(FileFacts {
        name: name.into(),
        length: content.len() as u64,
        modified_s: MODIFIED,
        tag: "abc".to_owned(),
        coding,
        has_codings: name == "app.js",
        whole: Some(content.into()),
        kept: OnceLock::new(),
    }))
}

/// The response to one request, and whether the connection stays open. It is the same wherever the reads cut.
fn ask(request: &str) -> (String, bool) {
    let answers = [1, 7, 100_000].map(|piece| {
        let mut conn = Conn::new();
        (conn.exchange(request.as_bytes(), piece), conn.is_open)
    });
    assert_eq!(answers[0], answers[1], "{request}");
    assert_eq!(answers[1], answers[2], "{request}");
    let [answer, ..] = answers;
    answer
}

fn get(path: &str, fields: &str) -> String {
    let (answer, is_open) = ask(&format!("GET {path} HTTP/1.1\r\n{HOST}{fields}\r\n"));
    assert!(is_open, "{path} {fields} {answer}");
    answer
}

#[test]
fn a_file_is_sent_with_what_a_client_needs_to_know() {
    let expected = "HTTP/1.1 200 OK\r\nDate: Mon, 07 Nov 1994 08:49:37 GMT\r\nServer: portlab\r\n\
        Content-Type: text/html; charset=UTF-8\r\nContent-Length: 11\r\nAccept-Ranges: bytes\r\n\
        ETag: \"abc\"\r\nLast-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r\n\r\n<h1>hi</h1>";
    assert_eq!(get("/?x", ""), expected);
    let (head, is_open) = ask(&format!(
        "HEAD / HTTP/1.1\r\n{HOST}Range: bytes=0-0\r\n\r\n"
    ));
    assert_eq!(
        (&*head, is_open),
        (expected.trim_end_matches("<h1>hi</h1>"), true)
    );
    let large = get("/large.txt", "");
    assert!(
        large.contains("Content-Length: 1000\r\n") && large.ends_with("jkl"),
        "{large}"
    );
    let empty = get("/empty", "Range: bytes=-5\r\n");
    assert!(
        empty.starts_with("HTTP/1.1 200") && empty.ends_with("\r\n\r\n"),
        "{empty}"
    );
}

#[test]
fn requests_in_one_write_are_answered_in_order() {
    let mut conn = Conn::new();
    let requests = format!(
        "GET /missing HTTP/1.1\r\n{HOST}\r\nPOST / HTTP/1.1\r\n{HOST}Content-Length: 3\r\n\r\nabc\
         GET /large.txt HTTP/1.1\r\n{HOST}Range: bytes=1-2\r\n\r\n\
         GET / HTTP/1.1\r\n{HOST}Connection: close\r\n\r\nGET / HTTP/1.1\r\n{HOST}\r\n"
    );
    for piece in [1, 10_000] {
        conn = Conn::new();
        let answers = conn.exchange(requests.as_bytes(), piece);
        let statuses = answers.split("HTTP/1.1 ").skip(1).map(|it| &it[..3]);
        assert_eq!(
            statuses.collect::<Vec<_>>(),
            ["404", "405", "206", "200"],
            "{answers}"
        );
        assert!(answers.contains("\r\nbcHTTP/1.1 200"), "{answers}");
    }
    assert!(!conn.is_open);
}

#[test]
fn each_outcome_of_a_lookup_has_its_status() {
    for (path, status) in [
        ("/missing", "404 Not Found"),
        ("/secret", "403 Forbidden"),
        ("/broken", "500 Internal Server Error"),
        (
            "/%E6%96%87%E4%BB%B6%E5%A4%B9%20%25?q=1",
            "301 Moved Permanently",
        ),
        ("/%E6%96%87%E4%BB%B6%E5%A4%B9%20%25/", "200 OK"),
    ] {
        let answer = get(path, "");
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status}\r\nDate: ")),
            "{answer}"
        );
        if status.starts_with("301") {
            let place = "\r\nLocation: /%E6%96%87%E4%BB%B6%E5%A4%B9%20%25/?q=1\r\n";
            assert!(answer.contains(place), "{answer}");
        }
    }
    assert!(
        get("/%E6%96%87%E4%BB%B6%E5%A4%B9%20%25/", "").contains("<a href=\"./a%26b\">a&amp;b</a>")
    );
}

#[test]
fn parts_of_a_file_are_sent_alone_or_together() {
    let one = get("/large.txt", "Range: bytes=998-\r\n");
    assert!(one.starts_with("HTTP/1.1 206 Partial Content\r\n"), "{one}");
    assert!(
        one.contains("Content-Range: bytes 998-999/1000\r\n") && one.ends_with("\r\n\r\nkl"),
        "{one}"
    );
    let two = get("/large.txt", "Range: bytes=0-1,998-999\r\n");
    let (head, body) = two.split_once("\r\n\r\n").unwrap();
    let length = head
        .split("Content-Length: ")
        .nth(1)
        .unwrap()
        .split("\r\n")
        .next()
        .unwrap();
    assert_eq!(length, body.len().to_string(), "{two}");
    assert!(
        head.contains("Content-Type: multipart/byteranges; boundary=portlab-abc"),
        "{two}"
    );
    let expected = "\r\n--portlab-abc\r\nContent-Type: text/plain; charset=UTF-8\r\n\
        Content-Range: bytes 0-1/1000\r\n\r\nab\r\n--portlab-abc\r\n\
        Content-Type: text/plain; charset=UTF-8\r\nContent-Range: bytes 998-999/1000\r\n\r\nkl\
        \r\n--portlab-abc--\r\n";
    // The head ended with the empty line, which the first boundary doesn't use.
    assert_eq!(body, expected);
    let none = get("/large.txt", "Range: bytes=1000-\r\n");
    assert!(
        none.starts_with("HTTP/1.1 416 ") && none.contains("Content-Range: bytes */1000\r\n"),
        "{none}"
    );
}

#[test]
fn a_compressed_neighbour_is_sent_to_clients_that_accept_it() {
    let zipped = get("/app.js", "Accept-Encoding: gzip\r\n");
    assert!(
        zipped.contains("Content-Encoding: gzip\r\n") && zipped.ends_with("zipped"),
        "{zipped}"
    );
    let plain = get("/app.js", "");
    assert!(
        !plain.contains("Content-Encoding") && plain.ends_with("plain"),
        "{plain}"
    );
    for answer in [zipped, plain, get("/app.js", "If-None-Match: \"abc\"\r\n")] {
        assert!(answer.contains("Vary: Accept-Encoding\r\n"), "{answer}");
    }
}

#[test]
fn a_304_has_no_body_and_no_length() {
    let answer = get("/", "If-None-Match: \"abc\"\r\n");
    assert!(
        answer.starts_with("HTTP/1.1 304 Not Modified\r\n"),
        "{answer}"
    );
    assert!(
        !answer.contains("Content-Length") && answer.ends_with("\r\n\r\n"),
        "{answer}"
    );
}

#[test]
fn a_client_that_awaits_100_gets_it_or_the_final_answer() {
    let fields = "Expect: 100-continue\r\nContent-Length: 3\r\n";
    let mut conn = Conn::new();
    let head = format!("GET / HTTP/1.1\r\n{HOST}{fields}\r\n");
    assert_eq!(
        conn.exchange(head.as_bytes(), 1000),
        "HTTP/1.1 100 Continue\r\n\r\n"
    );
    assert!(conn.exchange(b"abc", 1).starts_with("HTTP/1.1 200"));
    assert!(conn.is_open);
    let (answer, is_open) = ask(&format!("POST / HTTP/1.1\r\n{HOST}{fields}\r\n"));
    assert!(
        answer.starts_with("HTTP/1.1 405") && answer.contains("Connection: close"),
        "{answer}"
    );
    assert!(answer.contains("Allow: GET, HEAD, OPTIONS\r\n") && !is_open);
}

#[test]
fn an_error_of_framing_ends_the_connection() {
    for request in [
        "GET / HTTP/1.1\r\n\r\n".to_owned(),
        format!("GET / HTTP/1.1\r\n{HOST}Content-Length: x\r\n\r\n"),
        format!("GET / HTTP/1.1\r\n{HOST}Transfer-Encoding: chunked\r\n\r\nx"),
    ] {
        let (answer, is_open) = ask(&request);
        assert!(
            answer.starts_with("HTTP/1.1 400 Bad Request\r\n"),
            "{answer}"
        );
        assert!(
            answer.contains("Connection: close\r\n") && !is_open,
            "{answer}"
        );
    }
}

#[test]
fn other_methods_get_their_status() {
    for (line, status) in [
        ("OPTIONS * HTTP/1.1", "204"),
        ("OPTIONS /x HTTP/1.1", "204"),
        ("TRACE / HTTP/1.1", "405"),
        ("get / HTTP/1.1", "501"),
        ("GET * HTTP/1.1", "400"),
    ] {
        let (answer, is_open) = ask(&format!("{line}\r\n{HOST}\r\n"));
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status} ")),
            "{line}: {answer}"
        );
        assert!(is_open, "{line}");
    }
}

#[test]
fn a_request_that_does_not_end_gets_408_and_an_idle_client_nothing() {
    let mut conn = Conn::new();
    let cut = |conn: &mut Conn, why| {
        conn.call(|session, cx| {
            session.on_cut(why, NOW, cx);
            Flow::CLOSE
        });
        String::from_utf8(std::mem::take(&mut conn.out)).unwrap()
    };
    assert_eq!(conn.session.unfinished(), None);
    assert_eq!(cut(&mut conn, Cut::Idle), "");
    conn.exchange(b"GET / HTT", 100);
    let head = conn.session.unfinished();
    assert!(head.is_some());
    assert!(cut(&mut conn, Cut::Unfinished).starts_with("HTTP/1.1 408 Request Timeout\r\nDate: "));
    conn.exchange(
        format!("P/1.1\r\n{HOST}Content-Length: 9\r\n\r\nab").as_bytes(),
        100,
    );
    let body = conn.session.unfinished();
    assert!(body.is_some() && body != head);
    conn.exchange(b"cdefghi", 1);
    assert_eq!(conn.session.unfinished(), None);
}

#[test]
fn a_page_for_errors_shows_the_status() {
    let service = Http::new(HttpOptions {
        error_page: Some("<title>{status}</title>{status}".to_owned()),
        ..HttpOptions::default()
    });
    let mut conn = Conn::new();
    conn.session = service.open(ConnId(1), SocketAddr::from(([127, 0, 0, 1], 50_000)));
    let answer = conn.exchange(
        format!("GET /missing HTTP/1.1\r\n{HOST}\r\n").as_bytes(),
        1000,
    );
    assert!(
        answer.ends_with("<title>404 Not Found</title>404 Not Found"),
        "{answer}"
    );
    let refusal = service.refusal();
    assert!(refusal.starts_with(b"HTTP/1.1 503 ") && refusal.ends_with(b"\r\n\r\n"));
}
