//! The reactor: the state of a loop that asks which sockets are ready, and serves each without waiting for it.
//!
//! The loop itself stands in `serve` of the models, which differ in the [`Executor`] that they give it.

use std::{
    collections::VecDeque,
    io,
    os::fd::AsRawFd,
    time::{Duration, Instant},
};

use mio::{Events, Interest, Poll, Token, event, net::TcpListener, unix::SourceFd};
use portlab_service::{ConnId, Mail, Service, Work};
use portlab_sys::stop::Interruptible;
use slab::Slab;

use super::conn::{Conn, Scratch, Step};
use crate::{
    Door, Served,
    door::{backoff::Backoff, next_id},
    drivers::{
        held::Held,
        work::{Done, Job},
    },
    hub::{
        inbox::Inbox,
        mailbox::{Mailbox, Put},
        state::{HubEvent, HubState},
    },
    log::not_served,
    timers::Timers,
    trace::{self, Span},
};

/// Does the jobs of connections, except waiting, for which the reactor has timers.
pub(crate) trait Executor {
    /// Whether the loop itself may wait for a disk. Then files go straight to sockets; if not, jobs read them.
    const WAITS_FOR_DISKS: bool;

    /// Does `job` at once and returns what came of it; or hands it to another thread and returns `None`. Then
    /// [`Reactor::job_done`] must be called with `key` when the job is done.
    fn execute(&mut self, key: Key, job: Job) -> Option<Done>;
}

/// The slot of a connection, and the slot's generation. When a connection ends, the next connection takes its slot at
/// once, while an event or a job for the old one may still be on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key {
    index: u32,
    generation: u32,
}

struct Slot {
    conn: Conn,
    /// Where its mail waits, if the service has a hub.
    mailbox: Option<Box<Mailbox>>,
    generation: u32,
    /// The connection is in the queue of those that can go on.
    queued: bool,
    /// When the earliest timer for one of its time limits fires.
    limit_timer: Option<Instant>,
}

enum Call {
    Advance,
    Done(Done),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Alarm {
    Accept,
    /// A handler has waited, or the time that a connection may linger is over.
    Done(Key),
    /// A time limit of a connection may have passed.
    Limit(Key),
}

pub(crate) struct Reactor<'door, E> {
    door: &'door Door,
    service: &'static dyn Service,
    executor: E,
    poll: Poll,
    listener: Option<TcpListener>,
    slots: Slab<Slot>,
    /// The half that all connections share, if the service has one.
    hub: Option<HubState<Key>>,
    generation: u32,
    /// Connections that can go on: they have mail, or have had their turn and have more input.
    queue: VecDeque<Key>,
    timers: Timers<Alarm>,
    accept_pauses: bool,
    backoff: Backoff,
    scratch: Scratch,
}

const LISTENER: Token = Token(usize::MAX);
const STOP: Token = Token(usize::MAX - 1);
/// For an executor with threads of its own, which wake the loop when work is done.
pub(crate) const WORK_DONE: Token = Token(usize::MAX - 2);

impl<'door, E: Executor> Reactor<'door, E> {
    pub(crate) fn new(
        door: &'door Door,
        service: &'static dyn Service,
        poll: Poll,
        executor: E,
    ) -> io::Result<Self> {
        let mut listener = TcpListener::from_std(door.entry.listener()?);
        poll.registry()
            .register(&mut listener, LISTENER, Interest::READABLE)?;
        let stop = door.entry.stop.fd().as_raw_fd();
        poll.registry()
            .register(&mut SourceFd(&stop), STOP, Interest::READABLE)?;
        trace::role("loop");
        Ok(Self {
            door,
            service,
            executor,
            poll,
            listener: Some(listener),
            slots: Slab::new(),
            hub: service.hub().map(HubState::new),
            generation: 0,
            queue: VecDeque::new(),
            timers: Timers::new(),
            accept_pauses: false,
            backoff: Backoff::new(),
            scratch: Scratch::new(match E::WAITS_FOR_DISKS {
                true => |_| true,
                false => Held::is_in_memory,
            }),
        })
    }

    /// Whether the loop goes on: it accepts, or connections are open and the deadline of a stop has not passed.
    pub(crate) fn is_open(&self) -> bool {
        self.listener.is_some()
            || (!self.slots.is_empty() && !self.door.entry.stop.is_past_deadline())
    }

