//! A switchboard that threads share: locked for a moment, and never while anything waits.
//!
//! `tests/schedules.rs` runs this very file under every schedule that two senders and a receiver can
//! meet with.

use std::{sync::Arc, task::Waker};

use portlab_service::{ConnId, Hub};

use crate::{
    letterbox::Letterbox,
    mailbox::Counts,
    switchboard::{Switchboard, Word},
    sync::Mutex,
};

/// A switchboard behind a lock.
///
/// Whoever has something to say takes the lock, has the hub make mail of it, puts that into the
/// letterboxes, and wakes their owners when the lock is free again. So mail reaches all receivers in
/// one order, that of the lock; and nobody who holds the lock waits for anybody: a letterbox's own
/// lock is held for a push or a pop.
pub(crate) struct Shared {
    switchboard: Mutex<Switchboard<Arc<Letterbox>>>,
}

impl Shared {
    pub(crate) fn new(hub: Box<dyn Hub>) -> Self {
        Self {
            switchboard: Mutex::new(Switchboard::new(hub)),
        }
    }

    /// From now on mail for `id` goes to `letterbox`.
    pub(crate) fn connect(&self, id: ConnId, letterbox: Arc<Letterbox>) {
        let mut switchboard = self.switchboard.lock().expect(UNBROKEN);
        switchboard.connect(id, letterbox);
    }

    /// Hands what connection `from` has to say to the hub, and wakes those who get mail for it.
    pub(crate) fn hear(&self, from: ConnId, word: &Word) {
        let mut sleepers: Vec<Waker> = Vec::new();
        let mut switchboard = self.switchboard.lock().expect(UNBROKEN);
        switchboard.hear(from, word, |letterbox, _, mail| {
            let (put, sleeper) = letterbox.put(mail);
            sleepers.extend(sleeper);
            put
        });
        drop(switchboard);
        sleepers.into_iter().for_each(Waker::wake);
    }

    /// What has become of all mail so far.
    pub(crate) fn counts(&self) -> Counts {
        self.switchboard.lock().expect(UNBROKEN).counts()
    }
}

/// Sessions are called without the lock, and a hub is ours.
const UNBROKEN: &str = "nobody panics with the switchboard locked";
