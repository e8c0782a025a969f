//! What the driver of a connection uses of the hub: its mailbox, and the client of a driver that blocks.

use std::{io, os::fd::BorrowedFd, task::Waker};

use super::{
    mailbox::{Found, Mailbox},
    shared_mailbox::SharedMailbox,
    state::HubEvent,
};

/// Where the driver of a connection finds its mail.
pub(crate) trait Inbox {
    /// Takes the next piece. If there is none, the driver is woken when there is one.
    fn take(&mut self) -> Found;

    /// Whether too much mail has come, so that the connection is to be closed. If not, the driver is woken when that
    /// happens.
    fn is_overflowed(&mut self) -> bool;

    /// Whether posts of the connection still wait: for room on its line to the hub, or for the shard of the hub. The
    /// connection goes on when it is woken.
    fn is_behind(&self) -> bool {
        false
    }
}

/// How a driver that blocks reaches the hub: a thread by a lock, a process by a line.
///
/// The driver waits for [`HubClient::bell`] beside its socket, calls [`HubClient::fetch`] when the bell is readable,
/// then reads its mail.
pub(crate) trait HubClient {
    /// Readable when mail may have come.
    fn bell(&self) -> BorrowedFd<'_>;

    /// Makes the bell unreadable, and takes in the mail that has come.
    ///
    /// # Errors
    /// When the hub's process has ended.
    fn fetch(&mut self) -> io::Result<()>;

    fn with_inbox<T>(&mut self, look: impl FnOnce(&mut dyn Inbox) -> T) -> T;

    fn tell(&mut self, event: HubEvent);
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
