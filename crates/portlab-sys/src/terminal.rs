//! Who may use the terminal.

use std::{io, os::fd::AsFd};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::termios::{
    LocalModes, OptionalActions, QueueSelector, Termios, tcflush, tcgetattr, tcsetattr,
};

/// Whether this process is among those that `terminal` listens to. A job in the background that
/// changes the terminal's settings is stopped by the system.
///
/// Source: `tcgetpgrp(3)`, and SIGTTOU in `signal(7)`.
#[must_use]
pub fn is_in_foreground(terminal: impl AsFd) -> bool {
    let own = rustix::process::getpgrp();
    rustix::termios::tcgetpgrp(terminal).is_ok_and(|foreground| foreground == own)
}

/// Whether `terminal` was closed: its window, or the connection to its machine. Reads from such a terminal
/// return nothing at once, and writes fail with EIO.
///
/// Source: POLLHUP in `poll(2)`.
#[must_use]
pub fn has_hung_up(terminal: impl AsFd) -> bool {
    let mut asked = [PollFd::new(&terminal, PollFlags::empty())];
    let polled = poll(&mut asked, Some(&Timespec::default()));
    polled.is_ok() && asked[0].revents().contains(PollFlags::HUP)
}

/// Forgets what was typed on `terminal` and has not been read.
///
/// # Errors
/// When it is no terminal.
pub fn forget_typed(terminal: impl AsFd) -> io::Result<()> {
    Ok(tcflush(terminal, QueueSelector::IFlush)?)
}

/// Keeps a terminal from showing what is typed while something is drawn on it, until it is dropped.
/// Ctrl-C and its like do what they always do.
///
/// Source: `termios(3)`, ECHO.
#[derive(Debug)]
pub struct Hush<T: AsFd>(Kept<T>);

impl<T: AsFd> Hush<T> {
    /// Hushes `terminal`; `None` when it is none, or listens to others.
    #[must_use]
    pub fn new(terminal: T) -> Option<Self> {
        let kept = Kept::new(terminal)?;
        let mut hushed = kept.before.clone();
        hushed.local_modes.remove(LocalModes::ECHO);
        tcsetattr(&kept.terminal, OptionalActions::Now, &hushed).ok()?;
        Some(Self(kept))
    }
}

/// The settings of a terminal, which it is given back when this is dropped, whatever was done to
/// them meanwhile.
///
/// Source: `termios(3)`.
#[derive(Debug)]
pub struct Kept<T: AsFd> {
    terminal: T,
    before: Termios,
}

impl<T: AsFd> Kept<T> {
    /// Keeps the settings of `terminal`; `None` when it is none, or listens to others.
    #[must_use]
    pub fn new(terminal: T) -> Option<Self> {
        if !is_in_foreground(&terminal) {
            return None;
        }
        let before = tcgetattr(&terminal).ok()?;
        Some(Self { terminal, before })
    }
}

impl<T: AsFd> Drop for Kept<T> {
    fn drop(&mut self) {
        // Who has been sent to the background since would be stopped.
        if is_in_foreground(&self.terminal) {
            let _ = tcsetattr(&self.terminal, OptionalActions::Now, &self.before);
        }
    }
}
