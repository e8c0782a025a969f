//! The reactor: the state of a loop that asks which sockets are ready, and serves each without waiting for it.
//!
//! The loop itself stands in `serve` of the models, which differ in the [`Executor`] that they give it.

use std::{
    collections::VecDeque,
    io, mem,
    time::{Duration, Instant},
};

use portlab_service::{Cut, Service, Work};
use slab::Slab;

use super::{
    accept::{Next, accept},
    conn::{Conn, Scratch, Step},
    poller::{Key, Poller, Ready},
};
use crate::{
    Served,
    door::{Entry, backoff::Backoff},
    drivers::{
        held::Held,
        work::{Done, Job},
    },
    hub::{inbox::Inbox, looped::LoopHub, state::HubEvent},
    log::not_served,
    timers::Timers,
    trace,
};

/// Does the jobs of connections, except waiting, for which the reactor has timers.
pub(crate) trait Executor {
    /// Whether the loop itself may wait for a disk. Then files go straight to sockets; if not, jobs read them.
    const WAITS_FOR_DISKS: bool;

    /// Does `job` at once and returns what came of it; or hands it to another thread and returns `None`. Then
    /// [`Reactor::job_done`] must be called with `key` when the job is done.
    fn execute(&mut self, key: Key, job: Job) -> Option<Done>;
}

/// The loop does all work itself, and serves no connection meanwhile. That is the lesson of a loop.
pub(crate) struct OnTheLoop;

impl Executor for OnTheLoop {
    const WAITS_FOR_DISKS: bool = true;

    fn execute(&mut self, _key: Key, job: Job) -> Option<Done> {
        Some(job.perform())
    }
}

struct Slot<S> {
    conn: Conn<S>,
    /// Where its mail waits, if the service has a hub.
    inbox: Option<Box<dyn Inbox>>,
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

pub(crate) struct Reactor<'door, E, P: Poller> {
    entry: &'door Entry,
    service: &'static dyn Service,
    executor: E,
    poller: P,
    accepts: bool,
    slots: Slab<Slot<P::Socket>>,
    /// The half that all connections share, if the service has one.
    hub: Option<Box<dyn LoopHub<Key>>>,
    generation: u32,
    /// Connections that can go on: they have mail, or have had their turn and have more input.
    queue: VecDeque<Key>,
    /// Connections that have got mail and aren't in the queue yet.
    woken: Vec<Key>,
    timers: Timers<Alarm>,
    accept_pauses: bool,
    backoff: Backoff,
    scratch: Scratch,
}

impl<'door, E: Executor, P: Poller> Reactor<'door, E, P> {
    pub(crate) fn new(
        entry: &'door Entry,
        service: &'static dyn Service,
        poller: P,
        executor: E,
        hub: Option<Box<dyn LoopHub<Key>>>,
    ) -> Self {
        trace::role("loop");
        Self {
            entry,
            service,
            executor,
            poller,
            accepts: true,
            slots: Slab::new(),
            hub,
            generation: 0,
            queue: VecDeque::new(),
            woken: Vec::new(),
            timers: Timers::new(),
            accept_pauses: false,
            backoff: Backoff::new(),
            scratch: Scratch::new(match E::WAITS_FOR_DISKS {
                true => |_| true,
                false => Held::is_in_memory,
            }),
        }
    }

    /// Serves until the server has stopped.
    ///
    /// # Errors
    /// When the system can't poll.
    pub(crate) fn run(&mut self) -> io::Result<()> {
        let mut ready = Vec::new();
        while self.is_open() {
            self.wait(&mut ready)?;
            for event in ready.drain(..) {
                self.handle(event);
            }
            self.advance_queued();
            self.run_timers();
        }
        Ok(())
    }

    /// Whether the loop goes on: it accepts; or the deadline of a stop has not passed, and connections are open or other
    /// loops need the hub of this one.
    pub(crate) fn is_open(&self) -> bool {
        let is_needed = || self.hub.as_ref().is_some_and(|hub| hub.is_needed());
        self.accepts
            || (!self.entry.stop.is_past_deadline() && (!self.slots.is_empty() || is_needed()))
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
        let waiting = trace::wait();
        let waited = self.poller.wait(patience, ready);
        waiting.idle();
        waited
    }

