//! Who may use the terminal.

use std::os::fd::AsFd;

/// Whether this process is among those that `terminal` listens to. A job in the background that
/// changes the terminal's settings is stopped by the system.
///
/// Source: `tcgetpgrp(3)`, and SIGTTOU in `signal(7)`.
#[must_use]
pub fn is_in_foreground(terminal: impl AsFd) -> bool {
    let own = rustix::process::getpgrp();
    rustix::termios::tcgetpgrp(terminal).is_ok_and(|foreground| foreground == own)
}
