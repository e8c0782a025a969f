//! A set of threads (POSA2): threads that take turns to wait for one event, and handle it themselves.
//!
//! The connections are those of the reactor ([`Conn`]), each behind a lock of its own. No job and no event goes from one
//! thread to another: [`Turns`] says which thread waits, and a [`Claim`] which thread has a connection.

use std::{
    io,
    sync::{Arc, Mutex, MutexGuard},
    task::{Wake, Waker},
    time::{Duration, Instant},
};

use mio::{Events, Interest, Poll, Registry, Token, net::TcpListener};
use portlab_service::{Service, Work};
use portlab_sys::stop::Interruptible;
use slab::Slab;

use super::{
    conn::{Conn, Scratch, Step},
    epoll::{BOTH, LISTENER, WOKEN, meaning, watch_stop},
    poller::{Key, Ready},
    turns::{Claim, Turn, Turns, why},
};
use crate::{
    Served,
    door::{Entry, backoff::Backoff, next_id},
    drivers::work::{Done, Job},
    hub::{locked::LockedHub, mailbox::Overflow, shared_mailbox::SharedMailbox, state::HubEvent},
    log::not_served,
    trace::{self, Span},
};

/// What a thread has to do when no event tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Task {
    /// Connections are accepted. The thread that queued this has left the claim to the next one.
    Accept,
    /// A connection goes on. The thread that queued this has left the claim to the next one.
    GoOn(Key),
    /// A connection goes on for these reasons, unless another thread has it.
    Call(Key, u64),
    /// The deadline of a stop has passed.
    End,
}

/// All that the threads share.
pub(crate) struct ThreadSet<'door> {
    entry: &'door Entry,
    service: &'static dyn Service,
    hub: Option<LockedHub>,
    turns: Arc<Turns<Task>>,
    /// Locked by the leader, while it waits.
    poll: Mutex<(Poll, Events)>,
    registry: Registry,
    acceptor: Mutex<Acceptor>,
    accepts: Claim,
    slots: Mutex<Slab<Arc<Slot>>>,
}

struct Acceptor {
    /// `None` once the server stops.
    listener: Option<TcpListener>,
    backoff: Backoff,
    generation: u32,
}

struct Slot {
    key: Key,
    claim: Claim,
    turns: Arc<Turns<Task>>,
    /// Where its mail waits, if the service has a hub.
    mailbox: Option<Arc<SharedMailbox>>,
    /// Locked by the thread that has the claim, and so without a wait. `None` once the connection has ended.
    talk: Mutex<Option<Talk>>,
}

struct Talk {
    conn: Conn,
    /// When the earliest timer for one of its time limits fires.
    limit_timer: Option<Instant>,
}

/// How far a connection has gone.
enum Gone {
    /// It waits for an event, for mail or for a timer.
    Waits,
    /// It can go on, but others have their turn first.
    Yields,
    ToItsEnd,
}

impl<'door> ThreadSet<'door> {
    /// Watches the listener of `entry` and the stop signal, for threads that are not running yet.
    ///
    /// # Errors
    /// When no descriptor is left.
    pub(crate) fn new(
        entry: &'door Entry,
        service: &'static dyn Service,
        overflow: Overflow,
    ) -> io::Result<Self> {
        let poll = Poll::new()?;
        let registry = poll.registry().try_clone()?;
        let mut listener = TcpListener::from_std(entry.listener()?);
        registry.register(&mut listener, LISTENER, Interest::READABLE)?;
        watch_stop(&registry, &entry.stop)?;
        let waker = mio::Waker::new(&registry, WOKEN)?;
        // It fails only if the process has no memory left; then the leader waits for its next event or timer.
        let wake_leader = move || drop(waker.wake());
        Ok(Self {
            entry,
            service,
            hub: LockedHub::of(service, overflow),
            turns: Arc::new(Turns::new(Box::new(wake_leader))),
            poll: Mutex::new((poll, Events::with_capacity(1))),
            registry,
            acceptor: Mutex::new(Acceptor {
                listener: Some(listener),
                backoff: Backoff::new(),
                generation: 0,
            }),
            accepts: Claim::free(),
            slots: Mutex::new(Slab::new()),
        })
    }

    /// The next turn of the calling thread; the thread waits until there is one. `has_led`: it has just led.
    pub(crate) fn next(&self, has_led: bool) -> Turn<Task> {
        let waiting = trace::wait();
        let turn = self.turns.next(has_led);
        waiting.idle();
        turn
    }

    /// Waits for one event, and then lets the next thread lead.
    ///
    /// # Errors
    /// When the system can't poll.
    pub(crate) fn lead(&self, patience: Option<Duration>) -> io::Result<Option<Ready>> {
        let mut leader = lock(&self.poll);
        let (poll, events) = &mut *leader;
        let waiting = trace::wait();
        let polled = poll.poll(events, patience);
        waiting.idle();
        let event = events.iter().next().map(meaning);
        drop(leader);
        let event = event.filter(|event| *event != Ready::Woken);
        self.turns.promote(event.is_some());
        match polled {
            // A signal: `events` is empty.
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(None),
            polled => polled.map(|()| event),
        }
    }

