//! # event-loop: the reactor
//!
//! One thread, and it never waits for anybody in particular. It asks the kernel one question,
//! "which of these sockets has something for me?" (`epoll_wait`), turns to each that has, does what
//! can be done *without waiting*, and asks again. nginx, Redis, Node.js and Python's asyncio all
//! stand on this loop.
//!
//! What a thread kept on its stack (how far the answer was sent, whether the peer has finished)
//! must now be written down: each connection becomes a small state machine ([`Conn`]), and the loop
//! a switchboard. Nothing is shared between threads, so nothing is locked: the hub of a service,
//! such as its chat rooms, is a plain value of the loop, and mail is put straight into the mailbox
//! of its receiver, who is served in the same round.
//!
//! **What blocks**: everything, if a handler does. A handler that sleeps 5 ms, or computes for 5
//! ms, stops the *whole port* for 5 ms. Waiting is done with a timer instead (`--work wait`), and
//! blocking or computing (`--work block`, `--work cpu`) is the mistake that this model doesn't
//! forgive.
//!
//! **What a connection costs**: a descriptor and some hundred bytes; no thread, no stack, no buffer
//! while it is idle. Per message `read` and `write`, and a share of one `epoll_wait`: under load
//! one call reports many sockets, so the busier the loop, the cheaper a message.
//!
//! **What breaks first**: its one core.
//!
//! Read on: D. Schmidt, "Reactor" (1995); `epoll(7)`, where edge-triggered polling is explained.

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

use crate::{
    Backend, Capacity, Door, Family, Served, Sheet, Workers,
    backoff::Backoff,
    blocking::perform,
    door::next_id,
    inbox::Inbox,
    log::not_served,
    mailbox::{Mailbox, Put},
    nonblocking::{Conn, Scratch, Step},
    switchboard::{Switchboard, Word},
    timers::Timers,
    trace::{self, Span},
};

pub(crate) struct Model;

static SHEET: Sheet = Sheet {
    name: "event-loop",
    family: Family::Event,
    term: "reactor, one thread (mio)",
    idea: "One thread asks which sockets are ready and serves each without ever waiting for it.",
    blocks: "everybody, whenever a handler blocks or computes",
    cost: "an entry in a table, no thread; 2 system calls and a share of one epoll_wait per message",
    breaks_first: "its one core",
    teaches: "readiness, state machines, and never to block the loop",
    source: "D. Schmidt, Reactor (1995); epoll(7)",
    workers: Workers::None,
    serves: Capacity::Open,
    hub: Ok("a plain value of the loop, which needs no lock"),
    survives_blocking: false,
};

impl Backend for Model {
    fn sheet(&self) -> &'static Sheet {
        &SHEET
    }

    fn serve(&self, door: Door, service: &'static dyn Service) -> io::Result<Served> {
        let poll = Poll::new()?;
        Reactor::new(&door, service, poll, OnTheLoop)?.run()
    }
}

/// Who does the work that a handler asks for and that is not waiting.
pub(super) trait Crew {
    /// Does `work` at once and returns true, or takes it away, and gives `key` back through
    /// [`Crew::finished`] some time later, having woken the loop.
    fn take(&mut self, key: Key, work: Work) -> bool;

    /// A connection whose work was taken away and is done now.
    fn finished(&mut self) -> Option<Key>;
}

/// This model's crew: the loop itself. Meanwhile nobody is served, and that is the lesson.
struct OnTheLoop;

impl Crew for OnTheLoop {
    fn take(&mut self, _key: Key, work: Work) -> bool {
        perform(work);
        true
    }

    fn finished(&mut self) -> Option<Key> {
        None
    }
}

/// Which connection is meant: its place in the slab, and its generation. A place is taken by the
/// next connection at once, and an event or a job may still be on its way to the last one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    place: u32,
    generation: u32,
}

/// A connection in its place.
struct Seat {
    conn: Conn,
    /// Where its mail waits, if the service has a hub.
    mailbox: Option<Box<Mailbox>>,
    generation: u32,
    /// It stands in the queue of those that could go on, once.
    queued: bool,
    /// When a timer will look at it.
    looked_at: Option<Instant>,
}

/// How a connection is to go on.
#[derive(Clone, Copy)]
enum How {
    Advance,
    WorkDone,
}

/// What a timer is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Alarm {
    /// Accepting goes on.
    Accept,
    /// A handler has waited, or a connection that leaves has had its time.
    Done(Key),
    /// A time limit of a connection may have passed.
    Look(Key),
}

/// The loop: what it watches, and what it has to do.
pub(super) struct Reactor<'door, C> {
    door: &'door Door,
    service: &'static dyn Service,
    crew: C,
    poll: Poll,
    listener: Option<TcpListener>,
    conns: Slab<Seat>,
    /// The half that all connections share, if the service has one.
    switchboard: Option<Switchboard<Key>>,
    generation: u32,
    /// Connections that could go on, but had had their turn.
    again: VecDeque<Key>,
    timers: Timers<Alarm>,
    /// Accepting rests until its timer fires.
    resting: bool,
    backoff: Backoff,
    scratch: Scratch,
}

