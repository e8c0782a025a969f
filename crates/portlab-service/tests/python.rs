//! What Python's strict codecs read of the bytes that are written here. docs/chat.md has the figures.

#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

use std::{
    collections::HashMap,
    io::Write,
    process::{Command, Stdio},
};

use portlab_service::TextEncoding;

/// Reads lines of `CODE BYTES` in hex; prints how many of these the codec can't read, and how many it
/// reads as another character.
const PROGRAM: &str = "\
import sys
unread = other = 0
for line in sys.stdin:
    code, data = line.split()
    try:
        other += bytes.fromhex(data).decode(sys.argv[1]) != chr(int(code, 16))
    except UnicodeDecodeError:
        unread += 1
print(unread, other)
";

/// All characters that can be written in `encoding`, in lines of `CODE BYTES`.
fn written(encoding: TextEncoding) -> String {
    let mut lines = String::new();
    // None of these encodings has a character of the second plane.
    for character in ('\0'..='\u{ffff}').chain('\u{20000}'..='\u{2ffff}') {
        if let Ok(bytes) = encoding.encode(&character.to_string()) {
            let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            lines += &format!("{:x} {hex}\n", u32::from(character));
        }
    }
    lines
}

/// How many characters of `input` the codec `python` can't read, and how many it reads as another character; `None`
/// without Python.
fn misread(input: &str, python: &str) -> Option<(usize, usize)> {
    let mut command = Command::new("python3");
    command.args(["-c", PROGRAM, python]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().ok()?;
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(input.as_bytes()).unwrap();
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let (unread, other) = text.trim().split_once(' ').expect(&text);
    Some((unread.parse().unwrap(), other.parse().unwrap()))
}

#[test]
fn the_docs_list_what_pythons_codecs_cannot_read() {
    let docs = include_str!("../../../docs/chat.md");
    let rows = docs.lines().filter(|line| line.starts_with("| `"));
    let rows = rows.filter(|line| line.matches('|').count() == 6);
    let (mut told, mut all) = (0, HashMap::new());
    for row in rows {
        let cells: Vec<_> = row
            .split('|')
            .map(|cell| cell.trim().trim_matches('`'))
            .collect();
        let [_, label, python, unread, other, _, _] = cells[..] else {
            panic!("{row}");
        };
        let number = |text: &str| text.replace(',', "").parse::<usize>().unwrap();
        let encoding = label.parse().unwrap();
        let input = all.entry(encoding).or_insert_with(|| written(encoding));
        let Some(found) = misread(input, python) else {
            eprintln!("skipped: no python3 here");
            return;
        };
        assert_eq!(found, (number(unread), number(other)), "{row}");
        told += 1;
    }
    assert!(told >= 5, "docs/chat.md has no table of codecs");
}