    /// Serves the socket that is ready, as far as that goes without waiting.
    pub(crate) fn handle(&mut self, event: Ready) {
        match event {
            Ready::Conn { key, fin_seen } => self.ready(key, fin_seen),
            Ready::Listener => self.accept_all(),
            Ready::Woken => {
                if let Some(hub) = &mut self.hub {
                    hub.fetch(&mut self.woken);
                    self.enqueue_woken();
                }
            }
            Ready::Line(key) => self.fetch_line(key),
            Ready::Stop => {
                self.poller.stop_accepting();
                self.accepts = false;
            }
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
        // Most turns have no timer, and need no clock.
        if self.timers.is_empty() {
            return;
        }
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
                    self.poller.pause_accepting(false);
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
        let counts = self.hub.and_then(|hub| hub.counts());
        self.entry.served(0, counts)
    }

    /// Accepts until no connection waits: edge-triggered polling reports many of them once.
    fn accept_all(&mut self) {
        while self.accepts && !self.accept_pauses {
            match accept(
                &mut self.poller,
                self.entry,
                self.service,
                &mut self.backoff,
            ) {
                Next::Conn(conn, _) => self.add(conn),
                Next::Nothing => return,
                Next::Pause(pause) => {
                    self.accept_pauses = true;
                    self.poller.pause_accepting(true);
                    self.timers.arm(Instant::now() + pause, Alarm::Accept);
                }
            }
        }
    }

    fn add(&mut self, mut conn: Conn<P::Socket>) {
        self.generation = (self.generation + 1) % Key::GENERATIONS;
        let key = Key {
            index: self.slots.vacant_key() as u32,
            generation: self.generation,
        };
        if let Err(error) = self.poller.watch(key, conn.stream()) {
            not_served("can't watch a connection", "无法监视连接", &error);
            return self.poller.forget(key, conn.into_socket());
        }
        let hub = self.hub.as_mut();
        let inbox = match hub.map(|hub| hub.connect(conn.id(), key)).transpose() {
            Ok(inbox) => inbox,
            Err(error) => {
                not_served(
                    "can't connect a connection to the hub",
                    "无法把连接接到中枢（hub）",
                    &error,
                );
                return self.poller.forget(key, conn.into_socket());
            }
        };
        self.slots.insert(Slot {
            conn,
            inbox,
            generation: self.generation,
            queued: false,
            limit_timer: None,
        });
        self.step(key, Call::Advance);
    }

    /// Takes in what has come on a connection's line to the hub.
    fn fetch_line(&mut self, key: Key) {
        let Some(hub) = &mut self.hub else {
            return;
        };
        if hub.fetch_line(key, &mut self.woken).is_err()
            && let Some(slot) = find(&mut self.slots, key)
        {
            // At a stop that is expected, and the peer gets no message about it.
            let step = match self.entry.stop.is_set() {
                true => Step::Done,
                false => slot.conn.cut(Cut::HubLost, &mut self.scratch),
            };
            self.obey(key, step);
        }
        self.enqueue_woken();
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
    fn step(&mut self, key: Key, call: Call) {
        // A job or a timer may be on its way to a connection that has ended.
        let Some(slot) = find(&mut self.slots, key) else {
            return;
        };
        let step = match call {
            Call::Done(done) => slot.conn.job_done(done, &mut self.scratch),
            // Until its posts are with the hub, it posts no more.
            Call::Advance if slot.inbox.as_mut().is_some_and(|inbox| inbox.is_behind()) => return,
            Call::Advance => {
                let inbox = slot
                    .inbox
                    .as_mut()
                    .map(|inbox| &mut **inbox as &mut dyn Inbox);
                slot.conn.advance(&mut self.scratch, inbox)
            }
        };
        self.obey(key, step);
    }

    fn obey(&mut self, key: Key, step: Step) {
        self.carry_posts(key);
        self.arm_limit(key);
        match step {
            Step::Idle => {}
            Step::Yield => self.enqueue(key),
            Step::Job(Job::Work(Work::Wait(time))) => {
                trace::timer(time);
                self.timers.arm(Instant::now() + time, Alarm::Done(key));
            }
            Step::Job(job) => {
                if let Some(done) = self.executor.execute(key, job) {
                    return self.step(key, Call::Done(done));
                }
            }
            Step::Linger(time) => {
                // A connection that lingers gets no more mail, so it leaves the hub at once.
                self.leave_hub(key);
                self.timers.arm(Instant::now() + time, Alarm::Done(key));
                return self.step(key, Call::Advance);
            }
            Step::Done => return self.remove(key),
        }
        if let Some(slot) = find(&mut self.slots, key) {
            self.poller.settle(key, &mut slot.conn);
        }
    }

    fn enqueue(&mut self, key: Key) {
        if let Some(slot) = find(&mut self.slots, key)
            && !mem::replace(&mut slot.queued, true)
        {
            self.queue.push_back(key);
        }
    }

    fn remove(&mut self, key: Key) {
        self.leave_hub(key);
        let slot = self.slots.remove(key.index as usize);
        self.poller.forget(key, slot.conn.into_socket());
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
                hub.tell(id, HubEvent::Post(post), &mut self.woken);
            }
            self.enqueue_woken();
        }
    }

    /// Takes a connection that ends out of the hub, unless it has left already.
    fn leave_hub(&mut self, key: Key) {
        // At a stop all connections end, and the hub need not report each end to the other members.
        if let Some(hub) = &mut self.hub
            && !self.entry.stop.is_set()
        {
            let conn = &self.slots[key.index as usize].conn;
            let (id, reason) = (conn.id(), conn.close_reason());
            hub.tell(id, HubEvent::Gone(reason), &mut self.woken);
            self.enqueue_woken();
        }
    }

    fn enqueue_woken(&mut self) {
        let mut woken = mem::take(&mut self.woken);
        woken.drain(..).for_each(|key| self.enqueue(key));
        self.woken = woken;
    }
}

/// The slot for `key`; `None` if the slot was reused.
fn find<S>(slots: &mut Slab<Slot<S>>, key: Key) -> Option<&mut Slot<S>> {
    let slot = slots.get_mut(key.index as usize)?;
    (slot.generation == key.generation).then_some(slot)
}