const LISTENER: Token = Token(usize::MAX);
const STOP: Token = Token(usize::MAX - 1);
/// For a crew that works elsewhere: rung when something is finished.
pub(super) const FINISHED: Token = Token(usize::MAX - 2);

impl<'door, C: Crew> Reactor<'door, C> {
    pub(super) fn new(
        door: &'door Door,
        service: &'static dyn Service,
        poll: Poll,
        crew: C,
    ) -> io::Result<Self> {
        let mut listener = TcpListener::from_std(door.entry.listener()?);
        poll.registry()
            .register(&mut listener, LISTENER, Interest::READABLE)?;
        let stop = door.entry.stop.fd().as_raw_fd();
        poll.registry()
            .register(&mut SourceFd(&stop), STOP, Interest::READABLE)?;
        Ok(Self {
            door,
            service,
            crew,
            poll,
            listener: Some(listener),
            conns: Slab::new(),
            switchboard: service.hub().map(Switchboard::new),
            generation: 0,
            again: VecDeque::new(),
            timers: Timers::new(),
            resting: false,
            backoff: Backoff::new(),
            scratch: Scratch::new(),
        })
    }

    /// Ask, serve, repeat; until the listener is gone and the last connection has ended
    /// or been cut.
    pub(super) fn run(mut self) -> io::Result<Served> {
        trace::role("loop");
        let mut events = Events::with_capacity(1024);
        let stop = &self.door.entry.stop;
        while self.listener.is_some() || (!self.conns.is_empty() && !stop.is_past_deadline()) {
            let patience = if self.again.is_empty() {
                self.timers.next()
            } else {
                Some(Duration::ZERO)
            };
            let waiting = trace::start();
            let polled = self.poll.poll(&mut events, patience);
            waiting.idle();
            match polled {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                result => result?,
            }
            for event in &events {
                match event.token() {
                    LISTENER => self.accept_all(),
                    STOP => self.listener = None,
                    FINISHED => {}
                    token => self.ready(token, event),
                }
            }
            for _ in 0..self.again.len() {
                let key = self
                    .again
                    .pop_front()
                    .expect("its length was just asked for");
                if let Some(seat) = self.seat(key) {
                    seat.queued = false;
                    self.step(key, How::Advance);
                }
            }
            while let Some(key) = self.crew.finished() {
                self.step(key, How::WorkDone);
            }
            let now = Instant::now();
            while let Some(timer) = self.timers.pop_due(now) {
                match timer {
                    Alarm::Done(key) => self.step(key, How::WorkDone),
                    Alarm::Look(key) => {
                        if let Some(seat) = self.seat(key) {
                            seat.looked_at = None;
                            self.step(key, How::Advance);
                        }
                    }
                    Alarm::Accept => {
                        self.resting = false;
                        self.accept_all();
                    }
                }
            }
        }
        let counts = self.switchboard.map(|switchboard| switchboard.counts());
        Ok(self.door.entry.served(0, counts))
    }

