//! Files from outside, and files on a full disk: what is read is bounded, and what is written is whole or as it was.

#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// Runs `script` in a shell, in which `$portlab` is the program and the folder is `dir`.
fn shell(dir: &Path, script: &str) -> (Option<i32>, String) {
    let output = Command::new("bash")
        .args(["-c", script])
        .env("portlab", env!("CARGO_BIN_EXE_portlab"))
        .current_dir(dir)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!said.contains("panicked"), "{script}: {said}");
    (output.status.code(), said)
}

/// A folder of this test's own, empty.
fn folder(name: &str) -> PathBuf {
    let dir = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("files-{name}"));
    let _ = fs::remove_dir_all(&dir);
    fs::create_dir_all(&dir).unwrap();
    dir
}

#[test]
fn a_file_that_never_ends_or_never_begins_is_refused_with_the_reason() {
    let dir = folder("read");
    fs::File::create(dir.join("huge.json"))
        .unwrap()
        .set_len(1 << 30)
        .unwrap();
    // 16 MB that are not part of a record: a value of them in memory would take 256 MB.
    let junk = "0,".repeat(8 << 20);
    let junk = format!("{{\"format\": \"portlab-comparison/3\", \"junk\": [{junk}0]}}");
    fs::write(dir.join("junk.json"), junk).unwrap();
    for (script, part) in [
        ("$portlab report huge.json", "larger than 128 MiB"),
        ("yes '' | $portlab report /dev/stdin", "larger than 128 MiB"),
        ("$portlab report /dev/zero", "is a device"),
        ("$portlab report <(true)", "no program writes to"),
        ("mkfifo fifo; $portlab report fifo", "no program writes to"),
        ("mkdir -p results.json; $portlab report .", "is a directory"),
        (
            "$portlab load 127.0.0.1:1 --payload huge.json",
            "larger than 64 MiB",
        ),
        (
            "$portlab load 127.0.0.1:1 --payload fifo",
            "no program writes to",
        ),
        (
            "ulimit -v 100000; $portlab report junk.json",
            "is damaged: missing field",
        ),
    ] {
        let (code, said) = shell(&dir, script);
        assert_eq!(code, Some(2), "{script}: {said}");
        assert!(said.contains(part), "{script}: {said}");
    }
}
