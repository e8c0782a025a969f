//! What threads and tasks share, in every possible order of their steps: `hub/locked.rs` and `hub/shared_mailbox.rs`,
//! line for line, with locks of `loom` in place of the system's.
//!
//! If a wake-up could be lost, the receiver would sleep for ever, and loom would report a deadlock.

#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    reason = "parts of the crate stand here by themselves; a test that can't be set up has failed"
)]

use std::{
    sync::Arc,
    task::{Wake, Waker},
};

use loom::{sync::Notify, thread};
use portlab_service::{CloseReason, ConnId, Hub, Mail, Post};

#[path = "../src/hub/locked.rs"]
mod locked;
#[path = "../src/hub/mailbox.rs"]
mod mailbox;
#[path = "../src/hub/shared_mailbox.rs"]
mod shared_mailbox;
#[path = "../src/hub/state.rs"]
mod state;

/// Nothing is recorded here.
mod trace {
    use super::ConnId;

    pub(crate) struct Mark;

    pub(crate) fn start() -> Mark {
        Mark
    }

    impl Mark {
        pub(crate) fn hub(self, _from: ConnId, _mail: usize) {}
    }
}

/// Locks of `loom` in place of the system's.
mod sync {
    pub(crate) use loom::sync::{Mutex, MutexGuard};
}

use locked::LockedHub;
use mailbox::{Found, Overflow, Policy};
use shared_mailbox::SharedMailbox;
use state::HubEvent;

/// Sends each post to all other members: the simplest hub.
struct Relay(Vec<ConnId>);

impl Hub for Relay {
    fn handle(&mut self, from: ConnId, post: &Post, deliver: &mut dyn FnMut(ConnId, Mail)) {
        for &member in self.0.iter().filter(|member| **member != from) {
            deliver(member, Mail(post.0.as_slice().into()));
        }
    }

    fn gone(&mut self, gone: ConnId, _: CloseReason, deliver: &mut dyn FnMut(ConnId, Mail)) {
        self.0.retain(|member| *member != gone);
        for &member in &self.0 {
            deliver(member, Mail((&b"gone"[..]).into()));
        }
    }
}

/// Wakes a thread that waits.
struct Bell(Notify);

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.0.notify();
    }
}

const LIMITS: Overflow = Overflow {
    policy: Policy::Disconnect,
    hard: 100,
    soft: 100,
    patience: std::time::Duration::from_secs(600),
    total: usize::MAX,
};

/// A hub of members 1 to `count`, and their mailboxes.
fn hub(count: u64) -> (Arc<LockedHub>, Vec<Arc<SharedMailbox>>) {
    let ids: Vec<_> = (1..=count).map(ConnId).collect();
    let hub = Arc::new(LockedHub::new(Box::new(Relay(ids.clone())), LIMITS));
    let mailboxes = ids.into_iter().map(|id| hub.connect(id)).collect();
    (hub, mailboxes)
}

fn tell(hub: &Arc<LockedHub>, from: u64, event: HubEvent) -> thread::JoinHandle<()> {
    let hub = Arc::clone(hub);
    thread::spawn(move || hub.handle(ConnId(from), &event))
}

fn post(text: &[u8]) -> HubEvent {
    HubEvent::Post(Post(text.to_vec()))
}

/// Sleeps until `count` pieces of mail have come.
fn receive(mailbox: &SharedMailbox, count: usize) -> Vec<Mail> {
    let bell = Arc::new(Bell(Notify::new()));
    let waker = Waker::from(Arc::clone(&bell));
    let mut received = Vec::new();
    while received.len() < count {
        match mailbox.take(&waker) {
            Found::Mail(mail) => received.push(mail),
            Found::Nothing => bell.0.wait(),
            other => panic!("{other:?}"),
        }
    }
    received
}

/// Takes all mail that has come.
fn rest(mailbox: &SharedMailbox) -> Vec<Mail> {
    let mut received = Vec::new();
    while let Found::Mail(mail) = mailbox.take(Waker::noop()) {
        received.push(mail);
    }
    received
}

#[test]
fn every_receiver_is_woken_for_every_piece_and_all_have_one_order() {
    loom::model(|| {
        let (hub, mailboxes) = hub(4);
        let senders = [tell(&hub, 1, post(b"one")), tell(&hub, 2, post(b"two"))];
        let received = receive(&mailboxes[2], 2);
        for sender in senders {
            sender.join().unwrap();
        }
        assert_eq!(rest(&mailboxes[3]), received, "one order for all");
        assert_eq!(rest(&mailboxes[0]), [Mail((&b"two"[..]).into())]);
        assert_eq!(rest(&mailboxes[1]), [Mail((&b"one"[..]).into())]);
        assert_eq!(hub.counts().delivered, 6);
    });
}

#[test]
fn a_receiver_that_waits_for_its_peer_is_woken_when_its_mailbox_overflows() {
    loom::model(|| {
        let (hub, mailboxes) = hub(3);
        let senders = [1, 2].map(|from| tell(&hub, from, post(&[b'x'; 60])));
        let bell = Arc::new(Bell(Notify::new()));
        let waker = Waker::from(Arc::clone(&bell));
        while !mailboxes[2].is_overflowed(&waker) {
            bell.0.wait();
        }
        assert_eq!(mailboxes[2].take(&waker), Found::Overflow);
        for sender in senders {
            sender.join().unwrap();
        }
    });
}

#[test]
fn a_member_that_has_gone_gets_no_mail_and_the_others_get_theirs_in_one_order() {
    loom::model(|| {
        let (hub, mailboxes) = hub(4);
        let goes = tell(&hub, 1, HubEvent::Gone(CloseReason::Left));
        let talks = tell(&hub, 2, post(b"hello"));
        let received = receive(&mailboxes[2], 2);
        goes.join().unwrap();
        talks.join().unwrap();
        assert_eq!(rest(&mailboxes[3]), received, "one order for all");
        // The member got the mail that came before its end, and none after it.
        let before = received[0].0[..] == b"hello"[..];
        assert_eq!(rest(&mailboxes[0]).len(), usize::from(before));
    });
}
