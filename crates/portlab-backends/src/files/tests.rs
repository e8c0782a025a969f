//! Paths in trees of files, by both ways of opening.

use std::{
    ffi::OsStr,
    fs,
    os::{
        fd::AsRawFd,
        unix::{
            ffi::OsStrExt,
            fs::{PermissionsExt, symlink},
            net::UnixListener,
        },
    },
    path::Path,
};

use portlab_testkit::folder;
use proptest::prelude::*;
use rustix::fs::{CWD, Mode, mkfifoat};

use portlab_service::Listing;

use super::{cache::FRESH_NS, opener::Way, *};

/// The files below `root`, by both ways.
fn both(root: &Path, cache_bytes: usize) -> [Files; 2] {
    [Way::Openat2, Way::Walk].map(|way| {
        let options = FileOptions {
            root: root.to_owned(),
            index: "index.html".to_owned(),
            listing: true,
            cache_bytes,
        };
        let mut files = Files::of(options).unwrap();
        files.shown.as_mut().unwrap().root.set_way(way);
        files
    })
}

/// What is asked for by this path, which may end with `/`.
fn asked(path: &str) -> PathLookup {
    PathLookup {
        path: path.trim_end_matches('/').as_bytes().to_vec(),
        is_folder: path.is_empty() || path.ends_with('/'),
        codings: [None; 2],
    }
}

fn find(files: &Files, path: &str) -> What {
    files.find(&Lookup::Path(asked(path))).found.what
}

fn cached(files: &Files, path: &str) -> Option<What> {
    let found = files.cached(&Lookup::Path(asked(path)))?;
    Some(found.what)
}

