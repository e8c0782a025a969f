//! A mailbox as its receiver sees it.

use std::task::Waker;

use super::{
    mailbox::{Found, Mailbox},
    shared_mailbox::SharedMailbox,
};

/// Where the driver of a connection finds its mail.
pub(crate) trait Inbox {
    /// Takes the next piece. If there is none, the driver is woken when there is one.
    fn take(&mut self) -> Found;

    /// Whether too much mail has come, so that the connection is to be closed. If not, the driver is woken when that
    /// happens.
    fn is_overflowed(&mut self) -> bool;
}

/// A loop owns its mailboxes, and calls a connection after it has put mail into its mailbox.
impl Inbox for Mailbox {
    fn take(&mut self) -> Found {
        Self::take(self)
    }

    fn is_overflowed(&mut self) -> bool {
        Self::is_overflowed(self)
    }
}

/// Other threads put mail in while the receiver waits, and wake it.
impl Inbox for (&SharedMailbox, &Waker) {
    fn take(&mut self) -> Found {
        self.0.take(self.1)
    }

    fn is_overflowed(&mut self) -> bool {
        self.0.is_overflowed(self.1)
    }
}