    /// Handles the event that the calling thread has waited for.
    pub(crate) fn handle(&self, event: Ready, scratch: &mut Scratch) {
        match event {
            Ready::Conn { key, fin_seen } => {
                let fin = if fin_seen { why::FIN } else { 0 };
                self.call(key, why::READY | fin, scratch);
            }
            Ready::Listener if self.accepts.call(why::READY) => self.accept(scratch),
            Ready::Stop => self.stop(),
            Ready::Listener | Ready::Woken | Ready::Line(_) => {}
        }
    }

    pub(crate) fn work(&self, task: Task, scratch: &mut Scratch) {
        match task {
            Task::Accept => self.accept(scratch),
            Task::GoOn(key) => {
                if let Some(slot) = self.find(key) {
                    self.serve(&slot, scratch);
                }
            }
            Task::Call(key, why) => self.call(key, why, scratch),
            Task::End => self.turns.end(),
        }
    }

    /// All threads end.
    pub(crate) fn end(&self) {
        self.turns.end();
    }

    pub(crate) fn served(self) -> Served {
        let counts = self.hub.map(|hub| hub.counts());
        self.entry.served(0, counts)
    }

    /// The slot for `key`; `None` if the slot was reused.
    fn find(&self, key: Key) -> Option<Arc<Slot>> {
        let slots = lock(&self.slots);
        let slot = slots.get(key.index as usize)?;
        (slot.key == key).then(|| Arc::clone(slot))
    }

    /// Accepts a connection and serves it, while another thread accepts the next one.
    fn accept(&self, scratch: &mut Scratch) {
        loop {
            self.accepts.reasons();
            let mut acceptor = lock(&self.acceptor);
            let Some(listener) = &acceptor.listener else {
                return;
            };
            let accepting = trace::start();
            match listener.accept() {
                Ok((stream, peer)) => {
                    let span = Span::new(next_id());
                    accepting.accepted(&span, peer, listener);
                    acceptor.backoff.reset();
                    acceptor.generation = (acceptor.generation + 1) % Key::GENERATIONS;
                    let generation = acceptor.generation;
                    drop(acceptor);
                    let stream = Interruptible::new(stream);
                    let Some(admission) = self.entry.admit(&*stream) else {
                        continue;
                    };
                    self.turns.push(Task::Accept);
                    let session = self.service.open(span.id(), peer);
                    let conn = Conn::new(stream, session, span, admission);
                    return self.add(conn, generation, scratch);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    if self.accepts.release() {
                        return;
                    }
                }
                // The stop signal has shut the listener; the event of the signal follows.
                Err(_) if self.entry.stop.is_set() => return,
                Err(error) => {
                    if let Some(pause) = acceptor.backoff.after(&error) {
                        drop(acceptor);
                        return self.turns.arm(Instant::now() + pause, Task::Accept);
                    }
                }
            }
        }
    }

    fn add(&self, conn: Conn, generation: u32, scratch: &mut Scratch) {
        let mailbox = self.hub.as_ref().map(|hub| hub.connect(conn.id()));
        let mut slots = lock(&self.slots);
        let key = Key {
            index: slots.vacant_key() as u32,
            generation,
        };
        let slot = Arc::new(Slot {
            key,
            claim: Claim::held(),
            turns: Arc::clone(&self.turns),
            mailbox,
            talk: Mutex::new(Some(Talk {
                conn,
                limit_timer: None,
            })),
        });
        slots.insert(Arc::clone(&slot));
        drop(slots);
        // An event may come at once, to another thread, which finds the slot and leaves the event to this one.
        let mut talk = lock(&slot.talk);
        let watched = talk.as_mut().map_or(Ok(()), |talk| {
            let token = Token(key.number() as usize);
            self.registry
                .register(&mut **talk.conn.stream(), token, BOTH)
        });
        drop(talk);
        match watched {
            Ok(()) => self.serve(&slot, scratch),
            Err(error) => {
                not_served("can't watch a connection", "无法监视连接", &error);
                self.remove(&slot);
            }
        }
    }

    /// The stop signal has come: accepts no further connection.
    fn stop(&self) {
        if let Some(mut listener) = lock(&self.acceptor).listener.take() {
            let _ = self.registry.deregister(&mut listener);
        }
        self.turns.arm(self.entry.stop.deadline(), Task::End);
        self.end_if_empty();
    }

