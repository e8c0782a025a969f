//! The hub of shards: the first shard owns it, and the other shards send it the events of their connections.
//!
//! `tests/schedules.rs` runs this file with two shards and with three, in the orders of their steps that have few preemptions.

use std::{
    collections::HashMap,
    io, mem,
    sync::{
        Arc,
        atomic::Ordering::{AcqRel, Acquire},
    },
    task::{Wake, Waker},
};

use portlab_service::{CloseReason, ConnId, Hub, Mail, Post};
use portlab_words::Text;

use super::{
    inbox::Inbox,
    looped::LoopHub,
    mailbox::{Counts, Found, Overflow, Put},
    shared_mailbox::SharedMailbox,
    state::{HubEvent, HubState},
};
use crate::sync::{AtomicUsize, Mutex};

/// The hub, as the loop of one shard reaches it. `K` is the key of a connection in its loop.
///
/// A shard waits for no other shard. If the shard of the hub is stalled, the connections that have posted wait for it, each
/// with one turn of posts, and all others go on.
pub(crate) struct ShardHub<K> {
    own: usize,
    shards: Arc<Shards<K>>,
    /// The hub itself, in its shard.
    state: Option<HubState<Arc<Member<K>>>>,
    /// In the other shards: their connections.
    members: HashMap<ConnId, Arc<Member<K>>>,
    overflow: Overflow,
    /// What has arrived, while it is handled.
    taken: Arrived<K>,
}

/// What all shards share.
struct Shards<K> {
    arrivals: Vec<Arc<Arrivals<K>>>,
    /// How many shards besides that of the hub may send events.
    senders: AtomicUsize,
}

/// What other threads have for the loop of a shard.
struct Arrivals<K> {
    /// Locked for a push, or for the moment in which the loop takes everything.
    arrived: Mutex<Arrived<K>>,
    /// Wakes the loop.
    bell: Waker,
}

struct Arrived<K> {
    /// Connections of this shard that can go on: they have mail, or the hub has handled their posts.
    woken: Vec<K>,
    /// In the shard of the hub: the events of the other shards' connections.
    events: Vec<(ConnId, Event<K>)>,
    /// How much memory `events` takes.
    bytes: usize,
}

enum Event<K> {
    Connect(Arc<Member<K>>),
    Post(Post, Arc<Member<K>>),
    Gone(CloseReason),
}

/// A connection, as its own shard and the shard of the hub know it.
struct Member<K> {
    shard: usize,
    bell: Arc<Bell<K>>,
    mailbox: SharedMailbox,
    /// How many of its posts the hub has not handled.
    posted: AtomicUsize,
}

/// Lets a connection go on in its own shard.
struct Bell<K> {
    arrivals: Arc<Arrivals<K>>,
    key: K,
}

/// The shard that owns the hub.
const FIRST: usize = 0;

/// If events of this many bytes wait for the hub, its shard is stalled, and further connections are refused. The
/// connections that are open add one turn of posts each.
const MOST_BYTES: usize = 32 << 20;

/// After a burst of events, memory for this many is kept.
const ROOM: usize = 1024;

impl<K> ShardHub<K> {
    /// Divides `hub` among shards: one value for each of the `bells`, which wake the loops.
    pub(crate) fn divide(hub: Box<dyn Hub>, overflow: Overflow, bells: Vec<Waker>) -> Vec<Self> {
        let senders = bells.len() - 1;
        let arrivals = bells.into_iter().map(|bell| {
            let arrived = Mutex::new(Arrived::default());
            Arc::new(Arrivals { arrived, bell })
        });
        let shards = Arc::new(Shards {
            arrivals: arrivals.collect(),
            senders: AtomicUsize::new(senders),
        });
        let mut hub = Some(hub);
        let numbers = FIRST..=senders;
        let shard = |own| Self {
            own,
            shards: Arc::clone(&shards),
            state: hub.take().map(HubState::new),
            members: HashMap::new(),
            overflow,
            taken: Arrived::default(),
        };
        numbers.map(shard).collect()
    }

    /// Sends an event to the shard of the hub.
    fn send(&self, id: ConnId, event: Event<K>) {
        let bytes = size_of::<(ConnId, Event<K>)>();
        let bytes = match &event {
            Event::Post(post, _) => bytes + post.0.len(),
            Event::Connect(_) | Event::Gone(_) => bytes,
        };
        self.shards.arrivals[FIRST].add(|arrived| {
            arrived.bytes += bytes;
            arrived.events.push((id, event));
        });
    }
}

/// The shard of the hub goes on until the last of the others has ended.
impl<K> Drop for ShardHub<K> {
    fn drop(&mut self) {
        if self.own != FIRST {
            self.shards.senders.fetch_sub(1, AcqRel);
            self.shards.arrivals[FIRST].bell.wake_by_ref();
        }
    }
}

