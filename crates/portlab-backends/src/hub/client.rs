//! The trait by which a blocking driver reaches the hub.

use std::{io, os::fd::BorrowedFd};

use super::{inbox::Inbox, state::HubEvent};

/// The hub as the driver of one connection sees it: a thread has the hub behind a lock, a process has a line to it.
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
