//! What threads and tasks share, in the possible orders of their steps: `hub/locked.rs`, `hub/shared_mailbox.rs`,
//! `hub/shards.rs` and `drivers/readiness/turns.rs`, line for line, with locks of `loom` in place of the system's. Where there
//! are too many orders to try all, the test bounds the number of preemptions.
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

#[path = "../src/hub/inbox.rs"]
mod inbox;
#[path = "../src/hub/locked.rs"]
mod locked;
#[path = "../src/hub/looped.rs"]
mod looped;
#[path = "../src/hub/mailbox.rs"]
mod mailbox;
#[path = "../src/hub/shards.rs"]
mod shards;
#[path = "../src/hub/shared_mailbox.rs"]
mod shared_mailbox;
#[path = "../src/hub/state.rs"]
mod state;
#[path = "../src/timers.rs"]
mod timers;
#[path = "../src/drivers/readiness/turns.rs"]
mod turns;

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
    pub(crate) use loom::{
        sync::{
            Mutex, MutexGuard,
            atomic::{AtomicU64, AtomicUsize},
        },
        thread::{Thread, current as current_thread, park},
    };
}

use inbox::Inbox;
use locked::LockedHub;
use looped::LoopHub;
use mailbox::{Found, Overflow, Policy};
use shards::ShardHub;
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

/// The loop of a shard that has one connection.
struct Shard {
    hub: ShardHub<()>,
    bell: Arc<Bell>,
    id: ConnId,
}

/// A hub of members 1 to `count`, divided among as many shards.
fn shards(count: u64) -> Vec<Shard> {
    let ids: Vec<_> = (1..=count).map(ConnId).collect();
    let bells: Vec<_> = ids.iter().map(|_| Arc::new(Bell(Notify::new()))).collect();
    let wakers = bells.iter().map(|bell| Waker::from(Arc::clone(bell)));
    let hubs = ShardHub::divide(Box::new(Relay(ids.clone())), LIMITS, wakers.collect());
    let shards = hubs.into_iter().zip(bells).zip(ids);
    shards
        .map(|((hub, bell), id)| Shard { hub, bell, id })
        .collect()
}

impl Shard {
    fn connect(&mut self) -> Box<dyn Inbox> {
        self.hub.connect(self.id, ()).unwrap()
    }

    fn post(&mut self, text: &[u8]) {
        self.hub.tell(self.id, post(text), &mut Vec::new());
    }

    /// Lets the connection go on whenever it is woken, until `step` returns false.
    fn run(&mut self, mut step: impl FnMut(&mut Self) -> bool) {
        let mut woken = vec![()];
        loop {
            if !woken.is_empty() && !step(self) {
                return;
            }
            woken.clear();
            self.bell.0.wait();
            self.hub.fetch(&mut woken);
        }
    }
}

/// The mail of a connection that has nothing to send now.
fn mail(inbox: &mut dyn Inbox) -> Vec<Mail> {
    let mut received = Vec::new();
    loop {
        match inbox.take() {
            Found::Mail(mail) => received.push(mail),
            Found::Nothing => return received,
            other => panic!("{other:?}"),
        }
    }
}

/// All shards but the first post questions; the first, which has the hub, answers when all of them have come, and goes on
/// until the others have ended.
fn talk_across_shards(count: u64, posts: u64) {
    let mut shards = shards(count);
    let others = shards.split_off(1).into_iter().map(|mut shard| {
        thread::spawn(move || {
            let mut inbox = shard.connect();
            for _ in 0..posts {
                // A connection goes on when its posts are handled, even if no mail comes.
                shard.post(b"question");
                shard.run(|_| inbox.is_behind());
            }
            shard.run(|_| {
                let mut received = mail(&mut *inbox).into_iter();
                !received.any(|mail| mail.0[..] == b"answer"[..])
            });
        })
    });
    let others: Vec<_> = others.collect();
    let mut first = shards.remove(0);
    let mut inbox = first.connect();
    let mut questions = 0;
    first.run(|shard| {
        questions += mail(&mut *inbox).len();
        let have_all_come = questions as u64 == posts * (count - 1);
        if have_all_come {
            shard.post(b"answer");
        }
        !have_all_come
    });
    while first.hub.is_needed() {
        first.bell.0.wait();
        first.hub.fetch(&mut Vec::new());
    }
    for other in others {
        other.join().unwrap();
    }
    assert_eq!(mail(&mut *inbox), [], "the answer went to the others");
}

#[test]
fn shards_are_woken_for_mail_for_handled_posts_and_at_the_end_of_the_others() {
    let mut two = loom::model::Builder::new();
    two.preemption_bound = Some(4);
    two.check(|| talk_across_shards(2, 2));
    // With more changes of threads it would take minutes.
    let mut three = loom::model::Builder::new();
    three.preemption_bound = Some(1);
    three.check(|| talk_across_shards(3, 1));
}

#[test]
fn while_the_shard_of_the_hub_is_stalled_new_connections_of_the_others_are_refused_at_a_limit() {
    loom::model(|| {
        let [mut first, mut second] = <[Shard; 2]>::try_from(shards(2)).ok().unwrap();
        let connected = second.connect();
        for _ in 0..33 {
            second.post(&vec![b'x'; 1 << 20]);
        }
        assert!(connected.is_behind(), "it posts no more");
        let late = ConnId(3);
        assert!(second.hub.connect(late, ()).is_err());
        first.hub.fetch(&mut Vec::new());
        assert!(!connected.is_behind());
        assert!(second.hub.connect(late, ()).is_ok());
    });
}