    /// Waits until a socket is ready or a timer fires. The loop waits here and nowhere else.
    ///
    /// # Errors
    /// When the system can't poll.
    pub(crate) fn wait(&mut self, events: &mut Events) -> io::Result<()> {
        let patience = match self.queue.is_empty() {
            true => self.timers.next(),
            false => Some(Duration::ZERO),
        };
        let waiting = trace::start();
        let polled = self.poll.poll(events, patience);
        waiting.idle();
        match polled {
            // A signal: `events` is empty.
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(()),
            polled => polled,
        }
    }

    /// Serves the socket that is ready, as far as that goes without waiting.
    pub(crate) fn handle(&mut self, event: &event::Event) {
        match event.token() {
            LISTENER => self.accept_all(),
            STOP => self.listener = None,
            WORK_DONE => {}
            token => self.ready(Key::of(token), event.is_read_closed()),
        }
    }

    pub(crate) fn advance_queued(&mut self) {
        // Connections that are queued meanwhile have their turn after the next wait.
        for _ in 0..self.queue.len() {
            if let Some(key) = self.queue.pop_front()
                && let Some(slot) = find(&mut self.slots, key)
            {
                slot.queued = false;
                self.step(key, Call::Advance);
            }
        }
    }

    /// Does what is due: sends answers of handlers that have waited, and closes connections at their time limits.
    pub(crate) fn run_timers(&mut self) {
        let now = Instant::now();
        while let Some(alarm) = self.timers.pop_due(now) {
            match alarm {
                Alarm::Done(key) => self.job_done(key, Done::Work),
                Alarm::Limit(key) => {
                    if let Some(slot) = find(&mut self.slots, key) {
                        slot.limit_timer = None;
                        self.step(key, Call::Advance);
                    }
                }
                Alarm::Accept => {
                    self.accept_pauses = false;
                    self.accept_all();
                }
            }
        }
    }

    /// A job of this connection is done: lets it go on with what came of it.
    pub(crate) fn job_done(&mut self, key: Key, done: Done) {
        self.step(key, Call::Done(done));
    }

    pub(crate) fn served(self) -> Served {
        let counts = self.hub.map(|hub| hub.counts());
        self.door.entry.served(0, counts)
    }

