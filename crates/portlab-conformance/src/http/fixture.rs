//! The files that a static server is asked for.

use std::{
    fs::{self, File},
    io,
    os::unix::fs::symlink,
    path::Path,
    process::Command,
    time::{Duration, UNIX_EPOCH},
};

use portlab_sys::whole::write_whole;

/// Writes the files of the rules into `dir`, an empty folder: a page, a text, a large file, names with Chinese
/// characters, compressed neighbours, links that lead out, a pipe.
///
/// # Errors
/// When a file can't be written.
pub fn fixture(dir: &Path) -> io::Result<()> {
    for folder in ["folder", "中文"] {
        fs::create_dir(dir.join(folder))?;
    }
    let files: [(&str, &[u8]); 11] = [
        ("index.html", INDEX),
        ("folder/index.html", INDEX),
        ("中文/index.html", INDEX),
        ("text.txt", &text()),
        ("data.bin", &data()),
        ("empty.txt", b""),
        ("你好 100%.txt", "你好\n".as_bytes()),
        ("a+b.txt", b"plus\n"),
        ("app.js", b"// app.js\n"),
        ("app.js.gz", b"gz of app.js\n"),
        ("app.js.br", b"br of app.js\n"),
    ];
    for (name, bytes) in files {
        write_whole(&dir.join(name), bytes)?;
        File::open(dir.join(name))?.set_modified(UNIX_EPOCH + CHANGED)?;
    }
    symlink("/etc/passwd", dir.join("outside"))?;
    symlink("/", dir.join("up"))?;
    // Without this program, a path that doesn't exist is asked for.
    let _ = Command::new("mkfifo").arg(dir.join("pipe")).status();
    Ok(())
}

const INDEX: &[u8] = b"<!doctype html><title>index</title>\n";

/// A text of 1 KiB.
fn text() -> Vec<u8> {
    let lines = (0..64).map(|number| format!("line {number:02} of 1024\n"));
    lines.collect::<String>().into_bytes()
}

/// 100,000 bytes of all values.
pub(super) fn data() -> Vec<u8> {
    let mut bytes = vec![0; 100_000];
    fastrand::Rng::with_seed(4711).fill(&mut bytes);
    bytes
}

/// 2024-02-29 12:00:00, when the files were changed.
const CHANGED: Duration = Duration::from_secs(1_709_208_000);
