//! Folders and files: a test's own, and the repository's.

use std::{
    collections::BTreeMap,
    env, fs,
    path::{Path, PathBuf},
    sync::{LazyLock, Mutex},
    thread::{self, ThreadId},
};

/// The folders that were handed out, and the tests' threads.
static TAKEN: Mutex<BTreeMap<String, ThreadId>> = Mutex::new(BTreeMap::new());

/// An empty folder for one test, below cargo's target folder. It stays until the next run, so that the files of a failed
/// test can be examined.
///
/// # Panics
/// When two tests of a program take the same name.
#[track_caller]
pub fn folder(name: &str) -> PathBuf {
    let own = thread::current().id();
    let before = TAKEN.lock().unwrap().insert(name.to_owned(), own);
    let is_free = before.is_none_or(|before| before == own);
    assert!(is_free, "two tests take the folder {name:?}");
    let exe = env::current_exe().unwrap();
    let stem = exe.file_stem().unwrap().to_str().unwrap();
    // Cargo puts a hash behind a test's name, and the test into target/debug/deps.
    let test = stem.rsplit_once('-').map_or(stem, |(test, _)| test);
    let target = exe.ancestors().nth(3).unwrap();
    let dir = target.join("tmp").join([test, name].join("-"));
    let _ = fs::remove_dir_all(&dir);
    fs::create_dir_all(&dir).unwrap();
    dir
}

/// The names in `dir`, in their order, hidden ones too.
pub fn names(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).unwrap().flatten();
    let mut names: Vec<_> = entries
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// `path` as a word of a command line.
pub fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// The repository. Cargo names the package when it runs a test, and the path from the build may be another one: the products
/// of a build can be copied to another work tree.
pub fn root() -> &'static Path {
    static ROOT: LazyLock<PathBuf> = LazyLock::new(|| {
        let built = || env!("CARGO_MANIFEST_DIR").into();
        let package = env::var_os("CARGO_MANIFEST_DIR").map_or_else(built, PathBuf::from);
        package.ancestors().nth(2).unwrap().to_owned()
    });
    &ROOT
}

/// The text of the repository's file `path`.
#[track_caller]
pub fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}