    /// Accepts until no connection waits: edge-triggered polling reports many of them once.
    fn accept_all(&mut self) {
        while let Some(listener) = self.listener.as_ref().filter(|_| !self.accept_pauses) {
            let accepting = trace::start();
            match listener.accept() {
                Ok((stream, peer)) => {
                    self.backoff.reset();
                    let span = Span::new(next_id());
                    accepting.accepted(&span, peer, listener);
                    let Some(admission) = self.door.entry.admit(&stream) else {
                        continue;
                    };
                    let session = self.service.open(span.id(), peer);
                    let stream = Interruptible::new(stream);
                    self.add(Conn::new(stream, session, span, admission));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                // The stop signal has shut the listener; the event of the signal follows.
                Err(_) if self.door.entry.stop.is_set() => return,
                Err(error) => {
                    if let Some(pause) = self.backoff.after(&error) {
                        self.accept_pauses = true;
                        return self.timers.arm(Instant::now() + pause, Alarm::Accept);
                    }
                }
            }
        }
    }

    fn add(&mut self, mut conn: Conn) {
        self.generation = self.generation.wrapping_add(1);
        let key = Key {
            index: self.slots.vacant_key() as u32,
            generation: self.generation,
        };
        let both = Interest::READABLE | Interest::WRITABLE;
        let registry = self.poll.registry();
        if let Err(error) = registry.register(conn.stream(), key.token(), both) {
            return not_served("can't watch a connection", "无法监视连接", &error);
        }
        let mailbox = self.hub.as_mut().map(|hub| {
            hub.connect(conn.id(), key);
            Box::new(Mailbox::new(self.door.overflow))
        });
        self.slots.insert(Slot {
            conn,
            mailbox,
            generation: self.generation,
            queued: false,
            limit_timer: None,
        });
        self.step(key, Call::Advance);
    }

    fn ready(&mut self, key: Key, fin_seen: bool) {
        let Some(slot) = find(&mut self.slots, key) else {
            return;
        };
        slot.conn.is_ready(fin_seen);
        // A connection in the queue has its turn there.
        if !slot.queued {
            self.step(key, Call::Advance);
        }
    }

    /// Lets a connection go on, and does what its [`Step`] asks for.
    fn step(&mut self, key: Key, mut call: Call) {
        // A job or a timer may be on its way to a connection that has ended.
        while let Some(slot) = find(&mut self.slots, key) {
            let step = match call {
                Call::Done(done) => slot.conn.job_done(done, &mut self.scratch),
                Call::Advance => {
                    let inbox = slot.mailbox.as_deref_mut();
                    let inbox = inbox.map(|mailbox| mailbox as &mut dyn Inbox);
                    slot.conn.advance(&mut self.scratch, inbox)
                }
            };
            self.carry_posts(key);
            self.arm_limit(key);
            match step {
                Step::Idle => return,
                Step::Yield => return self.enqueue(key),
                Step::Job(Job::Work(Work::Wait(time))) => {
                    return self.timers.arm(Instant::now() + time, Alarm::Done(key));
                }
                Step::Job(job) => match self.executor.execute(key, job) {
                    Some(done) => call = Call::Done(done),
                    None => return,
                },
                Step::Linger(time) => {
                    // A connection that lingers gets no more mail, so it leaves the hub at once.
                    self.leave_hub(key);
                    self.timers.arm(Instant::now() + time, Alarm::Done(key));
                    call = Call::Advance;
                }
                Step::Done => return self.remove(key),
            }
        }
    }

    fn enqueue(&mut self, key: Key) {
        if let Some(slot) = find(&mut self.slots, key)
            && !std::mem::replace(&mut slot.queued, true)
        {
            self.queue.push_back(key);
        }
    }

    fn remove(&mut self, key: Key) {
        self.leave_hub(key);
        let mut slot = self.slots.remove(key.index as usize);
        // A socket that is closed leaves the poller; but a stop may keep it open until the peer has taken its answers.
        if self.door.entry.stop.is_set() {
            let _ = self.poll.registry().deregister(slot.conn.stream());
        }
    }

    /// Arms a timer for the next time limit of a connection, unless an earlier one is armed.
    fn arm_limit(&mut self, key: Key) {
        if let Some(slot) = find(&mut self.slots, key)
            && let Some(at) = slot.conn.deadline()
            && slot.limit_timer.is_none_or(|known| at < known)
        {
            slot.limit_timer = Some(at);
            self.timers.arm(at, Alarm::Limit(key));
        }
    }

    fn carry_posts(&mut self, key: Key) {
        // A session posts only if its service has a hub.
        if let Some(hub) = &mut self.hub
            && let Some(slot) = find(&mut self.slots, key)
        {
            let id = slot.conn.id();
            for post in self.scratch.outbox.posts() {
                let put = putter(&mut self.slots, &mut self.queue);
                hub.handle(id, &HubEvent::Post(post), put);
            }
        }
    }

    /// Takes a connection that ends out of the hub, unless it has left already.
    fn leave_hub(&mut self, key: Key) {
        // At a stop all connections end, and the hub need not report each end to the other members.
        if let Some(hub) = &mut self.hub
            && !self.door.entry.stop.is_set()
        {
            let conn = &self.slots[key.index as usize].conn;
            let (id, reason) = (conn.id(), conn.close_reason());
            let put = putter(&mut self.slots, &mut self.queue);
            hub.handle(id, &HubEvent::Gone(reason), put);
        }
    }
}

/// The slot for `key`; `None` if the slot was reused.
fn find(slots: &mut Slab<Slot>, key: Key) -> Option<&mut Slot> {
    let slot = slots.get_mut(key.index as usize)?;
    (slot.generation == key.generation).then_some(slot)
}

/// Puts mail into its receiver's mailbox, and the receiver into the queue.
fn putter<'a>(
    slots: &'a mut Slab<Slot>,
    queue: &'a mut VecDeque<Key>,
) -> impl FnMut(&Key, ConnId, Mail) -> Put + 'a {
    |&key, _, mail| {
        // A connection that has ended has left the hub.
        let Some(slot) = slots.get_mut(key.index as usize) else {
            return Put::Refused;
        };
        let Some(mailbox) = &mut slot.mailbox else {
            return Put::Refused;
        };
        if !std::mem::replace(&mut slot.queued, true) {
            queue.push_back(key);
        }
        mailbox.put(mail)
    }
}

impl Key {
    fn token(self) -> Token {
        Token((self.generation as usize) << 32 | self.index as usize)
    }

    fn of(Token(token): Token) -> Self {
        Self {
            index: token as u32,
            generation: (token >> 32) as u32,
        }
    }
}