fn content(what: &What) -> &[u8] {
    match what {
        What::File(facts) => facts.whole.as_deref().unwrap(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_path_is_a_file_a_folder_or_missing() {
    let root = folder("paths");
    fs::create_dir_all(root.join("dir/sub")).unwrap();
    fs::create_dir(root.join("bare")).unwrap();
    fs::write(root.join("中文 名.txt"), "text").unwrap();
    fs::write(root.join("dir/index.html"), "index").unwrap();
    fs::write(root.join("bare/large"), [0; SMALL as usize + 1]).unwrap();
    fs::write(root.join(OsStr::from_bytes(b"bare/\xff")), "").unwrap();
    for files in both(&root, 0) {
        let text = find(&files, "中文 名.txt");
        assert_eq!(content(&text), b"text");
        assert_eq!(content(&find(&files, "dir/")), b"index");
        let What::File(facts) = find(&files, "dir/") else {
            panic!("no file")
        };
        assert_eq!((&*facts.name, facts.length), (&b"index.html"[..], 5));
        let large = files.find(&Lookup::Path(asked("bare/large")));
        assert!(matches!(&large.found.what, What::File(facts) if facts.whole.is_none()));
        assert_eq!(
            large.file.unwrap().metadata().unwrap().len(),
            SMALL + 1,
            "a large file is open"
        );
        for (path, expected) in [
            ("dir", What::NeedsSlash),
            ("no", What::Missing),
            ("no/", What::Missing),
            ("dir/index.html/", What::Missing),
            ("dir/index.html/no", What::Missing),
            ("nul\0", What::Missing),
            (&"long".repeat(100), What::Missing),
            (&"long/".repeat(2000), What::Missing),
        ] {
            assert_eq!(find(&files, path), expected, "{path:.40}");
        }
        let What::Listing(listing) = find(&files, "bare/") else {
            panic!("no listing")
        };
        let entries = listing.entries.iter();
        let entries: Vec<_> = entries.map(|it| (&*it.name, it.length)).collect();
        let expected = [(&b"large"[..], Some(SMALL + 1)), (b"\xff", Some(0))];
        assert_eq!(entries, expected);
        let What::Listing(listing) = find(&files, "") else {
            panic!("no listing")
        };
        let folders = listing.entries.iter().map(|it| it.length.is_none());
        assert_eq!(folders.collect::<Vec<_>>(), [true, true, false]);
    }
    let time = Files::NONE.cached(&Lookup::Time).unwrap();
    assert!(time.what == What::Nothing && time.now_s > 1_700_000_000);
    assert_eq!(cached(Files::NONE, "dir/"), Some(What::Missing));
}

#[test]
fn a_root_must_be_a_folder() {
    let dir = folder("roots");
    fs::write(dir.join("file"), "").unwrap();
    let open = |name: &str| {
        let root = dir.join(name);
        let said = Files::of(FileOptions {
            root,
            index: String::new(),
            listing: false,
            cache_bytes: 0,
        });
        said.unwrap_err()
    };
    assert!(matches!(open("file"), FilesError::NotAFolder(_)));
    let missing = open("missing").to_string();
    assert!(missing.contains("missing doesn't exist"), "{missing}");
}

#[test]
fn what_is_neither_a_file_nor_a_folder_is_forbidden_and_does_not_hang() {
    let root = folder("odd");
    mkfifoat(CWD, root.join("fifo"), Mode::RWXU).unwrap();
    // The name of a socket may have 107 bytes only.
    let socket = folder("s");
    let bound = UnixListener::bind(socket.join("s"));
    for files in both(&root, 0) {
        assert_eq!(find(&files, "fifo"), What::Forbidden);
        assert_eq!(find(&files, ""), What::Listing(Listing::default()));
    }
    for files in both(&socket, 0) {
        if bound.is_ok() {
            assert_eq!(find(&files, "s"), What::Forbidden);
        }
    }
    let secret = root.join("secret");
    fs::write(&secret, "").unwrap();
    let no_permission = PermissionsExt::from_mode(0o000);
    fs::set_permissions(&secret, no_permission).unwrap();
    if fs::read(&secret).is_err() {
        for files in both(&root, 0) {
            assert_eq!(find(&files, "secret"), What::Forbidden);
        }
    }
}

#[test]
fn a_link_is_followed_beneath_the_root_only() {
    let dir = folder("links");
    let root = dir.join("root");
    fs::create_dir_all(root.join("in")).unwrap();
    fs::write(root.join("in/file"), "inside").unwrap();
    fs::write(dir.join("secret"), "outside").unwrap();
    symlink("in/file", root.join("inner")).unwrap();
    symlink("../secret", root.join("outer")).unwrap();
    symlink(dir.join("secret"), root.join("absolute")).unwrap();
    symlink("..", root.join("up")).unwrap();
    symlink("loop", root.join("loop")).unwrap();
    let [openat2, walk] = both(&root, 0);
    assert_eq!(content(&find(&openat2, "inner")), b"inside");
    assert_eq!(find(&walk, "inner"), What::Forbidden);
    for files in [openat2, walk] {
        for path in ["outer", "absolute", "loop", "../secret", "in/../../secret"] {
            assert_eq!(find(&files, path), What::Forbidden, "{path}");
        }
        let through = find(&files, "up/secret");
        assert!(matches!(through, What::Forbidden | What::Missing));
        let What::Listing(listing) = find(&files, "") else {
            panic!("no listing")
        };
        let names = listing.entries.into_iter().map(|it| it.name);
        let names = names.filter(|name| !matches!(&**name, b"in" | b"inner"));
        assert_eq!(names.collect::<Vec<_>>(), [b""; 0]);
    }
}

#[test]
fn a_neighbour_with_the_best_accepted_coding_is_sent() {
    let root = folder("codings");
    for (name, text) in [("a.js", "plain"), ("a.js.gz", "gzip"), ("a.js.br", "br")] {
        fs::write(root.join(name), text).unwrap();
    }
    fs::write(root.join("b.js"), "b").unwrap();
    fs::create_dir(root.join("b.js.gz")).unwrap();
    let (br, gzip) = (Some(Coding::Brotli), Some(Coding::Gzip));
    for files in both(&root, 1 << 20) {
        for _ in 0..2 {
            for (codings, expected, coding) in [
                ([None, None], "plain", None),
                ([gzip, br], "gzip", gzip),
                ([br, gzip], "br", br),
                ([gzip, None], "gzip", gzip),
            ] {
                let mut asked = asked("a.js");
                asked.codings = codings;
                let lookup = Lookup::Path(asked);
                let found = files.cached(&lookup);
                let What::File(facts) = found.unwrap_or_else(|| files.find(&lookup).found).what
                else {
                    panic!("no file")
                };
                assert_eq!(facts.whole.as_deref(), Some(expected.as_bytes()));
                assert!(facts.coding == coding && facts.has_codings && facts.name == b"a.js");
            }
        }
        let mut asked = asked("b.js");
        asked.codings = [gzip, br];
        let found = files.find(&Lookup::Path(asked)).found;
        assert!(matches!(found.what, What::File(facts) if !facts.has_codings));
    }
}

#[test]
fn a_cached_file_is_sent_while_it_is_unchanged_and_fresh() {
    let root = folder("cache");
    fs::write(root.join("a"), "first").unwrap();
    fs::write(root.join("large"), [0; SMALL as usize + 1]).unwrap();
    for files in both(&root, 1 << 20) {
        fs::write(root.join("a"), "first").unwrap();
        assert_eq!(cached(&files, "a"), None);
        let first = find(&files, "a");
        find(&files, "large");
        assert_eq!(cached(&files, "large"), None);
        let (cache, shown) = (files.cache.as_ref().unwrap(), files.shown.as_ref().unwrap());
        let take = |now_ns| cache.take(&asked("a"), &shown.root, now_ns);
        // The time is given, because a busy machine may stop this thread for longer than an entry is fresh.
        assert_eq!(take(0).map(What::File).as_ref(), Some(&first));
        assert_eq!(take(monotonic_ns() + FRESH_NS), None, "it is too old");
        fs::write(root.join("new"), "other").unwrap();
        fs::rename(root.join("new"), root.join("a")).unwrap();
        assert_eq!(cached(&files, "a"), None, "it was replaced");
        let second = find(&files, "a");
        assert_eq!(content(&second), b"other");
        let [What::File(first), What::File(second)] = [first, second] else {
            panic!("no file")
        };
        assert_ne!(first.tag, second.tag);
        fs::remove_file(root.join("a")).unwrap();
        assert_eq!(cached(&files, "a"), None, "it has vanished");
        assert_eq!(find(&files, "a"), What::Missing);
    }
}

#[test]
fn the_cache_is_bounded_by_its_bytes() {
    let root = folder("bounded");
    let name = |number| format!("{number}");
    // So many that each shard of the cache gets more of them than it can keep.
    const FILES: i32 = 200;
    for number in 0..FILES {
        fs::write(root.join(name(number)), [b'x'; SMALL as usize]).unwrap();
    }
    for bytes in [0, 1, 100_000, 1_000_000, 3_000_000] {
        let [files, _] = both(&root, bytes);
        let kept = || files.cache.as_ref().map_or(0, Cache::bytes);
        for number in 0..FILES {
            find(&files, &name(number));
            assert!(kept() <= bytes);
        }
        // Each of at most two shards has a rest that is too small for another file.
        let rest = 2 * (SMALL as usize + 1024);
        assert!(kept() + rest > bytes, "{} of {bytes}", kept());
    }
}

/// A tree with links of all kinds, and a path to look up in it.
#[derive(Clone, Debug)]
enum Made {
    Folder,
    File(bool),
    Link(String),
}

const NAMES: [&str; 4] = ["a", "b", "index.html", "a.gz"];

fn made() -> impl Strategy<Value = Made> {
    let step = prop_oneof![
        4 => proptest::sample::select(&NAMES[..]),
        3 => Just(".."),
        1 => Just("."),
        1 => proptest::sample::select(&["outside", "secret", "root"][..]),
    ];
    let target = (
        proptest::sample::select(&["", "", "", "/", "ROOT/", "OUTSIDE/"][..]),
        proptest::collection::vec(step, 1..5),
    );
    let link = target.prop_map(|(start, steps)| Made::Link([start, &steps.join("/")].concat()));
    prop_oneof![1 => Just(Made::Folder), 1 => any::<bool>().prop_map(Made::File), 2 => link]
}

fn path() -> impl Strategy<Value = String> {
    let step = prop_oneof![
        8 => proptest::sample::select(&NAMES[..]),
        1 => Just(".."),
        1 => proptest::sample::select(&["outside", "secret"][..]),
    ];
    let steps = proptest::collection::vec(step, 0..5);
    (steps, any::<bool>()).prop_map(|(steps, slash)| steps.join("/") + if slash { "/" } else { "" })
}

proptest! {
    #[test]
    fn no_file_outside_of_the_root_is_opened(
        tree in proptest::collection::vec((path(), made()), 1..12),
        paths in proptest::collection::vec(path(), 1..12),
    ) {
        let base = folder("outside");
        let [root, outside] = ["root", "outside"].map(|name| base.join(name));
        fs::create_dir(&root).unwrap();
        fs::create_dir(&outside).unwrap();
        for name in ["secret", "a", "index.html", "marked"] {
            fs::write(outside.join(name), "secret").unwrap();
            fs::write(base.join(name), vec![b'!'; SMALL as usize + 1]).unwrap();
        }
        for (path, made) in &tree {
            let path = root.join(path.trim_end_matches('/').replace("..", "a"));
            // What can't be made is left out.
            let _ = match made {
                Made::Folder => fs::create_dir(path),
                Made::File(false) => fs::write(path, "inside"),
                Made::File(true) => fs::write(path, vec![b'.'; SMALL as usize + 1]),
                Made::Link(to) => symlink(
                    to.replace("ROOT", root.to_str().unwrap())
                        .replace("OUTSIDE", outside.to_str().unwrap()),
                    path,
                ),
            };
        }
        let root = root.canonicalize().unwrap();
        let is_beneath = |fd: i32| {
            let place = fs::read_link(format!("/proc/self/fd/{fd}")).unwrap();
            place.starts_with(&root)
        };
        for files in both(&root, 0) {
            for path in &paths {
                let opened = files.shown.as_ref().unwrap().root.file(path.as_bytes());
                if let Ok(opened) = opened {
                    prop_assert!(is_beneath(opened.as_raw_fd()), "{path}");
                }
                let Opened { found, file } = files.find(&Lookup::Path(asked(path)));
                if let Some(file) = file {
                    prop_assert!(is_beneath(file.as_raw_fd()), "{path}");
                }
                match found.what {
                    What::File(facts) => prop_assert_ne!(facts.whole.as_deref(), Some(&b"secret"[..])),
                    What::Listing(listing) => {
                        let is_secret = |entry: &portlab_service::Entry| entry.name == b"marked";
                        prop_assert!(!listing.entries.iter().any(is_secret));
                    }
                    _ => {}
                }
            }
        }
    }
}
