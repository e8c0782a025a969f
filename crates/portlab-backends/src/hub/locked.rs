//! The hub of threads: a value behind a lock, held for a moment and never while a thread waits.
//!
//! `tests/schedules.rs` runs this file with two senders and a receiver, in every possible order of their steps.

use std::{sync::Arc, task::Waker};

use portlab_service::{ConnId, Hub, Service};

use super::{
    mailbox::{Counts, Overflow},
    shared_mailbox::SharedMailbox,
    state::{HubEvent, HubState},
};
use crate::sync::Mutex;

/// The state of a hub behind a lock.
///
/// A thread takes the lock, gives the hub one event, puts the mail that follows into the mailboxes, and wakes
/// their receivers after it has released the lock. So mail reaches all receivers in one order, that of the lock,
/// and no thread waits while it holds the lock: a mailbox's own lock is held for a push or a pop.
pub(crate) struct LockedHub {
    state: Mutex<HubState<Arc<SharedMailbox>>>,
    overflow: Overflow,
}

impl LockedHub {
    /// Holds the hub of `service`; `None` if the service has none.
    pub(crate) fn of(service: &dyn Service, overflow: Overflow) -> Option<Self> {
        Some(Self::new(service.hub()?, overflow))
    }

    pub(crate) fn new(hub: Box<dyn Hub>, overflow: Overflow) -> Self {
        Self {
            state: Mutex::new(HubState::new(hub)),
            overflow,
        }
    }

    /// Opens a mailbox for connection `id`; its mail goes there from now on.
    pub(crate) fn connect(&self, id: ConnId) -> Arc<SharedMailbox> {
        let mailbox = Arc::new(SharedMailbox::new(self.overflow));
        let mut state = self.state.lock().expect(UNBROKEN);
        state.connect(id, Arc::clone(&mailbox));
        mailbox
    }

    /// Gives the hub an event of connection `from`, and wakes the receivers of the mail that follows.
    pub(crate) fn handle(&self, from: ConnId, event: &HubEvent) {
        let mut sleepers: Vec<Waker> = Vec::new();
        let mut state = self.state.lock().expect(UNBROKEN);
        state.handle(from, event, |mailbox, _, mail| {
            let (put, sleeper) = mailbox.put(mail);
            sleepers.extend(sleeper);
            put
        });
        drop(state);
        sleepers.into_iter().for_each(Waker::wake);
    }

    pub(crate) fn counts(&self) -> Counts {
        self.state.lock().expect(UNBROKEN).counts()
    }
}

/// Sessions are called without the lock, and the hubs of this project don't panic.
const UNBROKEN: &str = "no thread panics while it holds the hub's lock";
