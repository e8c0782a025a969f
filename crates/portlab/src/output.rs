//! stdout and stderr: what is written to them is inert, and their reader may stop reading at any time.
//!
//! **Inert.** A file name, a record, a server or another process may hold escape sequences, and a terminal obeys
//! them. So text passes through a filter that replaces every control character except line ends, tabs and the
//! colours of this program, and every mark that turns the direction of text. The filter knows colours by their form: a
//! colour in text from outside passes too, unless `inert` was applied where that text came in; it does
//! no harm. JSON keeps its meaning: the same characters are written as `\uXXXX`.
//!
//! `portlab doctor | head -1`, `portlab compare | grep -q X`: when the reader has seen enough, it closes
//! the pipe, and every further write fails with EPIPE. The command itself works, and must find out the
//! same as with a reader. So the rest of the output is dropped, the command runs on, and it
//! exits with the code that its run earned. A command whose output has no end (`portlab connect`) asks
//! [`reader_has_gone`], and ends.
//!
//! Every command writes to stdout through this module; a test in `tests/house.rs` makes sure of it.

use std::{
    io::{self, Write},
    sync::atomic::{AtomicBool, Ordering::Relaxed},
};

use portlab_service::visible;
use portlab_sys::{terminal::has_hung_up, whole::unless_gone};
use portlab_words::{tr, wrap::wrap};
use serde::Serialize;

use crate::args::{lang, stderr_width};

/// No more of stdout is read.
static READER_HAS_GONE: AtomicBool = AtomicBool::new(false);

/// stdout as most commands write to it.
pub(crate) type Stdout = Output<Inert<anstream::Stdout>>;

/// stdout for text with styles: off a terminal they are left out.
pub(crate) fn stdout() -> Stdout {
    Output(Inert::new(anstream::stdout()))
}

/// stdout for bytes that must arrive as they are.
pub(crate) fn raw_stdout() -> Output<io::Stdout> {
    Output(io::stdout())
}

/// stdout for a lesson: a write fails if the reader has gone, because the lesson then goes on without pauses. The
/// sequences `moves`, which erase the lesson's prompt and clear the screen, pass if they are written alone.
pub(crate) fn failing_stdout(moves: &'static [&'static str]) -> Inert<anstream::Stdout> {
    Inert {
        moves,
        ..Inert::new(anstream::stdout())
    }
}

/// `text`, its lines broken between words to fit into the terminal that stderr is; unchanged off a terminal, where a
/// message is one line that can be searched for.
pub(crate) fn fitted(text: &str) -> String {
    let Some(width) = stderr_width() else {
        return text.to_owned();
    };
    let lines = text.lines().flat_map(|line| wrap(line, width));
    lines.collect::<Vec<_>>().join("\n")
}

/// stderr for text with styles.
pub(crate) fn stderr() -> Inert<anstream::Stderr> {
    Inert::new(anstream::stderr())
}

/// Prints `text`, whose styles are left out off a terminal.
///
/// # Errors
/// When it can't be written.
pub(crate) fn print(text: &str) -> io::Result<()> {
    write_at_once(stdout(), text)
}

/// A pipe that closes in the middle is then one error, of the pipe.
fn write_at_once(mut stream: impl Write, text: &str) -> io::Result<()> {
    stream.write_all(text.as_bytes())?;
    stream.flush()
}

/// Prints a line, which its reader gets at once.
///
/// # Errors
/// When it can't be written.
pub(crate) fn print_line(line: &str) -> anyhow::Result<()> {
    Ok(write_at_once(raw_stdout(), &format!("{line}\n"))?)
}

/// `value` as JSON, in which no character is left that a terminal obeys.
///
/// # Errors
/// When it can't be JSON.
pub(crate) fn json(value: &impl Serialize) -> serde_json::Result<String> {
    Ok(escaped(&serde_json::to_string_pretty(value)?))
}

/// `value` as JSON in one line, in which no character is left that a terminal obeys.
///
/// # Errors
/// When it can't be JSON.
pub(crate) fn json_line(value: &impl Serialize) -> serde_json::Result<String> {
    Ok(escaped(&serde_json::to_string(value)?))
}

/// Prints `value` as JSON, and a line break.
///
/// # Errors
/// When it can't be written.
pub(crate) fn print_json(value: &impl Serialize) -> io::Result<()> {
    write_at_once(raw_stdout(), &(json(value)? + "\n"))
}

/// The JSON `text` with the characters escaped that a terminal obeys. All of them stand in strings, except line ends.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            it if it == '\n' || visible(it) == it => escaped.push(it),
            it => escaped += &format!("\\u{:04x}", u32::from(it)),
        }
    }
    escaped
}

/// Whether the reader of stdout has closed its end of the pipe, as far as a write has found out.
pub(crate) fn reader_has_gone() -> bool {
    READER_HAS_GONE.load(Relaxed)
}

/// Why a command fails whose stdout can't be written to.
pub(crate) fn unwritten() -> String {
    tr!(lang(), "can't write to stdout", "无法写标准输出")
}

