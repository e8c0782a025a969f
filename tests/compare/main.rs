//! Comparisons as people make them: what is measured, what isn't and why, and what is kept.

#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

mod against;
mod ends;
mod measures;
mod refusals;
mod strangers;

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use portlab_stats::{read::read, record::Record};

fn portlab(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_portlab"))
        .args(arguments)
        .output()
        .unwrap()
}

/// Runs a command that can't be run, and returns what it says on stderr.
fn refused(arguments: &[&str]) -> String {
    let output = portlab(arguments);
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{arguments:?}: {text}");
    assert!(output.stdout.is_empty(), "{arguments:?} wrote to stdout");
    assert!(!text.contains("panicked"), "{arguments:?}: {text}");
    text
}

/// A folder of this test's own, empty.
fn folder(name: &str) -> PathBuf {
    let dir = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&dir);
    fs::create_dir_all(&dir).unwrap();
    dir
}

/// Compares with `options`, keeping the results in `dir`, and returns the record.
fn compared(dir: &Path, options: &[&str]) -> Record {
    let out = format!("--out={}", dir.display());
    let output = portlab(&[&["compare", &out], options].concat());
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{options:?}: {said}");
    record(dir)
}

fn record(dir: &Path) -> Record {
    read(&fs::read_to_string(dir.join("results.json")).unwrap()).unwrap()
}

/// This program's own echo, as a stranger.
fn stranger(name: &str) -> String {
    let program = env!("CARGO_BIN_EXE_portlab");
    format!("--server={name}='{program}' serve --model event-loop --bind 127.0.0.1:{{port}}")
}
