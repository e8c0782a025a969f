//! Settings of the terminal, and whether this process may change them.

use std::{io, os::fd::AsFd};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::termios::{
    LocalModes, OptionalActions, QueueSelector, Termios, tcflush, tcgetattr, tcsetattr,
};

/// Whether this process belongs to the foreground job of `terminal`. The system stops a background job that
/// changes the terminal's settings.
///
/// Source: `tcgetpgrp(3)`, and SIGTTOU in `signal(7)`.
pub fn is_in_foreground(terminal: impl AsFd) -> bool {
    let own = rustix::process::getpgrp();
    rustix::termios::tcgetpgrp(terminal).is_ok_and(|foreground| foreground == own)
}

/// Whether `terminal` was closed: its window, or the connection to its machine. Reads from a closed terminal
/// return no bytes at once, and writes fail with EIO.
///
/// Source: POLLHUP in `poll(2)`.
pub fn has_hung_up(terminal: impl AsFd) -> bool {
    let mut asked = [PollFd::new(&terminal, PollFlags::empty())];
    let polled = poll(&mut asked, Some(&Timespec::default()));
    polled.is_ok() && asked[0].revents().contains(PollFlags::HUP)
}

/// Discards characters that were typed on `terminal` and not read.
///
/// # Errors
/// When it isn't a terminal.
pub fn forget_typed(terminal: impl AsFd) -> io::Result<()> {
    Ok(tcflush(terminal, QueueSelector::IFlush)?)
}

/// Stops a terminal from showing typed characters while something is drawn on it, until this is dropped.
/// Ctrl-C still works.
///
/// Source: `termios(3)`, ECHO.
#[derive(Debug)]
pub struct Hush<T: AsFd>(Kept<T>);

impl<T: AsFd> Hush<T> {
    /// Switches the echo of `terminal` off. `None` if it isn't a terminal, or this job is in the background.
    #[must_use]
    pub fn new(terminal: T) -> Option<Self> {
        let kept = Kept::new(terminal)?;
        let mut hushed = kept.before.clone();
        hushed.local_modes.remove(LocalModes::ECHO);
        tcsetattr(&kept.terminal, OptionalActions::Now, &hushed).ok()?;
        Some(Self(kept))
    }
}

/// The settings of a terminal, which are restored when this is dropped.
///
/// Source: `termios(3)`.
#[derive(Debug)]
pub struct Kept<T: AsFd> {
    terminal: T,
    before: Termios,
}

impl<T: AsFd> Kept<T> {
    /// Saves the settings of `terminal`. `None` if it isn't a terminal, or this job is in the background.
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
        // If this job is in the background by now, the system would stop it.
        if is_in_foreground(&self.terminal) {
            let _ = tcsetattr(&self.terminal, OptionalActions::Now, &self.before);
        }
    }
}
