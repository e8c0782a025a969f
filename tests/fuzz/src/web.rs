//! What clients send to the web server: requests, bodies, paths.

use std::{
    env, fs,
    io::Read,
    net::{Ipv4Addr, SocketAddr},
    os::unix::fs::symlink,
    path::Path,
    sync::{Arc, LazyLock, OnceLock},
};

use portlab_backends::{FileOptions, Files, fuzz::find};
use portlab_service::{
    Coding, ConnId, Cx, FileFacts, Found, Http, HttpOptions, Lookup, Next, PathLookup, Service,
    What,
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

/// Parts of a path: a byte of the input below their number stands for one of them.
const PARTS: &[&str] = &[
    "/",
    "..",
    ".",
    "%2e",
    "%2F",
    "%00",
    "%",
    "//",
    "?",
    "#",
    "\\",
    "in",
    "a.txt",
    "large",
    "folder",
    "index.html",
    "link",
    "inside",
    "outside",
    "secret",
    "to-secret",
    "to-outside",
    "to-root",
    "up",
    "loop",
    "magic",
    "fifo",
    "%E4%B8%AD",
    "http://a",
    "*",
    "~",
    "a.txt.gz",
];

/// What each file beneath the root begins with, and what no answer may contain.
const INSIDE: &[u8] = b"inside";

/// A folder with links of each kind, beside a folder with a secret.
static TREE: LazyLock<&Files> = LazyLock::new(|| {
    let base = match option_env!("CARGO_TARGET_TMPDIR") {
        Some(folder) => Path::new(folder).join("fuzz-paths"),
        None => env::temp_dir().join(format!("portlab-fuzz-{}", std::process::id())),
    };
    make_tree(&base).expect("a tree can be made");
    let files = Files::open(FileOptions {
        root: base.join("root"),
        index: "index.html".to_owned(),
        listing: true,
        cache_bytes: 64 * 1024,
    });
    // What is open stays open, and links that lead out lead to nothing less.
    files.expect("the root is a folder")
});

fn make_tree(base: &Path) -> std::io::Result<()> {
    let (root, outside) = (base.join("root"), base.join("outside"));
    fs::create_dir_all(root.join("in/folder"))?;
    fs::create_dir_all(&outside)?;
    fs::write(outside.join("secret"), "secret")?;
    for name in [
        "a.txt",
        "a.txt.gz",
        "in/a.txt",
        "in/folder/index.html",
        "中",
    ] {
        fs::write(root.join(name), INSIDE)?;
    }
    fs::write(root.join("large"), INSIDE.repeat(20_000))?;
    for (name, target) in [
        ("link", "in/a.txt"),
        ("inside", "in"),
        ("to-secret", "../outside/secret"),
        ("to-outside", "../outside"),
        ("in/to-secret", "../../outside/secret"),
        ("in/up", ".."),
        ("up", ".."),
        ("to-root", "/"),
        ("loop", "loop"),
        ("magic", "/proc/self/cwd"),
    ] {
        let _ = symlink(target, root.join(name));
    }
    let _ = symlink(outside.join("secret"), root.join("in/secret"));
    Ok(())
}

/// No path, whether a client or a faulty session asks for it, opens a file outside of the root.
pub(crate) fn paths(input: &[u8]) {
    let part = |byte: &u8| match PARTS.get(usize::from(*byte)) {
        Some(part) => part.as_bytes().to_vec(),
        None => vec![*byte],
    };
    let path: Vec<u8> = input.iter().take(40).flat_map(part).collect();
    for is_folder in [false, true] {
        check(&Lookup::Path(PathLookup {
            path: path.clone(),
            is_folder,
            codings: [Some(Coding::Gzip), None],
        }));
    }
    let request = [b"GET /", &path[..], b" HTTP/1.1\r\nHost: a\r\n\r\n"].concat();
    let peer = SocketAddr::from((Ipv4Addr::LOCALHOST, 1));
    let mut session = Http::new(HttpOptions::default()).open(ConnId(1), peer);
    let mut cx = Cx {
        out: &mut Vec::new(),
        posts: &mut Vec::new(),
    };
    if session.on_data(&request, &mut cx).next == Next::Lookup {
        check(session.lookup());
    }
}

fn check(lookup: &Lookup) {
    let opened = find(*TREE, lookup);
    if let What::File(facts) = &opened.found.what {
        let mut begin = [0; INSIDE.len()];
        match (&facts.whole, opened.file) {
            (Some(whole), _) => begin.copy_from_slice(&whole[..INSIDE.len()]),
            (None, Some(mut file)) => file.read_exact(&mut begin).expect("a file can be read"),
            (None, None) => panic!("a large file is open: {lookup:?}"),
        }
        assert_eq!(begin, INSIDE, "{lookup:?}");
    }
    if let What::Listing(listing) = &opened.found.what {
        let names = listing.entries.iter().map(|entry| &entry.name[..]);
        assert!({ names }.all(|name| name != b"secret"), "{lookup:?}");
    }
}
