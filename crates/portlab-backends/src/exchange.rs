//! The switchboard of threads: a value behind a lock.

use std::{
    io,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    sync::Arc,
    task::{Wake, Waker},
};

use portlab_service::{ConnId, Service};
use rustix::event::{EventfdFlags, eventfd};

use crate::{
    inbox::Inbox,
    letterbox::Letterbox,
    mailbox::{Counts, Overflow},
    member::Desk,
    shared::Shared,
    switchboard::Word,
};

/// The hub of a service among threads, and how each of them reaches it.
pub(crate) struct Exchange {
    shared: Shared,
    overflow: Overflow,
}

impl Exchange {
    /// The exchange of `service`; `None` when it has no hub.
    pub(crate) fn of(service: &dyn Service, overflow: Overflow) -> Option<Self> {
        let shared = Shared::new(service.hub()?);
        Some(Self { shared, overflow })
    }

    /// A desk for the thread that drives connection `id`.
    ///
    /// # Errors
    /// When there is no descriptor left for its bell.
    pub(crate) fn desk(&self, id: ConnId) -> io::Result<ThreadDesk<'_>> {
        let bell = Arc::new(Bell::new()?);
        let letterbox = Arc::new(Letterbox::new(self.overflow));
        self.shared.connect(id, Arc::clone(&letterbox));
        Ok(ThreadDesk {
            exchange: self,
            id,
            letterbox,
            waker: Waker::from(Arc::clone(&bell)),
            bell,
        })
    }

    /// What has become of all mail so far.
    pub(crate) fn counts(&self) -> Counts {
        self.shared.counts()
    }
}

/// How a thread that drives a connection reaches the hub.
pub(crate) struct ThreadDesk<'a> {
    exchange: &'a Exchange,
    id: ConnId,
    letterbox: Arc<Letterbox>,
    bell: Arc<Bell>,
    waker: Waker,
}

impl Desk for ThreadDesk<'_> {
    fn bell(&self) -> BorrowedFd<'_> {
        self.bell.0.as_fd()
    }

    fn fetch(&mut self) -> io::Result<()> {
        self.bell.silence();
        Ok(())
    }

    fn with_inbox<T>(&mut self, look: impl FnOnce(&mut dyn Inbox) -> T) -> T {
        look(&mut (&*self.letterbox, &self.waker))
    }

    fn say(&mut self, word: Word) {
        self.exchange.shared.hear(self.id, &word);
    }
}

/// A bell that a thread can wait for beside its socket: ringing it makes a descriptor readable.
///
/// Source: `eventfd(2)`.
struct Bell(OwnedFd);

impl Bell {
    fn new() -> io::Result<Self> {
        Ok(Self(eventfd(
            0,
            EventfdFlags::NONBLOCK | EventfdFlags::CLOEXEC,
        )?))
    }

    fn silence(&self) {
        // That it hasn't rung is no error.
        let _ = rustix::io::read(&self.0, &mut [0; 8]);
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        // It can only fail when it has rung so often that nobody will miss one more.
        let _ = rustix::io::write(&self.0, &1_u64.to_ne_bytes());
    }
}
