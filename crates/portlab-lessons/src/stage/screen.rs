//! The output: page by page on a projector, and nothing while a step is set up.

use std::io::{ErrorKind, Write};

use super::{Exit, Stage};
use crate::{
    board::{self, PROJECTOR, Palette, USUAL},
    run::{CLEAR, Pace},
    words,
};

/// The rows of a projector's screen, the prompt's included.
pub(crate) const ROWS: usize = 20;

/// What is on the current screen of a projector.
#[derive(Debug, Default)]
pub(super) struct Screen {
    /// The complete lines.
    rows: usize,
    /// Whether the user has pressed Enter after the last of them.
    is_read: bool,
    /// A heading, which is written together with the text below it, so that no screen ends with a heading.
    heading: String,
}

impl Stage<'_> {
    pub(crate) fn palette(&self) -> &'static Palette {
        if self.run.choices.projector {
            &PROJECTOR
        } else {
            &USUAL
        }
    }

    /// Writes `text`. On a projector, a new screen begins if it has no room on the current one.
    pub(crate) fn write(&mut self, text: &str) -> Result<(), Exit> {
        if self.silenced.is_some() {
            return Ok(());
        }
        if !self.has_screens() {
            return self.emit(text);
        }
        let text = &(std::mem::take(&mut self.screen.heading) + text);
        let rows = text.split_inclusive('\n').count();
        if rows < ROWS {
            self.make_room(rows)?;
            return self.place(text);
        }
        for line in text.split_inclusive('\n') {
            self.make_room(1)?;
            self.place(line)?;
        }
        Ok(())
    }

    /// Writes a heading.
    pub(super) fn heading(&mut self, text: &str) -> Result<(), Exit> {
        let heading = format!("{}\n", board::painted(self.palette().head, text));
        if !self.has_screens() {
            return self.write(&heading);
        }
        self.screen.heading += &heading;
        Ok(())
    }

    /// Begins a new screen on a projector unless `rows` fit on the current one.
    pub(super) fn make_room(&mut self, rows: usize) -> Result<(), Exit> {
        let is_full = self.screen.rows + rows >= ROWS;
        if !is_full || self.screen.rows == 0 || !self.has_screens() {
            return Ok(());
        }
        if !self.screen.is_read {
            self.wait(&words::NEXT_SCREEN)?;
        }
        self.screen = Screen::default();
        self.emit(CLEAR)
    }

    /// Notes that the user has pressed Enter; `typed` if a word was typed, which stays on the screen.
    pub(super) fn screen_was_read(&mut self, typed: bool) {
        self.screen.is_read = true;
        self.screen.rows += usize::from(typed);
    }

    /// Ends the line of a prompt that isn't answered: the user has waited in front of this screen.
    pub(super) fn leave_prompt(&mut self) -> Result<(), Exit> {
        self.screen.rows += 1;
        self.screen.is_read = true;
        self.emit("\n")
    }

    /// Whether the output is a projector's: a pipe has no screens.
    fn has_screens(&self) -> bool {
        self.run.choices.projector && self.run.pace != Pace::Straight
    }

    /// Writes lines for which there is room.
    fn place(&mut self, text: &str) -> Result<(), Exit> {
        // A screen doesn't begin with an empty line.
        let text = match self.screen.rows {
            0 => text.trim_start_matches('\n'),
            _ => text,
        };
        self.screen.rows += text.matches('\n').count();
        self.screen.is_read &= text.is_empty();
        self.emit(text)
    }

    /// Writes `text` at once. A prompt is written so too: it stands in the last row at most.
    pub(super) fn emit(&mut self, text: &str) -> Result<(), Exit> {
        let out = &mut self.run.out;
        let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
        match written {
            // The reader has closed the pipe. The lesson goes on without pauses, to check its claims.
            Err(error) if error.kind() == ErrorKind::BrokenPipe => {
                self.run.pace = Pace::Straight;
                Ok(())
            }
            written => written.map_err(Exit::Io),
        }
    }
}