    /// Accepts until nobody is left: edge-triggered polling tells of a crowd only once.
    fn accept_all(&mut self) {
        while let Some(listener) = self.listener.as_ref().filter(|_| !self.resting) {
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
                    self.welcome(Conn::new(stream, session, span, admission));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                // The listener has been shut by the stop signal, whose own event is on its way.
                Err(_) if self.door.entry.stop.is_set() => return,
                Err(error) => {
                    if let Some(pause) = self.backoff.after(&error) {
                        self.resting = true;
                        return self.timers.arm(Instant::now() + pause, Alarm::Accept);
                    }
                }
            }
        }
    }

    fn welcome(&mut self, mut conn: Conn) {
        self.generation = self.generation.wrapping_add(1);
        let place = self.conns.vacant_key() as u32;
        let key = Key {
            place,
            generation: self.generation,
        };
        let both = Interest::READABLE | Interest::WRITABLE;
        if let Err(error) = self
            .poll
            .registry()
            .register(conn.stream(), key.into(), both)
        {
            return not_served("can't watch a connection", &error);
        }
        let mailbox = self.switchboard.as_mut().map(|switchboard| {
            switchboard.connect(conn.id(), key);
            Box::new(Mailbox::new(self.door.overflow))
        });
        self.conns.insert(Seat {
            conn,
            mailbox,
            generation: self.generation,
            queued: false,
            looked_at: None,
        });
        self.step(key, How::Advance);
    }

    fn ready(&mut self, token: Token, event: &event::Event) {
        let key = Key::from(token);
        let Some(seat) = self.seat(key) else { return };
        seat.conn.is_ready(event.is_read_closed());
        // Who stands in the queue has its turn there.
        if !seat.queued {
            self.step(key, How::Advance);
        }
    }

    /// Lets a connection go on, and does what it then asks for.
    fn step(&mut self, key: Key, mut how: How) {
        loop {
            // A job or a timer may be on its way to a connection that has ended.
            let Some(seat) = self.conns.get_mut(key.place as usize) else {
                return;
            };
            if seat.generation != key.generation {
                return;
            }
            let step = match how {
                How::WorkDone => seat.conn.work_done(),
                How::Advance => {
                    let inbox = seat.mailbox.as_deref_mut();
                    let inbox = inbox.map(|mailbox| mailbox as &mut dyn Inbox);
                    seat.conn.advance(&mut self.scratch, inbox)
                }
            };
            self.carry_posts(key);
            self.set_alarm(key);
            match step {
                Step::Idle => return,
                Step::Yield => return self.queue(key),
                Step::Work(Work::Wait(time)) => {
                    return self.timers.arm(Instant::now() + time, Alarm::Done(key));
                }
                Step::Leave(time) => {
                    // It hears nothing any more, and the others needn't wait to be told.
                    self.take_off(key);
                    self.timers.arm(Instant::now() + time, Alarm::Done(key));
                    how = How::Advance;
                }
                Step::Work(work) => {
                    let done_already = self.crew.take(key, work);
                    if !done_already {
                        return;
                    }
                    how = How::WorkDone;
                }
                Step::Done => {
                    self.take_off(key);
                    let mut seat = self.conns.remove(key.place as usize);
                    // Dropping closes the socket, and closing takes it out of the poller; but a stop may keep the socket
                    // open until the peer has taken its answers.
                    if self.door.entry.stop.is_set() {
                        let _ = self.poll.registry().deregister(seat.conn.stream());
                    }
                    return;
                }
            }
        }
    }

    /// Whoever could go on stands in the queue once.
    fn queue(&mut self, key: Key) {
        if let Some(seat) = self.seat(key)
            && !std::mem::replace(&mut seat.queued, true)
        {
            self.again.push_back(key);
        }
    }

    /// Has a connection looked at when its next time limit passes.
    fn set_alarm(&mut self, key: Key) {
        let Some(seat) = self.conns.get_mut(key.place as usize) else {
            return;
        };
        if let Some(at) = seat.conn.deadline()
            && seat.looked_at.is_none_or(|known| at < known)
        {
            seat.looked_at = Some(at);
            self.timers.arm(at, Alarm::Look(key));
        }
    }

    /// Hands what a session has posted to the hub.
    fn carry_posts(&mut self, key: Key) {
        let Some(seat) = self.conns.get(key.place as usize) else {
            return;
        };
        let id = seat.conn.id();
        // Whatever posts has a hub to post to.
        let Some(switchboard) = &mut self.switchboard else {
            return;
        };
        for post in self.scratch.outbox.posts() {
            let put = putter(&mut self.conns, &mut self.again);
            switchboard.hear(id, &Word::Post(post), put);
        }
    }

    /// Takes a connection that ends off the switchboard, if it is on it.
    fn take_off(&mut self, key: Key) {
        let Some(switchboard) = &mut self.switchboard else {
            return;
        };
        let seat = &self.conns[key.place as usize];
        let (id, how) = (seat.conn.id(), seat.conn.how());
        // When all go, nobody is left to be told.
        if !self.door.entry.stop.is_set() {
            let put = putter(&mut self.conns, &mut self.again);
            switchboard.hear(id, &Word::Gone(how), put);
        }
    }

    /// Who sits there, unless it is somebody else by now.
    fn seat(&mut self, key: Key) -> Option<&mut Seat> {
        let seat = self.conns.get_mut(key.place as usize)?;
        (seat.generation == key.generation).then_some(seat)
    }
}

/// Puts mail into its receiver's mailbox, and the receiver into the queue.
fn putter<'a>(
    conns: &'a mut Slab<Seat>,
    again: &'a mut VecDeque<Key>,
) -> impl FnMut(&Key, ConnId, Mail) -> Put + 'a {
    |key, _, mail| {
        // Who has ended has been taken off the switchboard.
        let Some(seat) = conns.get_mut(key.place as usize) else {
            return Put::Refused;
        };
        let Some(mailbox) = &mut seat.mailbox else {
            return Put::Refused;
        };
        if !std::mem::replace(&mut seat.queued, true) {
            again.push_back(*key);
        }
        mailbox.put(mail)
    }
}

impl From<Key> for Token {
    fn from(key: Key) -> Self {
        Self((key.generation as usize) << 32 | key.place as usize)
    }
}

impl From<Token> for Key {
    fn from(token: Token) -> Self {
        Self {
            place: token.0 as u32,
            generation: (token.0 >> 32) as u32,
        }
    }
}
