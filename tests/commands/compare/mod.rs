//! `portlab compare` as people use it: what is measured, what is refused, and what is kept.

mod against;
mod ends;
mod foreign;
mod http;
mod measures;
mod refusals;

use std::{fs, path::Path, process::Output};

use portlab_stats::{read::read, record::Record};

use portlab_testkit::{binary, command, folder, portlab, refused, stderr, wait_until, words};

/// Compares with the options of a line and `more`, keeping the results in `dir`, and returns the record.
fn compared(dir: &Path, line: &str, more: &[&str]) -> Record {
    let output = compare(dir, line, more);
    let said = stderr(&output);
    assert_eq!(output.status.code(), Some(0), "{line} {more:?}: {said}");
    record(dir)
}

/// The same, with any exit code.
fn compare(dir: &Path, line: &str, more: &[&str]) -> Output {
    let out = format!("--out={}", dir.display());
    portlab(&[&["compare", &out], &words(line)[..], more].concat())
}

fn record(dir: &Path) -> Record {
    read(&fs::read_to_string(dir.join("results.json")).unwrap()).unwrap()
}

/// This program's own echo, as a foreign server.
fn foreign_server(name: &str) -> String {
    let portlab = binary();
    format!("--server={name}='{portlab}' serve --model event-loop --bind 127.0.0.1:{{port}}")
}
