//! Comparisons as people make them: what is measured, what isn't and why, and what is kept.

mod against;
mod ends;
mod measures;
mod refusals;
mod strangers;

use std::{fs, path::Path};

use portlab_stats::{read::read, record::Record};

use portlab_testkit::{binary, command, folder, portlab, refused, stderr};

/// Compares with `options`, keeping the results in `dir`, and returns the record.
fn compared(dir: &Path, options: &[&str]) -> Record {
    let out = format!("--out={}", dir.display());
    let output = portlab(&[&["compare", &out], options].concat());
    let said = stderr(&output);
    assert_eq!(output.status.code(), Some(0), "{options:?}: {said}");
    record(dir)
}

fn record(dir: &Path) -> Record {
    read(&fs::read_to_string(dir.join("results.json")).unwrap()).unwrap()
}

/// This program's own echo, as a stranger.
fn stranger(name: &str) -> String {
    let portlab = binary();
    format!("--server={name}='{portlab}' serve --model event-loop --bind 127.0.0.1:{{port}}")
}
