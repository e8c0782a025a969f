//! A loop of coroutines: each connection has a stack of its own, on which [`drive`](super::waiting::drive) runs. Where that
//! function waits, its coroutine is suspended, and the loop resumes another one.
//!
//! `context` is what a coroutine can do, `stacks` where its stack comes from.

mod context;
mod stacks;

use std::{
    collections::VecDeque,
    io, mem,
    net::SocketAddr,
    time::{Duration, Instant},
};

use corosensei::{Coroutine, CoroutineResult};
use portlab_service::{ConnId, Mail, Service};
use slab::Slab;

use self::stacks::Stacks;
use super::{
    readiness::{
        accept::{Next, accept},
        conn::{Conn, Scratch},
        epoll::Epoll,
        poller::{Key, Poller, Ready},
    },
    stalls::Stalls,
};
use crate::{
    Door, Served,
    door::backoff::Backoff,
    hub::{
        mailbox::{Mailbox, Put},
        state::HubState,
    },
    log::{not_served, refused},
    timers::Timers,
    trace,
};

/// Resumed with the loop; suspended or ended, it gives the loop back.
type Fiber = Coroutine<Box<Fibers>, Box<Fibers>, Box<Fibers>>;

/// The loop, and all that its coroutines share. The coroutine that runs owns it.
pub(crate) struct Fibers {
    door: &'static Door,
    service: &'static dyn Service,
    poller: Epoll<'static>,
    accepts: bool,
    accept_pauses: bool,
    backoff: Backoff,
    slots: Slab<Slot>,
    /// The coroutines that are suspended, each at the index of its slot.
    suspended: Vec<Option<Fiber>>,
    stacks: Stacks,
    generation: u32,
    /// The half that all connections share, if the service has one.
    hub: Option<HubState<Key>>,
    /// Coroutines that can go on: they have mail, or have had their turn.
    queue: VecDeque<Key>,
    timers: Timers<Alarm>,
    scratch: Scratch,
    stalls: Stalls,
}

struct Slot {
    generation: u32,
    /// Where its mail waits, if the service has a hub.
    mailbox: Option<Box<Mailbox>>,
    /// The poller has reported the socket, perhaps with its FIN, since the coroutine was suspended.
    ready: Option<bool>,
    /// The coroutine is in the queue of those that can go on.
    queued: bool,
    /// When the earliest timer of the coroutine fires.
    timer: Option<Instant>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Alarm {
    Accept,
    Resume(Key),
}

impl Fibers {
    /// The loop is lent to coroutines, which can't borrow; so the door stays until the process ends.
    pub(crate) fn new(door: Door, service: &'static dyn Service) -> io::Result<Box<Self>> {
        let door: &Door = Box::leak(Box::new(door));
        trace::role("loop");
        Ok(Box::new(Self {
            door,
            service,
            poller: Epoll::new(&door.entry)?,
            accepts: true,
            accept_pauses: false,
            backoff: Backoff::new(),
            slots: Slab::new(),
            suspended: Vec::new(),
            stacks: Stacks::new(),
            generation: 0,
            hub: service.hub().map(HubState::new),
            queue: VecDeque::new(),
            timers: Timers::new(),
            scratch: Scratch::new(|_| true),
            stalls: Stalls::watch()?,
        }))
    }

    /// How many coroutines there can be at a time: as many as there can be stacks.
    pub(crate) fn most() -> usize {
        Stacks::most()
    }

    /// Whether the loop goes on: it accepts, or connections are open and the deadline of a stop has not passed.
    pub(crate) fn is_open(&self) -> bool {
        self.accepts || (!self.slots.is_empty() && !self.door.entry.stop.is_past_deadline())
    }

    /// Waits until a socket is ready or a timer fires. The loop waits here and nowhere else.
    ///
    /// # Errors
    /// When the system can't poll.
    pub(crate) fn wait(&mut self, ready: &mut Vec<Ready>) -> io::Result<()> {
        let patience = match self.queue.is_empty() {
            true => self.timers.next(),
            false => Some(Duration::ZERO),
        };
        self.stalls.waits();
        let waiting = trace::wait();
        let waited = self.poller.wait(patience, ready);
        waiting.idle();
        waited
    }

    /// Resumes the coroutine whose socket is ready, or starts coroutines for new connections.
    pub(crate) fn handle(mut self: Box<Self>, event: Ready) -> Box<Self> {
        match event {
            Ready::Listener => return self.accept_all(),
            Ready::Stop => {
                self.poller.stop_accepting();
                self.accepts = false;
            }
            Ready::Conn { key, fin_seen } => {
                if let Some(slot) = find(&mut self.slots, key) {
                    slot.ready = Some(fin_seen || slot.ready.unwrap_or(false));
                    // A coroutine in the queue has its turn there.
                    if !slot.queued {
                        return self.resume(key);
                    }
                }
            }
            Ready::Woken | Ready::Line(_) => {}
        }
        self
    }