/// The turns of the threads of `leader-followers`: `drivers/readiness/turns.rs`.
mod taking_turns {
    use std::sync::{
        Arc,
        atomic::Ordering::{Relaxed, SeqCst},
    };

    use loom::{
        model::Builder,
        sync::{
            Mutex, Notify,
            atomic::{AtomicBool, AtomicU64},
        },
        thread,
    };

    use super::turns::{Claim, Turn, Turns};

    /// Three threads with locks have too many orders to try all: those with up to two preemptions are tried.
    fn explore(model: impl Fn() + Send + Sync + 'static) {
        let mut builder = Builder::new();
        builder.preemption_bound = Some(2);
        builder.check(model);
    }

    struct Server {
        turns: Turns<u64>,
        /// The leader waits for it, as for a poller.
        poller: Arc<Notify>,
        /// What the poller reports, in this order.
        events: Mutex<Vec<fn(&Server)>>,
        done: AtomicU64,
        all_done: Notify,
    }

    impl Server {
        fn new() -> Arc<Self> {
            let poller = Arc::new(Notify::new());
            let woken = Arc::clone(&poller);
            Arc::new(Self {
                turns: Turns::new(Box::new(move || woken.notify())),
                poller,
                events: Mutex::new(Vec::new()),
                done: AtomicU64::new(0),
                all_done: Notify::new(),
            })
        }

        fn start(self: &Arc<Self>) -> thread::JoinHandle<()> {
            let server = Arc::clone(self);
            thread::spawn(move || server.take_turns())
        }

        fn take_turns(&self) {
            let mut has_led = false;
            loop {
                let turn = self.turns.next(has_led);
                has_led = matches!(turn, Turn::Lead(_));
                match turn {
                    Turn::Lead(patience) => {
                        let event = self.poll(patience.is_none());
                        self.turns.promote(event.is_some());
                        if let Some(handle) = event {
                            handle(self);
                        }
                    }
                    Turn::Work(task) => self.does(task),
                    Turn::End => return,
                }
            }
        }

        fn poll(&self, waits: bool) -> Option<fn(&Self)> {
            let next = || self.events.lock().unwrap().pop();
            next().or_else(|| {
                if waits {
                    self.poller.wait();
                }
                next()
            })
        }

        fn does(&self, task: u64) {
            if self.done.fetch_add(task, SeqCst) + task == ALL {
                self.all_done.notify();
            }
        }
    }

    /// The sum of the tasks 1 and 10.
    const ALL: u64 = 11;

    /// If a wake-up were lost, a task would wait for ever, or a thread would sleep after the end.
    #[test]
    fn every_task_is_done_and_every_thread_ends() {
        explore(|| {
            let server = Server::new();
            let threads = [(); 2].map(|()| server.start());
            server.turns.push(1);
            server.turns.push(10);
            server.all_done.wait();
            server.turns.end();
            for thread in threads {
                thread.join().unwrap();
            }
        });
    }

    /// The leader waits for ever, if no event comes; the task of a timer wakes it.
    #[test]
    fn a_timer_wakes_a_leader_that_waits_longer() {
        explore(|| {
            let server = Server::new();
            let thread = server.start();
            server.turns.arm(std::time::Instant::now(), ALL);
            server.all_done.wait();
            server.turns.end();
            thread.join().unwrap();
        });
    }

    /// The handler of the first event blocks until the second is handled, and so another thread must wait for the second.
    #[test]
    fn a_handler_that_blocks_does_not_keep_others_from_waiting() {
        explore(|| {
            let server = Server::new();
            let threads = [(); 2].map(|()| server.start());
            let first: fn(&Server) = |server| {
                server
                    .events
                    .lock()
                    .unwrap()
                    .push(|server| server.does(ALL));
                server.poller.notify();
                server.all_done.wait();
                server.turns.end();
            };
            server.events.lock().unwrap().push(first);
            server.poller.notify();
            for thread in threads {
                thread.join().unwrap();
            }
        });
    }

    /// Two threads with an event each of one connection: which events were served, at the end. `gives_back` ends the service
    /// of the connection, or returns false if it goes on.
    fn two_events(gives_back: fn(&Claim) -> bool) {
        loom::model(move || {
            let connection = Arc::new((Claim::free(), AtomicBool::new(false), AtomicU64::new(0)));
            let threads = [1, 2].map(|event| {
                let connection = Arc::clone(&connection);
                thread::spawn(move || {
                    let (claim, is_served, served) = &*connection;
                    if !claim.call(event) {
                        return;
                    }
                    assert!(!is_served.swap(true, SeqCst), "two threads serve it");
                    loop {
                        served.fetch_or(claim.reasons(), SeqCst);
                        is_served.store(false, SeqCst);
                        if gives_back(claim) {
                            return;
                        }
                        is_served.store(true, SeqCst);
                    }
                })
            });
            for thread in threads {
                thread.join().unwrap();
            }
            assert_eq!(connection.2.load(Relaxed), 3, "an event is lost");
        });
    }

    #[test]
    fn each_event_of_a_connection_is_served_and_by_one_thread_at_a_time() {
        two_events(Claim::release);
    }

    #[test]
    #[should_panic(expected = "an event is lost")]
    fn a_claim_that_forgets_what_has_come_meanwhile_loses_an_event() {
        two_events(|claim| {
            claim.reasons();
            claim.release()
        });
    }
}
