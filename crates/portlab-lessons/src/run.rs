//! How a lesson is run: the language, the width of the screen, the pace, the input and the output.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Write},
    num::NonZeroU16,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    path::PathBuf,
    thread,
    time::Duration,
};

use portlab_words::Lang;
use rustix::{
    event::{PollFd, PollFlags, poll},
    termios::{QueueSelector, tcflush},
};

/// What makes a lesson go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// The Enter key.
    Enter,
    /// The clock: long enough to read, 36 s in all at most.
    Clock,
    /// The clock, ten times as fast.
    Fast,
    /// Nothing: the lesson goes on at once.
    Straight,
}

/// The limit on all pauses of a lesson together.
pub(crate) const READING: Duration = Duration::from_secs(36);

/// The greatest width of a text: wider lines are hard to read.
const WIDEST: usize = 80;

/// The width of a projector's screen.
pub(crate) const PROJECTED: usize = 60;

/// One run of a lesson.
pub struct LessonRun {
    /// The language.
    pub lang: Lang,
    /// The columns of the screen.
    pub width: usize,
    /// What makes the lesson go on.
    pub pace: Pace,
    /// Orders the answers to choose from; [`crate::order::SEED`] gives the order of the pages.
    pub seed: u64,
    /// What the user has chosen beside these.
    pub choices: Choices,
    /// The file of this program: a lesson starts its servers from it.
    pub program: PathBuf,
    /// The output.
    pub out: Box<dyn Write>,
    /// The user's input.
    pub answers: Answers,
}

/// What a user may choose of a lesson.
#[derive(Clone, Copy, Debug, Default)]
pub struct Choices {
    /// The first step that is shown, from 0. The steps before it are set up without being shown.
    pub first_step: usize,
    /// The programs that are shown.
    pub code: Code,
    /// Whether the screen is a projector's: at most 20 rows and 60 columns, in colours that are read on black and on white.
    pub projector: bool,
    /// The port at which the lesson meets the user's own program; without one, 8080 if it is free.
    pub port: Option<NonZeroU16>,
}

/// The language of the programs that are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Code {
    /// Python and Rust.
    #[default]
    Both,
    /// Python, or Rust where Python is missing.
    Python,
    /// Rust, or Python where Rust is missing.
    Rust,
}

/// Clears the screen. It is written alone.
pub const CLEAR: &str = "\x1b[2J\x1b[H";

/// Moves the cursor a line up and erases that line. It is written alone, to remove the prompt.
pub const ERASE: &str = "\x1b[1A\x1b[2K";

/// What the user types, line by line.
#[derive(Debug)]
pub struct Answers(BufReader<File>);

impl Answers {
    /// Reads from a terminal, a pipe or the like.
    pub fn new(input: OwnedFd) -> Self {
        Self(BufReader::new(input.into()))
    }

    /// Reads from stdin.
    ///
    /// # Errors
    /// When stdin is closed.
    pub fn stdin() -> io::Result<Self> {
        io::stdin().as_fd().try_clone_to_owned().map(Self::new)
    }
}

/// What ended a wait.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Input {
    /// The user typed this line; the line end is removed.
    Line(String),
    /// The other descriptor became readable.
    Other,
    /// The time was over.
    Timeout,
    /// The input has ended: the user pressed Ctrl-D.
    End,
}

impl LessonRun {
    /// The columns that a text may take.
    pub(crate) fn columns(&self) -> usize {
        let widest = match self.choices.projector {
            true => PROJECTED,
            false => WIDEST,
        };
        // Tables and bars need 30 columns.
        self.width.clamp(30, widest)
    }

    pub(crate) fn is_interactive(&self) -> bool {
        self.pace == Pace::Enter
    }

    /// Pauses for `reading`, the time that the user needs to read a text.
    pub(crate) fn pause(&self, reading: Duration) {
        match self.pace {
            Pace::Clock => thread::sleep(reading),
            Pace::Fast => thread::sleep(reading / 10),
            Pace::Enter | Pace::Straight => {}
        }
    }

    /// Discards what was typed before the prompt, so that pressing Enter twice doesn't skip a text.
    pub(crate) fn discard_input(&self) {
        // Fails if the input isn't a terminal: then no input has to be discarded.
        let _ = tcflush(self.answers.0.get_ref(), QueueSelector::IFlush);
    }

    /// The next line that the user types; `None` at the end of the input.
    pub(crate) fn line(&mut self) -> io::Result<Option<String>> {
        let mut line = String::new();
        let read = self.answers.0.read_line(&mut line)?;
        Ok((read > 0).then(|| line.trim_end().to_owned()))
    }

    /// Waits until the user types a line or `other` is readable, for `patience` at most. Fails when the input can't be read.
    pub(crate) fn wait(&mut self, other: BorrowedFd<'_>, patience: Duration) -> io::Result<Input> {
        let mut watched = vec![PollFd::from_borrowed_fd(other, PollFlags::IN)];
        if self.is_interactive() {
            if !self.answers.0.buffer().is_empty() {
                return self.input();
            }
            watched.push(PollFd::new(self.answers.0.get_ref(), PollFlags::IN));
        }
        let patience = patience.try_into().unwrap_or_default();
        poll(&mut watched, Some(&patience))?;
        if !watched[0].revents().is_empty() {
            return Ok(Input::Other);
        }
        if watched.get(1).is_none_or(|fd| fd.revents().is_empty()) {
            return Ok(Input::Timeout);
        }
        self.input()
    }

    fn input(&mut self) -> io::Result<Input> {
        Ok(self.line()?.map_or(Input::End, Input::Line))
    }
}
