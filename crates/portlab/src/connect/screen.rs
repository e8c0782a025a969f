//! Where a conversation is shown.

use std::{io, time::Instant};

/// A place for what comes, and for what is told beside it.
pub(super) trait Screen {
    /// Shows what came: now, or as soon as it doesn't spoil a line that is being typed.
    ///
    /// # Errors
    /// When stdout can't be written to.
    fn show(&mut self, text: &str) -> io::Result<()>;

    /// Says something on stderr: a line, or lines, with styles.
    fn say(&mut self, lines: &str);

    /// Something has become of the line editor, if there is one.
    ///
    /// # Errors
    /// When stdout can't be written to.
    fn turn(&mut self, turn: Turn) -> io::Result<()> {
        let _ = turn;
        Ok(())
    }

    /// When what is kept back is to be shown, with [`Turn::Due`], unless more comes.
    fn due(&self) -> Option<Instant> {
        None
    }

    /// How many bytes wait for the line editor.
    fn waiting(&self) -> usize {
        0
    }

    /// Asks the line editor to end, if there is one that hasn't; says whether there is.
    fn dismiss(&mut self) -> bool {
        false
    }

    /// Shows what is left, and gives the terminal back.
    ///
    /// # Errors
    /// When stdout can't be written to.
    fn close(&mut self) -> io::Result<()>;
}

/// What may become of a line editor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// It has begun a line.
    Began,
    /// It has printed what it was given.
    Printed,
    /// It has ended.
    Left,
    /// The time of [`Screen::due`] has come.
    Due,
}
