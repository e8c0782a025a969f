//! Where a conversation is shown.

use std::{io, time::Instant};

/// Shows what is received, and messages beside it.
pub(super) trait Screen {
    /// Shows received text: now, or as soon as that doesn't disturb a line that is being typed.
    ///
    /// # Errors
    /// When stdout can't be written to.
    fn show(&mut self, text: &str) -> io::Result<()>;

    /// Prints lines with styles on stderr.
    fn say(&mut self, lines: &str);

    /// Handles an event of the line editor, if there is one.
    ///
    /// # Errors
    /// When stdout can't be written to.
    fn editor_event(&mut self, event: EditorEvent) -> io::Result<()> {
        let _ = event;
        Ok(())
    }

    /// When [`EditorEvent::Due`] is to be handled, which shows text that was kept back; `None` if no text is.
    fn due(&self) -> Option<Instant> {
        None
    }

    /// How many bytes wait for the line editor.
    fn waiting(&self) -> usize {
        0
    }

    /// Asks a running line editor to end; returns whether there is one.
    fn end_editor(&mut self) -> bool {
        false
    }

    /// Shows the rest, and restores the terminal.
    ///
    /// # Errors
    /// When stdout can't be written to.
    fn close(&mut self) -> io::Result<()>;
}

/// What may happen to a line editor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum EditorEvent {
    /// The editor has begun a line.
    Began,
    /// The editor has printed the text that it was given.
    Printed,
    /// The editor has ended.
    Left,
    /// The time of [`Screen::due`] has come.
    Due,
}
