//! How a thread that drives a connection reaches the hub: a shared mailbox, and a bell that wakes the thread.

use std::{
    io,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    sync::Arc,
    task::{Wake, Waker},
};

use portlab_service::ConnId;
use rustix::event::{EventfdFlags, eventfd};

use super::{
    inbox::{HubClient, Inbox},
    locked::LockedHub,
    shared_mailbox::SharedMailbox,
    state::HubEvent,
};

/// The client of the thread that drives one connection.
pub(crate) struct ThreadClient<'a> {
    hub: &'a LockedHub,
    id: ConnId,
    mailbox: Arc<SharedMailbox>,
    bell: Arc<Bell>,
    waker: Waker,
}

impl<'a> ThreadClient<'a> {
    /// Connects `id` to `hub`.
    ///
    /// # Errors
    /// When no descriptor is left for the bell.
    pub(crate) fn new(hub: &'a LockedHub, id: ConnId) -> io::Result<Self> {
        let flags = EventfdFlags::NONBLOCK | EventfdFlags::CLOEXEC;
        let bell = Arc::new(Bell(eventfd(0, flags)?));
        Ok(Self {
            hub,
            id,
            mailbox: hub.connect(id),
            waker: Waker::from(Arc::clone(&bell)),
            bell,
        })
    }
}

impl HubClient for ThreadClient<'_> {
    fn bell(&self) -> BorrowedFd<'_> {
        self.bell.0.as_fd()
    }

    fn fetch(&mut self) -> io::Result<()> {
        // If the bell has been read already, this read fails, and nothing is left to do.
        let _ = rustix::io::read(&self.bell.0, &mut [0; 8]);
        Ok(())
    }

    fn with_inbox<T>(&mut self, look: impl FnOnce(&mut dyn Inbox) -> T) -> T {
        look(&mut (&*self.mailbox, &self.waker))
    }

    fn tell(&mut self, event: HubEvent) {
        self.hub.handle(self.id, &event);
    }
}

/// A waker that a thread can wait for beside its socket: waking makes a descriptor readable.
///
/// Source: `eventfd(2)`.
struct Bell(OwnedFd);

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        // It fails only if the counter is full; then the bell is readable already.
        let _ = rustix::io::write(&self.0, &1_u64.to_ne_bytes());
    }
}
