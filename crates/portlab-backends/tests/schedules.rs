//! What threads and tasks share, under every schedule that they can meet with: `shared.rs` and
//! `letterbox.rs`, line for line, with locks that `loom` watches in place of the system's.
//!
//! Where a wake-up could be lost, the receiver would sleep for ever, and loom would say "deadlock".

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
use portlab_service::{ConnId, Hub, Mail, Parting, Post};

#[path = "../src/letterbox.rs"]
mod letterbox;
#[path = "../src/mailbox.rs"]
mod mailbox;
#[path = "../src/shared.rs"]
mod shared;
#[path = "../src/switchboard.rs"]
mod switchboard;

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

/// Locks of loom's in place of the system's.
mod sync {
    pub(crate) use loom::sync::{Mutex, MutexGuard};
}

use letterbox::Letterbox;
use mailbox::{Found, Overflow, Policy};
use shared::Shared;
use switchboard::Word;

/// What each says reaches all others: the least that a hub can do.
struct Relay(Vec<ConnId>);

impl Hub for Relay {
    fn handle(&mut self, from: ConnId, post: &Post, deliver: &mut dyn FnMut(ConnId, Mail)) {
        for &member in self.0.iter().filter(|member| **member != from) {
            deliver(member, Mail(post.0.as_slice().into()));
        }
    }

    fn gone(&mut self, who: ConnId, _how: Parting, deliver: &mut dyn FnMut(ConnId, Mail)) {
        self.0.retain(|member| *member != who);
        for &member in &self.0 {
            deliver(member, Mail((&b"gone"[..]).into()));
        }
    }
}

/// A thread's sleep.
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

/// A switchboard of members 1 to `count`, and their letterboxes.
fn switchboard(count: u64) -> (Arc<Shared>, Vec<Arc<Letterbox>>) {
    let ids: Vec<_> = (1..=count).map(ConnId).collect();
    let shared = Arc::new(Shared::new(Box::new(Relay(ids.clone()))));
    let letterboxes = ids.into_iter().map(|id| {
        let letterbox = Arc::new(Letterbox::new(LIMITS));
        shared.connect(id, Arc::clone(&letterbox));
        letterbox
    });
    let letterboxes = letterboxes.collect();
    (shared, letterboxes)
}

fn says(shared: &Arc<Shared>, who: u64, word: Word) -> thread::JoinHandle<()> {
    let shared = Arc::clone(shared);
    thread::spawn(move || shared.hear(ConnId(who), &word))
}

fn post(text: &[u8]) -> Word {
    Word::Post(Post(text.to_vec()))
}

/// Sleeps until `count` pieces of mail have come.
fn receive(letterbox: &Letterbox, count: usize) -> Vec<Mail> {
    let bell = Arc::new(Bell(Notify::new()));
    let waker = Waker::from(Arc::clone(&bell));
    let mut received = Vec::new();
    while received.len() < count {
        match letterbox.take(&waker) {
            Found::Mail(mail) => received.push(mail),
            Found::Nothing => bell.0.wait(),
            other => panic!("{other:?}"),
        }
    }
    received
}

/// All that has come.
fn rest(letterbox: &Letterbox) -> Vec<Mail> {
    let mut received = Vec::new();
    while let Found::Mail(mail) = letterbox.take(Waker::noop()) {
        received.push(mail);
    }
    received
}

#[test]
fn every_receiver_is_woken_for_every_piece_and_all_have_one_order() {
    loom::model(|| {
        let (shared, letterboxes) = switchboard(4);
        let senders = [
            says(&shared, 1, post(b"one")),
            says(&shared, 2, post(b"two")),
        ];
        let received = receive(&letterboxes[2], 2);
        for sender in senders {
            sender.join().unwrap();
        }
        assert_eq!(rest(&letterboxes[3]), received, "one order for all");
        assert_eq!(rest(&letterboxes[0]), [Mail((&b"two"[..]).into())]);
        assert_eq!(rest(&letterboxes[1]), [Mail((&b"one"[..]).into())]);
        assert_eq!(shared.counts().delivered, 6);
    });
}

#[test]
fn who_waits_for_its_peer_is_woken_when_there_is_too_much() {
    loom::model(|| {
        let (shared, letterboxes) = switchboard(3);
        let senders = [
            says(&shared, 1, post(&[b'x'; 60])),
            says(&shared, 2, post(&[b'y'; 60])),
        ];
        let bell = Arc::new(Bell(Notify::new()));
        let waker = Waker::from(Arc::clone(&bell));
        while !letterboxes[2].is_overflowed(&waker) {
            bell.0.wait();
        }
        assert_eq!(letterboxes[2].take(&waker), Found::Overflow);
        for sender in senders {
            sender.join().unwrap();
        }
    });
}

#[test]
fn who_has_gone_gets_nothing_and_the_others_hear_of_it_in_one_order() {
    loom::model(|| {
        let (shared, letterboxes) = switchboard(4);
        let goes = says(&shared, 1, Word::Gone(Parting::Left));
        let talks = says(&shared, 2, post(b"hello"));
        let received = receive(&letterboxes[2], 2);
        goes.join().unwrap();
        talks.join().unwrap();
        assert_eq!(rest(&letterboxes[3]), received, "one order for all");
        // It heard what came before it went, and nothing after.
        let before = received[0].0[..] == b"hello"[..];
        assert_eq!(rest(&letterboxes[0]).len(), usize::from(before));
    });
}