impl<K: Copy + Send + Sync + 'static> LoopHub<K> for ShardHub<K> {
    fn connect(&mut self, id: ConnId, key: K) -> io::Result<Box<dyn Inbox>> {
        let bell = Arc::new(Bell {
            arrivals: Arc::clone(&self.shards.arrivals[self.own]),
            key,
        });
        let member = Arc::new(Member {
            shard: self.own,
            bell: Arc::clone(&bell),
            mailbox: SharedMailbox::new(self.overflow),
            posted: AtomicUsize::new(0),
        });
        if let Some(state) = &mut self.state {
            state.connect(id, Arc::clone(&member));
        } else if self.shards.arrivals[FIRST].bytes() > MOST_BYTES {
            return Err(io::Error::other(STALLED));
        } else {
            self.members.insert(id, Arc::clone(&member));
            self.send(id, Event::Connect(Arc::clone(&member)));
        }
        let waker = Waker::from(bell);
        Ok(Box::new(ShardInbox { member, waker }))
    }

    fn tell(&mut self, id: ConnId, event: HubEvent, woken: &mut Vec<K>) {
        if let Some(state) = &mut self.state {
            return state.handle(id, &event, |member, _, mail| {
                member.put(mail, self.own, woken)
            });
        }
        match event {
            HubEvent::Post(post) => {
                if let Some(member) = self.members.get(&id) {
                    member.posted.fetch_add(1, AcqRel);
                    self.send(id, Event::Post(post, Arc::clone(member)));
                }
            }
            HubEvent::Gone(reason) => {
                if self.members.remove(&id).is_some() {
                    self.send(id, Event::Gone(reason));
                }
            }
        }
    }

    fn fetch(&mut self, woken: &mut Vec<K>) {
        self.shards.arrivals[self.own].take(&mut self.taken);
        woken.append(&mut self.taken.woken);
        let Some(state) = &mut self.state else {
            return;
        };
        for (id, event) in self.taken.events.drain(..) {
            let put = |member: &Arc<Member<K>>, _, mail| member.put(mail, self.own, woken);
            match event {
                Event::Connect(member) => state.connect(id, member),
                Event::Gone(reason) => state.handle(id, &HubEvent::Gone(reason), put),
                Event::Post(post, member) => {
                    state.handle(id, &HubEvent::Post(post), put);
                    if member.posted.fetch_sub(1, AcqRel) == 1 {
                        member.bell.wake_by_ref();
                    }
                }
            }
        }
        self.taken.events.shrink_to(ROOM);
    }

    fn is_needed(&self) -> bool {
        self.state.is_some() && self.shards.senders.load(Acquire) > 0
    }

    fn counts(&self) -> Option<Counts> {
        self.state.as_ref().map(HubState::counts)
    }
}

impl<K> Arrivals<K> {
    /// Lets `push` add to what has arrived. The first addition after the loop has taken everything wakes the loop.
    fn add(&self, push: impl FnOnce(&mut Arrived<K>)) {
        let mut arrived = self.arrived.lock().expect(UNBROKEN);
        let was_empty = arrived.woken.is_empty() && arrived.events.is_empty();
        push(&mut arrived);
        drop(arrived);
        if was_empty {
            self.bell.wake_by_ref();
        }
    }

    /// Exchanges what has arrived for `empty`.
    fn take(&self, empty: &mut Arrived<K>) {
        empty.bytes = 0;
        mem::swap(&mut *self.arrived.lock().expect(UNBROKEN), empty);
    }

    fn bytes(&self) -> usize {
        self.arrived.lock().expect(UNBROKEN).bytes
    }
}

impl<K> Default for Arrived<K> {
    fn default() -> Self {
        Self {
            woken: Vec::new(),
            events: Vec::new(),
            bytes: 0,
        }
    }
}

impl<K: Copy + Send + Sync + 'static> Member<K> {
    /// Puts `mail` into the mailbox. If the connection waits for mail, it goes on: in the shard of the hub, whose number is
    /// `own`, at once.
    fn put(&self, mail: Mail, own: usize, woken: &mut Vec<K>) -> Put {
        let (put, sleeper) = self.mailbox.put(mail);
        match sleeper {
            Some(_) if self.shard == own => woken.push(self.bell.key),
            sleeper => sleeper.into_iter().for_each(Waker::wake),
        }
        put
    }
}

impl<K: Copy + Send + Sync> Wake for Bell<K> {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.arrivals.add(|arrived| arrived.woken.push(self.key));
    }
}

/// How the loop of a connection takes its mail.
struct ShardInbox<K> {
    member: Arc<Member<K>>,
    waker: Waker,
}

impl<K> Inbox for ShardInbox<K> {
    fn take(&mut self) -> Found {
        self.member.mailbox.take(&self.waker)
    }

    fn is_overflowed(&mut self) -> bool {
        self.member.mailbox.is_overflowed(&self.waker)
    }

    fn is_behind(&self) -> bool {
        self.member.posted.load(Acquire) > 0
    }
}

const STALLED: Text = Text::new(
    "the shard that holds the rooms is stalled",
    "管理聊天室的分片卡住了",
);
const UNBROKEN: &str = "no thread panics while it holds the lock of what has arrived";
