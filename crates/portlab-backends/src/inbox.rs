//! A mailbox as its receiver sees it.

use std::task::Waker;

use crate::{
    letterbox::Letterbox,
    mailbox::{Found, Mailbox},
};

/// Where whoever drives a connection finds the mail for it.
pub(crate) trait Inbox {
    /// Takes what is next. Where there is nothing, the driver is told when there is.
    fn take(&mut self) -> Found;

    /// Whether there was too much, so that the connection is to be cut. Where there wasn't, the driver
    /// is told when there is.
    fn is_overflowed(&mut self) -> bool;
}

/// A loop owns its mailboxes, and knows what it puts into them.
impl Inbox for Mailbox {
    fn take(&mut self) -> Found {
        Self::take(self)
    }

    fn is_overflowed(&mut self) -> bool {
        Self::is_overflowed(self)
    }
}

/// Others put mail in while the receiver sleeps, and wake it.
impl Inbox for (&Letterbox, &Waker) {
    fn take(&mut self) -> Found {
        self.0.take(self.1)
    }

    fn is_overflowed(&mut self) -> bool {
        self.0.is_overflowed(self.1)
    }
}
