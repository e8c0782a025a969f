//! Who watches a lesson: the language, how wide the screen is, and who says when it goes on.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Write},
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

/// Who says when a lesson goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// Whoever watches, by the Enter key.
    Enter,
    /// The clock: long enough to read, 36 s in all at most.
    Clock,
    /// The clock, ten times as fast.
    Fast,
    /// Nobody: it goes on at once.
    Straight,
}

/// How long all pauses of a lesson together may last.
pub(crate) const READING: Duration = Duration::from_secs(36);

/// How wide a text may be at most: wider lines are hard to read.
const WIDEST: usize = 80;

/// The hall in which a lesson is played.
pub struct Hall {
    /// The language.
    pub lang: Lang,
    /// The columns of the screen.
    pub width: usize,
    /// Who says when it goes on.
    pub pace: Pace,
    /// What orders the answers to choose from; [`crate::order::SEED`] gives the order of the pages.
    pub seed: u64,
    /// This very program, whose servers play a part.
    pub program: PathBuf,
    /// Where everything is shown.
    pub out: Box<dyn Write>,
    /// Where the watchers' answers come from.
    pub answers: Answers,
}

/// A line up, and erased: written by itself, it takes the prompt away.
pub const ERASE: &str = "\x1b[1A\x1b[2K";

/// What watchers type, line by line.
#[derive(Debug)]
pub struct Answers(BufReader<File>);

impl Answers {
    /// Listens at a terminal, a pipe or the like.
    #[must_use]
    pub fn new(input: OwnedFd) -> Self {
        Self(BufReader::new(input.into()))
    }

    /// Listens at stdin.
    ///
    /// # Errors
    /// When it is closed.
    pub fn stdin() -> io::Result<Self> {
        io::stdin().as_fd().try_clone_to_owned().map(Self::new)
    }
}

/// What came first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    /// Somebody typed this line; its end is cut off.
    Line(String),
    /// Something else can be read.
    Other,
    /// Nothing within the time.
    Nothing,
}

impl Hall {
    /// The columns that a text may take.
    pub(crate) fn columns(&self) -> usize {
        // Below that nothing can be laid out.
        self.width.clamp(30, WIDEST)
    }

    /// Whether somebody answers.
    pub(crate) fn is_manned(&self) -> bool {
        self.pace == Pace::Enter
    }

    /// Pauses for as long as a text takes to be read, which is `reading`.
    pub(crate) fn pause(&self, reading: Duration) {
        match self.pace {
            Pace::Clock => thread::sleep(reading),
            Pace::Fast => thread::sleep(reading / 10),
            Pace::Enter | Pace::Straight => {}
        }
    }

    /// Forgets what was typed before it was asked for: Enter pressed twice doesn't skip anything.
    pub(crate) fn listen_anew(&self) {
        // Fails where it is no terminal: then nobody types.
        let _ = tcflush(self.answers.0.get_ref(), QueueSelector::IFlush);
    }

    /// The next line that somebody types; `None` at the end of all input.
    pub(crate) fn line(&mut self) -> io::Result<Option<String>> {
        let mut line = String::new();
        let read = self.answers.0.read_line(&mut line)?;
        Ok((read > 0).then(|| line.trim_end().to_owned()))
    }

    /// Waits until a line is typed or `other` can be read, but no longer than `patience`. At the end
    /// of all input it is as if an empty line had been typed.
    ///
    /// # Errors
    /// When what is typed can't be read.
    pub(crate) fn hear(&mut self, other: BorrowedFd<'_>, patience: Duration) -> io::Result<Heard> {
        let mut watched = vec![PollFd::from_borrowed_fd(other, PollFlags::IN)];
        if self.is_manned() {
            if !self.answers.0.buffer().is_empty() {
                return Ok(Heard::Line(self.line()?.unwrap_or_default()));
            }
            watched.push(PollFd::new(self.answers.0.get_ref(), PollFlags::IN));
        }
        let patience = patience.try_into().unwrap_or_default();
        poll(&mut watched, Some(&patience))?;
        if !watched[0].revents().is_empty() {
            return Ok(Heard::Other);
        }
        if watched.get(1).is_none_or(|fd| fd.revents().is_empty()) {
            return Ok(Heard::Nothing);
        }
        Ok(Heard::Line(self.line()?.unwrap_or_default()))
    }
}
