//! A mailbox that other threads or tasks put mail into while its receiver waits.
//!
//! `tests/schedules.rs` runs this file with two senders and a receiver, in every possible order of their steps.

use std::task::Waker;

use portlab_service::Mail;

use super::mailbox::{Found, Mailbox, Overflow, Put};
use crate::sync::{Mutex, MutexGuard};

/// A receiver's mailbox behind a lock, and how the receiver is woken.
///
/// The lock is held for a push or a pop, and never across a call that waits.
#[derive(Debug)]
pub(crate) struct SharedMailbox {
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    mailbox: Mailbox,
    sleeper: Option<(Waker, Until)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Until {
    Mail,
    /// The peer doesn't read, so the receiver is not woken for more mail, but when too much has come.
    Overflow,
}

impl SharedMailbox {
    pub(crate) fn new(limits: Overflow) -> Self {
        let inner = Inner {
            mailbox: Mailbox::new(limits),
            sleeper: None,
        };
        Self {
            inner: Mutex::new(inner),
        }
    }

    /// Puts `mail` in. Returns the waker of a receiver that waits for it; call it when no lock is held any more.
    pub(crate) fn put(&self, mail: Mail) -> (Put, Option<Waker>) {
        let mut inner = self.lock();
        let put = inner.mailbox.put(mail);
        let sleeper = inner.sleeper.take_if(|(_, until)| match put {
            Put::Refused => false,
            Put::Overflowed(_) => true,
            Put::Waits | Put::Displaced(_) => *until == Until::Mail,
        });
        (put, sleeper.map(|(waker, _)| waker))
    }

    /// Takes the next piece. If there is none, `waker` is woken as soon as there is one.
    pub(crate) fn take(&self, waker: &Waker) -> Found {
        let mut inner = self.lock();
        let found = inner.mailbox.take();
        if found == Found::Nothing {
            inner.sleep(waker, Until::Mail);
        }
        found
    }

    /// Whether its receiver is to be dropped. If not, `waker` is woken when it is.
    pub(crate) fn is_overflowed(&self, waker: &Waker) -> bool {
        let mut inner = self.lock();
        let overflowed = inner.mailbox.is_overflowed();
        if !overflowed {
            inner.sleep(waker, Until::Overflow);
        }
        overflowed
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner
            .lock()
            .expect("no thread panics while it holds a mailbox's lock")
    }
}

impl Inner {
    fn sleep(&mut self, waker: &Waker, until: Until) {
        match &mut self.sleeper {
            Some((sleeper, last)) if sleeper.will_wake(waker) => *last = until,
            sleeper => *sleeper = Some((waker.clone(), until)),
        }
    }
}
