//! stdout, whose reader may stop reading at any time.
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

use portlab_sys::whole::unless_gone;

/// No more of stdout is read.
static READER_HAS_GONE: AtomicBool = AtomicBool::new(false);

/// stdout for text with styles: off a terminal they are left out.
pub(crate) fn stdout() -> Output<anstream::Stdout> {
    Output(anstream::stdout())
}

/// stdout for bytes that must arrive as they are.
pub(crate) fn raw_stdout() -> Output<io::Stdout> {
    Output(io::stdout())
}

/// stdout that does fail when its reader has gone: for a lesson, which then goes on without pauses.
pub(crate) fn failing_stdout() -> anstream::Stdout {
    anstream::stdout()
}

/// Whether the reader of stdout has closed its end of the pipe, as far as a write has found out.
pub(crate) fn reader_has_gone() -> bool {
    READER_HAS_GONE.load(Relaxed)
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
        unless_gone(&READER_HAS_GONE, bytes.len(), || self.0.write(bytes))
    }

    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        unless_gone(&READER_HAS_GONE, (), || self.0.write_all(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        unless_gone(&READER_HAS_GONE, (), || self.0.flush())
    }
}