    pub(crate) fn resume_queued(mut self: Box<Self>) -> Box<Self> {
        // Coroutines that are queued meanwhile have their turn after the next wait.
        for _ in 0..self.queue.len() {
            if let Some(key) = self.queue.pop_front()
                && let Some(slot) = find(&mut self.slots, key)
            {
                slot.queued = false;
                self = self.resume(key);
            }
        }
        self
    }

    /// Resumes the coroutines whose time has come.
    pub(crate) fn run_timers(mut self: Box<Self>) -> Box<Self> {
        // Most turns have no timer, and need no clock.
        if self.timers.is_empty() {
            return self;
        }
        let now = Instant::now();
        while let Some(alarm) = self.timers.pop_due(now) {
            match alarm {
                Alarm::Accept => {
                    self.accept_pauses = false;
                    self = self.accept_all();
                }
                Alarm::Resume(key) => {
                    if let Some(slot) = find(&mut self.slots, key) {
                        slot.timer = None;
                        self = self.resume(key);
                    }
                }
            }
        }
        self
    }

    /// Ends the loop. Coroutines that have not ended by the deadline are unwound: what is on their stacks is dropped.
    pub(crate) fn served(self: Box<Self>) -> Served {
        let counts = self.hub.as_ref().map(HubState::counts);
        self.door.entry.served(0, counts)
    }

    /// Accepts until no connection waits: edge-triggered polling reports many of them once.
    fn accept_all(mut self: Box<Self>) -> Box<Self> {
        while self.accepts && !self.accept_pauses {
            match accept(
                &mut self.poller,
                &self.door.entry,
                self.service,
                &mut self.backoff,
            ) {
                Next::Conn(conn, peer) => self = self.start(conn, peer),
                Next::Nothing => break,
                Next::Pause(pause) => {
                    self.accept_pauses = true;
                    self.timers.arm(Instant::now() + pause, Alarm::Accept);
                }
            }
        }
        self
    }

    /// Starts the coroutine of a connection, which runs until it waits for the first time.
    fn start(mut self: Box<Self>, mut conn: Conn, peer: SocketAddr) -> Box<Self> {
        self.generation = (self.generation + 1) % Key::GENERATIONS;
        let index = self.slots.vacant_key();
        let key = Key {
            index: index as u32,
            generation: self.generation,
        };
        let stack = match self.stacks.take() {
            Ok(stack) => stack,
            Err(error) => {
                refused(&error.text());
                return self;
            }
        };
        if let Err(error) = self.poller.watch(key, conn.stream()) {
            not_served("can't watch a connection", "无法监视连接", &error);
            self.stacks.give_back(stack);
            return self;
        }
        let overflow = self.door.overflow;
        let mailbox = self.hub.as_mut().map(|hub| {
            hub.connect(conn.id(), key);
            Box::new(Mailbox::new(overflow))
        });
        self.slots.insert(Slot {
            generation: key.generation,
            mailbox,
            ready: None,
            queued: false,
            timer: None,
        });
        self.stalls.name(index, peer);
        let fiber = Coroutine::with_stack(stack, move |yielder, fibers| {
            context::run(yielder, fibers, key, conn)
        });
        if self.suspended.len() <= index {
            self.suspended.resize_with(index + 1, || None);
        }
        self.suspended[index] = Some(fiber);
        self.resume(key)
    }

    /// Runs a coroutine until it waits or ends.
    fn resume(mut self: Box<Self>, key: Key) -> Box<Self> {
        let index = key.index as usize;
        let Some(mut fiber) = self.suspended[index].take() else {
            return self;
        };
        self.stalls.runs(index);
        match fiber.resume(self) {
            CoroutineResult::Yield(mut fibers) => {
                fibers.suspended[index] = Some(fiber);
                fibers
            }
            CoroutineResult::Return(mut fibers) => {
                fibers.slots.remove(index);
                fibers.stacks.give_back(fiber.into_stack());
                fibers
            }
        }
    }

    fn enqueue(&mut self, key: Key) {
        if let Some(slot) = find(&mut self.slots, key)
            && !mem::replace(&mut slot.queued, true)
        {
            self.queue.push_back(key);
        }
    }

    /// Arms a timer that resumes a coroutine, unless an earlier one is armed.
    fn wake_at(&mut self, key: Key, at: Instant) {
        if let Some(slot) = find(&mut self.slots, key)
            && slot.timer.is_none_or(|known| at < known)
        {
            slot.timer = Some(at);
            self.timers.arm(at, Alarm::Resume(key));
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
        let Some(slot) = find(slots, key) else {
            return Put::Refused;
        };
        let Some(mailbox) = &mut slot.mailbox else {
            return Put::Refused;
        };
        if !mem::replace(&mut slot.queued, true) {
            queue.push_back(key);
        }
        mailbox.put(mail)
    }
}
