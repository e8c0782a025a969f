//! What clients send to the web server: requests, bodies, paths.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, OnceLock},
};

use portlab_service::{
    ConnId, Cx, FileFacts, Found, Http, HttpOptions, Lookup, Next, Service, What,
};

use crate::pieces;

const OPTIONS: fn() -> HttpOptions = || HttpOptions {
    max_target: 60,
    max_head: 300,
    max_body: 40,
    ..HttpOptions::default()
};

/// What a session has asked for, and what it has sent.
#[derive(Default)]
struct Seen {
    lookups: Vec<Lookup>,
    out: Vec<u8>,
}

fn run<'a>(reads: impl Iterator<Item = &'a [u8]>) -> Seen {
    let peer = SocketAddr::from((Ipv4Addr::LOCALHOST, 1));
    let mut session = Http::new(OPTIONS()).open(ConnId(1), peer);
    let (mut seen, mut posts) = (Seen::default(), Vec::new());
    for input in reads {
        let mut cx = Cx {
            out: &mut seen.out,
            posts: &mut posts,
        };
        let mut next = session.on_data(input, &mut cx).next;
        while next != Next::Continue {
            next = match next {
                Next::Lookup => {
                    let lookup = session.lookup().clone();
                    let found = found(&lookup);
                    seen.lookups.push(lookup);
                    session.on_found(&found, &mut cx).next
                }
                Next::Body { length, .. } => {
                    cx.out.extend(std::iter::repeat_n(b'x', length as usize));
                    session.on_more(&mut cx).next
                }
                Next::More => session.on_more(&mut cx).next,
                Next::Close => return seen,
                Next::Continue => break,
            };
        }
    }
    seen
}

/// Each path has a file, a folder or nothing.
fn found(lookup: &Lookup) -> Found {
    let what = match lookup {
        Lookup::Time => What::Nothing,
        Lookup::Path(it) if it.path.starts_with(b"f") => What::NeedsSlash,
        Lookup::Path(it) if it.path.starts_with(b"n") => What::Missing,
        Lookup::Path(it) => What::File(Arc::new(FileFacts {
            name: it.path.clone(),
            length: 30,
            modified_s: 784_111_777,
            tag: "abc".to_owned(),
            coding: it.codings[0],
            has_codings: true,
            whole: it.path.starts_with(b"w").then(|| [b'y'; 30].into()),
            kept: OnceLock::new(),
        })),
    };
    Found {
        now_s: 784_200_000,
        what,
    }
}

/// For every way in which reads cut the input, the session asks for the same files and sends the same bytes. A path leads
/// nowhere else than below the root. The responses are as many as the lookups, and each is as long as it says.
pub(crate) fn web(input: &[u8]) {
    let [length, input @ ..] = input else {
        return;
    };
    let whole = run(std::iter::once(input).filter(|it| !it.is_empty()));
    let cut = run(pieces(input, *length));
    assert_eq!(cut.lookups, whole.lookups);
    let text = |seen: &Seen| String::from_utf8_lossy(&seen.out).into_owned();
    assert_eq!(text(&cut), text(&whole));
    for lookup in &whole.lookups {
        if let Lookup::Path(it) = lookup
            && !it.path.is_empty()
        {
            for name in it.path.split(|byte| *byte == b'/') {
                let is_safe = !matches!(name, b"" | b"." | b"..") && !name.contains(&0);
                assert!(is_safe, "{it:?}");
            }
        }
    }
    // A response to HEAD says a length, and has no body.
    if !input.windows(4).any(|it| it == b"HEAD") {
        assert_eq!(responses(&whole.out), whole.lookups.len());
    }
}

/// Reads the responses to the end of `out`, and returns their number.
fn responses(mut out: &[u8]) -> usize {
    let mut count = 0;
    while !out.is_empty() {
        let mut fields = [httparse::EMPTY_HEADER; 20];
        let mut response = httparse::Response::new(&mut fields);
        let parsed = response.parse(out).expect("a response is valid");
        assert!(parsed.is_complete(), "a response has a whole head");
        out = &out[parsed.unwrap()..];
        if response.code == Some(100) {
            continue;
        }
        count += 1;
        let field = |name: &str| {
            let named = response.headers.iter().find(|it| it.name == name);
            named.map(|it| std::str::from_utf8(it.value).expect("a field is text"))
        };
        assert!(field("Date").is_some());
        let length = field("Content-Length").map_or(0, |it| it.parse().expect("a number"));
        assert!(
            length <= out.len(),
            "{length} bytes are told, {} are left",
            out.len()
        );
        out = &out[length..];
        assert!(field("Connection").is_none() || out.is_empty());
    }
    count
}
