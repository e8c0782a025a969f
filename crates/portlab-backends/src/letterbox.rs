//! A mailbox that others put mail into while its receiver sleeps: for threads and tasks.
//!
//! `schedules.rs` beside the tests runs this very file under every schedule that two senders and a
//! receiver can meet with.

use std::task::Waker;

use portlab_service::Mail;

use crate::{
    mailbox::{Found, Mailbox, Overflow, Put},
    sync::{Mutex, MutexGuard},
};

/// A receiver's mailbox behind a lock, and how the receiver is woken.
///
/// The lock is held for a push or a pop, and never across anything that waits.
#[derive(Debug)]
pub(crate) struct Letterbox {
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    mailbox: Mailbox,
    sleeper: Option<(Waker, Until)>,
}

/// What a receiver sleeps for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Until {
    /// It has read all its mail.
    Mail,
    /// Its peer takes nothing, so it can't do with more mail; but it must hear when there is too much.
    Overflow,
}

impl Letterbox {
    pub(crate) fn new(limits: Overflow) -> Self {
        let inner = Inner {
            mailbox: Mailbox::new(limits),
            sleeper: None,
        };
        Self {
            inner: Mutex::new(inner),
        }
    }

    /// Puts `mail` in. Returns whom to wake, which is best done when no lock is held any more.
    pub(crate) fn put(&self, mail: Mail) -> (Put, Option<Waker>) {
        let mut inner = self.open();
        let put = inner.mailbox.put(mail);
        let sleeper = inner.sleeper.take_if(|(_, until)| match put {
            Put::Refused => false,
            Put::Overflowed(_) => true,
            Put::Waits | Put::Displaced(_) => *until == Until::Mail,
        });
        (put, sleeper.map(|(waker, _)| waker))
    }

    /// Takes what is next. Where there is nothing, `waker` is woken as soon as there is.
    pub(crate) fn take(&self, waker: &Waker) -> Found {
        let mut inner = self.open();
        let found = inner.mailbox.take();
        if found == Found::Nothing {
            inner.sleep(waker, Until::Mail);
        }
        found
    }

    /// Whether its receiver is to be dropped. If not, `waker` is woken when it is.
    pub(crate) fn is_overflowed(&self, waker: &Waker) -> bool {
        let mut inner = self.open();
        let overflowed = inner.mailbox.is_overflowed();
        if !overflowed {
            inner.sleep(waker, Until::Overflow);
        }
        overflowed
    }

    fn open(&self) -> MutexGuard<'_, Inner> {
        self.inner
            .lock()
            .expect("nobody panics with a letterbox open")
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