/// Writes what is still in stdout's buffer. `main` calls it last.
///
/// # Errors
/// When it can't be written, for instance because the disk is full.
pub(crate) fn finish() -> io::Result<()> {
    raw_stdout().flush()
}

/// A stream that drops what is written to it once its reader has gone.
#[derive(Debug)]
pub(crate) struct Output<W>(W);

impl<W: Write> Write for Output<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        unless_gone(&READER_HAS_GONE, bytes.len(), || {
            self.0.write(bytes).map_err(as_gone)
        })
    }

    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        unless_gone(&READER_HAS_GONE, (), || {
            self.0.write_all(bytes).map_err(as_gone)
        })
    }

    fn flush(&mut self) -> io::Result<()> {
        unless_gone(&READER_HAS_GONE, (), || self.0.flush().map_err(as_gone))
    }
}

/// The error of a terminal that was closed, as that of a pipe whose reader has gone.
fn as_gone(error: io::Error) -> io::Error {
    let is_closed = error.kind() != io::ErrorKind::BrokenPipe && has_hung_up(io::stdout());
    if is_closed {
        io::ErrorKind::BrokenPipe.into()
    } else {
        error
    }
}

/// A stream of text without control characters, except line ends, tabs and colours.
#[derive(Debug)]
pub(crate) struct Inert<W> {
    stream: W,
    /// Sequences that pass if they are written alone.
    moves: &'static [&'static str],
}

impl<W> Inert<W> {
    fn new(stream: W) -> Self {
        Self { stream, moves: &[] }
    }
}

impl<W: Write> Write for Inert<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_all(bytes)?;
        Ok(bytes.len())
    }

    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.moves.iter().any(|it| bytes == it.as_bytes()) {
            return self.stream.write_all(bytes);
        }
        let text = String::from_utf8_lossy(bytes);
        self.stream.write_all(filtered(&text).as_bytes())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

/// `text` without control characters, except line ends, tabs and colours.
pub(crate) fn filtered(text: &str) -> String {
    let mut colour_ends = 0;
    let shown = text.char_indices().map(|(at, character)| {
        if character == '\x1b' {
            colour_ends = at + colour_length(&text.as_bytes()[at..]);
        }
        match character {
            '\n' | '\t' => character,
            _ if at < colour_ends => character,
            _ => visible(character),
        }
    });
    shown.collect()
}

/// The length of the colour that `bytes` begin with, or 0: bold, dimmed, italic, underlined, one of the 16 or of the
/// 256 text colours, or a reset of these (`ECMA-48`, SGR). Hidden text and background colours aren't colours here.
fn colour_length(bytes: &[u8]) -> usize {
    let Some(end) = bytes.iter().take(LONGEST_COLOUR).position(|&it| it == b'm') else {
        return 0;
    };
    let numbers = bytes[..end].strip_prefix(b"\x1b[").unwrap_or(b"no");
    let is_known = |number: &[u8]| {
        let number = str::from_utf8(number).ok().and_then(|it| it.parse().ok());
        matches!(number, Some(0..=4_u8 | 22..=24 | 30..=37 | 39 | 90..=97))
    };
    // One of 256 colours is `38;5;N`.
    if let Some(index) = numbers.strip_prefix(b"38;5;") {
        let index: Option<u8> = str::from_utf8(index).ok().and_then(|it| it.parse().ok());
        return index.map_or(0, |_| end + 1);
    }
    match numbers.split(|&it| it == b';').all(is_known) {
        true => end + 1,
        false => 0,
    }
}

const LONGEST_COLOUR: usize = 16;

#[cfg(test)]
mod tests {
    use super::{escaped, filtered};
    use crate::args::{BAD, DIM};

    #[test]
    fn colours_pass_and_control_characters_are_replaced() {
        let ours = format!("{BAD}failed:{BAD:#} 你好\n\t{DIM}x{DIM:#}\n");
        assert_eq!(filtered(&ours), ours);
        assert_eq!(filtered("\x1b[2Ja\r\x07\x1b]0;t\x07"), "␛[2Ja␍␇␛]0;t␇");
        assert_eq!(
            filtered("a\u{202e}b\u{2066}\u{9b}2J\x7f"),
            "a\u{fffd}b\u{fffd}\u{fffd}2J␡"
        );
        assert_eq!(filtered("\x1b[38;5;243mx"), "\x1b[38;5;243mx");
        // Hidden text, a background colour, no colour of 256, one that doesn't end, and one within another.
        for text in [
            "\x1b[38;5;256m",
            "\x1b[38;2;1;2;3m",
            "\x1b[8m",
            "\x1b[41m",
            "\x1b[31",
            "\x1b[;m",
            "\x1b[\x1b[2Jm",
            "\x1bm",
        ] {
            assert_eq!(filtered(text), text.replace('\x1b', "␛"));
        }
    }

    #[test]
    fn json_means_the_same_and_shows_no_control_character() {
        let strings = ["\x1b[2J\n\u{9b}\u{202e}", "你好"];
        let text = escaped(&serde_json::to_string_pretty(&strings).unwrap());
        assert!(text.contains("\\u009b\\u202e"), "{text}");
        assert_eq!(serde_json::from_str::<Vec<String>>(&text).unwrap(), strings);
    }
}