    /// After a stop, the threads end with the last connection.
    fn end_if_empty(&self) {
        if self.entry.stop.is_set()
            && lock(&self.acceptor).listener.is_none()
            && lock(&self.slots).is_empty()
        {
            self.turns.end();
        }
    }

    fn call(&self, key: Key, why: u64, scratch: &mut Scratch) {
        // An event or a timer may be on its way to a connection that has ended.
        if let Some(slot) = self.find(key)
            && slot.claim.call(why)
        {
            self.serve(&slot, scratch);
        }
    }

    /// Serves a connection that the calling thread has the claim for, until the connection waits.
    fn serve(&self, slot: &Arc<Slot>, scratch: &mut Scratch) {
        let mut talk = lock(&slot.talk);
        while let Some(talk) = &mut *talk {
            let reasons = slot.claim.reasons();
            if reasons & why::READY != 0 {
                talk.conn.is_ready(reasons & why::FIN != 0);
            }
            if reasons & why::LIMIT != 0 {
                talk.limit_timer = None;
            }
            let step = match reasons & why::DONE {
                0 => slot.advance(&mut talk.conn, scratch),
                _ => talk.conn.job_done(Done::Work, scratch),
            };
            match self.obey(slot, talk, step, scratch) {
                Gone::Waits if slot.claim.release() => return,
                // A reason has come meanwhile.
                Gone::Waits => {}
                Gone::Yields => return self.turns.push_own(Task::GoOn(slot.key)),
                Gone::ToItsEnd => break,
            }
        }
        drop(talk);
        self.remove(slot);
    }

    /// Does what the [`Step`] of a connection asks for.
    fn obey(
        &self,
        slot: &Arc<Slot>,
        talk: &mut Talk,
        mut step: Step,
        scratch: &mut Scratch,
    ) -> Gone {
        let done_in = |time| {
            let task = Task::Call(slot.key, why::DONE);
            self.turns.arm(Instant::now() + time, task);
        };
        loop {
            if let Some(hub) = &self.hub {
                for post in scratch.outbox.posts() {
                    hub.handle(talk.conn.id(), &HubEvent::Post(post));
                }
            }
            self.arm_limit(slot.key, talk);
            step = match step {
                Step::Idle => return Gone::Waits,
                Step::Yield => return Gone::Yields,
                Step::Job(Job::Work(Work::Wait(time))) => {
                    trace::timer(time);
                    done_in(time);
                    return Gone::Waits;
                }
                // The thread that has waited for the event does the work, too.
                Step::Job(job) => talk.conn.job_done(job.perform(), scratch),
                Step::Linger(time) => {
                    // A connection that lingers gets no more mail, so it leaves the hub at once.
                    self.leave_hub(&talk.conn);
                    done_in(time);
                    slot.advance(&mut talk.conn, scratch)
                }
                Step::Done => return Gone::ToItsEnd,
            };
        }
    }

    /// Removes a connection; the calling thread keeps its claim for ever.
    fn remove(&self, slot: &Slot) {
        let Some(talk) = lock(&slot.talk).take() else {
            return;
        };
        self.leave_hub(&talk.conn);
        lock(&self.slots).remove(slot.key.index as usize);
        let mut socket = talk.conn.into_socket();
        // A socket that is closed leaves the poller; but a stop may keep it open until the peer has taken its answers.
        if self.entry.stop.is_set() {
            let _ = self.registry.deregister(&mut *socket);
        }
        drop(socket);
        self.end_if_empty();
    }

    /// Arms a timer for the next time limit of a connection, unless an earlier one is armed.
    fn arm_limit(&self, key: Key, talk: &mut Talk) {
        if let Some(at) = talk.conn.deadline()
            && talk.limit_timer.is_none_or(|known| at < known)
        {
            talk.limit_timer = Some(at);
            self.turns.arm(at, Task::Call(key, why::LIMIT));
        }
    }

    /// Takes a connection that ends out of the hub, unless it has left already.
    fn leave_hub(&self, conn: &Conn) {
        // At a stop all connections end, and the hub need not report each end to the other members.
        if let Some(hub) = &self.hub
            && !self.entry.stop.is_set()
        {
            hub.handle(conn.id(), &HubEvent::Gone(conn.close_reason()));
        }
    }
}

impl Slot {
    fn advance(self: &Arc<Self>, conn: &mut Conn, scratch: &mut Scratch) -> Step {
        match &self.mailbox {
            None => conn.advance(scratch, None),
            Some(mailbox) => {
                let waker = Waker::from(Arc::clone(self));
                conn.advance(scratch, Some(&mut (&**mailbox, &waker)))
            }
        }
    }
}

/// Mail has come for the connection: a thread takes it, or the thread that has the connection does.
impl Wake for Slot {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if self.claim.call(why::MAIL) {
            self.turns.push(Task::GoOn(self.key));
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex
        .lock()
        .expect("sessions that panic are caught, and no other code panics while it holds a lock")
}
