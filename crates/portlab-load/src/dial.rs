//! Making connections, ending them, and replacing them.

use std::{io, sync::atomic::Ordering::Relaxed, time::Duration};

use mio::{Interest, Token};

use crate::{
    Cause, Phase, Plan,
    dialogue::{Broken, Dialogue},
    outages::Reach,
    stage::Stage,
    stream::Stream,
    timers::TimerEvent,
    worker::{Slot, Worker, WorkerEvent},
};

/// How many connections a thread makes at once: more would overrun a server's accept queue, so that retransmitted
/// handshakes would be measured.
const CONNECTING_AT_ONCE: usize = 64;

/// In churn, how long a slot waits after a failed connection before the next attempt, and how many attempts in a row
/// may fail.
const RETRY: Duration = Duration::from_millis(100);
const RETRIES: u8 = 10;

/// With `--reconnect`, how long a slot waits after a connection without an answer: twice as long each time.
const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// How many connections are begun before the poller is called again: with more, the event of an earlier connection
/// would be handled late, and the connection would seem slow.
const BEGUN_AT_ONCE: usize = 8;

impl<C: Dialogue> Worker<C> {
    /// Begins to make the connections whose turn has come, some at a time; reports to the coordinator when the first
    /// round is complete.
    pub(crate) fn dial(&mut self) {
        for _ in 0..BEGUN_AT_ONCE {
            let Some(&slot) = self.dialling.waiting.front() else {
                break;
            };
            if self.is_full() || self.turn_of(slot) > self.state.now() {
                break;
            }
            self.dialling.waiting.pop_front();
            self.start(slot);
        }
        if !self.dialling.reported && !self.dialling.goes_on() {
            self.dialling.reported = true;
            let _ = self.events.send(WorkerEvent::Connected);
        }
    }

    /// When the next connection is to be begun, if there is one.
    pub(crate) fn dialling_is_due(&self) -> Option<u64> {
        let next = self.dialling.waiting.front();
        let next = next.filter(|_| !self.is_full());
        next.map(|&slot| self.turn_of(slot))
    }

    /// Whether as many connections are under way as may be at once.
    fn is_full(&self) -> bool {
        let under_way = self.dialling.under_way;
        let all = under_way + self.dialling.entering;
        under_way == CONNECTING_AT_ONCE || all >= C::ENTERING_AT_ONCE
    }

    /// When the connection at `slot` is to be begun: before the load begins, at its part of the ramp; later, at once.
    fn turn_of(&self, slot: u32) -> u64 {
        if self.state.stage > Stage::Connect {
            return 0;
        }
        let plan = &self.state.plan;
        let ramp = plan.life.ramp.as_nanos() as f64;
        (ramp * self.number(slot) as f64 / plan.connections as f64) as u64
    }

    /// The number in the whole run of the connection at `slot`.
    pub(crate) fn number(&self, slot: u32) -> usize {
        self.index + slot as usize * self.state.plan.threads
    }

    fn start(&mut self, slot: u32) {
        let since = self.state.now();
        let full = self.dialling.under_way + 1 == CONNECTING_AT_ONCE;
        if full && !self.dialling.waiting.is_empty() && self.state.stage == Stage::Measure {
            self.state.stats.held_back += 1;
        }
        let begun = Stream::connect(&self.state.plan, self.number(slot)).and_then(|mut stream| {
            // Registered once and edge-triggered: after that, a message costs no call to the poller.
            let both = Interest::READABLE | Interest::WRITABLE;
            let token = Token(slot as usize);
            self.poll.registry().register(&mut stream, token, both)?;
            Ok(stream)
        });
        self.dialling.under_way += 1;
        match begun {
            Ok(stream) => {
                self.state
                    .watch(slot, since + self.state.connect_patience());
                self.slots[slot as usize] = Slot::Connecting(stream, since);
            }
            Err(error) => self.fail(slot, Broken::Io(Phase::Connect, error)),
        }
    }

    /// The poller has reported an event of a connection under way.
    pub(crate) fn connected(&mut self, slot: u32) {
        let place = &mut self.slots[slot as usize];
        let Slot::Connecting(stream, since) = std::mem::replace(place, Slot::Empty) else {
            return;
        };
        match stream.is_made() {
            Ok(true) => {}
            Ok(false) => {
                // The handshake isn't complete; another event follows.
                self.slots[slot as usize] = Slot::Connecting(stream, since);
                return;
            }
            Err(error) => return self.fail(slot, Broken::Io(Phase::Connect, error)),
        }
        let now = self.state.now();
        self.state.stats.connect.record(now - since);
        self.reached(slot, now);
        self.secure(slot, stream, now);
    }

    /// The connection at `slot` is made, and encrypted if it is to be.
    pub(crate) fn made(&mut self, slot: u32, stream: Stream, now: u64) {
        match C::new(stream, slot, self.number(slot), &mut self.state) {
            Err(broken) => return self.fail(slot, broken),
            Ok(conn) => self.slots[slot as usize] = Slot::Entering(conn, now),
        }
        self.dialling.under_way -= 1;
        self.dialling.entering += 1;
        self.enter_at(slot);
        if let Slot::Entering(..) = self.slots[slot as usize] {
            self.state.watch(slot, now + self.state.patience());
        }
    }

    /// The server's greeting may have come.
    pub(crate) fn enter_at(&mut self, slot: u32) {
        let Slot::Entering(conn, _) = &mut self.slots[slot as usize] else {
            return;
        };
        match conn.enter(&mut self.state) {
            Ok(false) => {}
            Ok(true) => {
                let now = self.state.now();
                let place = &mut self.slots[slot as usize];
                if let Slot::Entering(conn, _) = std::mem::replace(place, Slot::Empty) {
                    self.dialling.entering -= 1;
                    self.open(slot, conn, now);
                }
            }
            Err(broken) => self.fail(slot, broken),
        }
    }

    /// The connection is open.
    fn open(&mut self, slot: u32, conn: C, now: u64) {
        self.dialling.made += 1;
        self.gauges.made.fetch_add(1, Relaxed);
        if !self.state.plan.life.reconnect {
            self.dialling.failures[slot as usize] = 0;
        }
        self.gauges.dialled.fetch_add(1, Relaxed);
        self.slots[slot as usize] = Slot::Open(conn);
        self.state.set_open(self.state.open() + 1, now);
        if self.state.stage > Stage::Connect {
            self.offer(slot);
        }
    }

    /// The connection could not be made.
    pub(crate) fn fail(&mut self, slot: u32, broken: Broken) {
        if let Broken::Io(Phase::Connect, error) = &broken
            && error.kind() == io::ErrorKind::ConnectionRefused
            && self.state.stage > Stage::Connect
            && !self.state.plan.life.reconnect
        {
            let now = self.state.now();
            self.result.endings.refuse(now);
        }
        // While a target is away, the attempts that fail belong to its outage.
        let is_away = self.outlives(&broken);
        if !is_away {
            self.keep_partial(slot);
            self.note(broken);
        }
        self.attribute_errors(slot);
        self.gauges.dialled.fetch_add(1, Relaxed);
        match std::mem::replace(&mut self.slots[slot as usize], Slot::Empty) {
            Slot::Entering(conn, _) => {
                self.dialling.entering -= 1;
                let now = self.state.now();
                conn.leave(&mut self.state, now);
            }
            _ => self.dialling.under_way -= 1,
        }
        if is_away {
            let now = self.state.now();
            if let Some(at) = self.reach(slot).fail(slot, now) {
                self.dial_at(slot, at);
            }
        } else {
            self.redial_later(slot);
        }
    }

    /// Whether the target is away, and connections are made again however long that takes. A connection that is made and
    /// then reset, perhaps before this thread has noticed that it was made, doesn't say so: a program listens.
    fn outlives(&self, broken: &Broken) -> bool {
        let is_away = match broken {
            Broken::Io(Phase::Connect, error) => error.kind() != io::ErrorKind::ConnectionReset,
            Broken::Because(phase, _) => *phase == Phase::Connect,
            _ => false,
        };
        is_away && self.state.plan.life.reconnect && self.replaces()
    }

    /// Lets another connection take the place of one that has ended too soon, after a pause.
    pub(crate) fn redial_later(&mut self, slot: u32) {
        let reconnects = self.state.plan.life.reconnect;
        let failures = &mut self.dialling.failures[slot as usize];
        *failures = failures.saturating_add(1);
        let (before, goes_on) = (*failures - 1, reconnects || *failures < RETRIES);
        if goes_on && self.replaces() {
            let pause = match reconnects {
                true => (FIRST_PAUSE * (1 << before.min(10))).min(LONGEST_PAUSE),
                false => RETRY,
            };
            let at = self.state.now() + pause.as_nanos() as u64;
            self.dial_at(slot, at);
        }
    }

    fn dial_at(&mut self, slot: u32, at: u64) {
        self.dialling.resting += 1;
        self.state.timers.push(at, slot, TimerEvent::Dial);
    }

    /// What is known of the target of `slot`.
    pub(crate) fn reach(&mut self, slot: u32) -> &mut Reach {
        let target = self.state.plan.target_of(self.number(slot));
        &mut self.dialling.reach[target]
    }

    /// A connection to the target of `slot` was made at `now`: an outage has ended.
    fn reached(&mut self, slot: u32, now: u64) {
        let target = self.state.plan.target_of(self.number(slot));
        let (outage, parked) = self.reach(slot).made(target, now);
        self.dialling.waiting.extend(parked);
        if let Some(outage) = outage {
            self.result.outages.add(outage);
        }
    }

    /// If the first connections have timed out and none was made since the run began, the others are not tried: they
    /// count as timed out.
    pub(crate) fn give_up_if_none_connects(&mut self, phase: Phase) {
        if self.dialling.made > 0 || self.dialling.entering > 0 {
            return;
        }
        let phase = match phase {
            Phase::Handshake => phase,
            _ => Phase::Connect,
        };
        for _ in 0..self.dialling.waiting.len() {
            self.note(Broken::Because(phase, Cause::TimedOut));
            self.gauges.dialled.fetch_add(1, Relaxed);
        }
        self.dialling.waiting.clear();
    }

    /// Whether a connection that has ended is replaced by another.
    fn replaces(&self) -> bool {
        let goes_on = matches!(
            self.state.stage,
            Stage::WarmUp | Stage::Measure | Stage::WindDown | Stage::CatchUp
        );
        self.state.plan.replaces()
            && goes_on
            && self.state.budget != Some(0)
            && !self.state.stages.has_too_many_errors()
    }

    /// Lets another connection take the place of one that has ended.
    pub(crate) fn redial(&mut self, slot: u32) {
        if self.replaces() && self.reach(slot).may_try(slot) {
            self.dialling.waiting.push_back(slot);
        }
    }

    /// If connections are replaced, those that were lost before the load began are replaced as well.
    pub(crate) fn replace_the_lost(&mut self) {
        for slot in 0..self.slots.len() as u32 {
            if let Slot::Empty = self.slots[slot as usize] {
                self.redial(slot);
            }
        }
    }

    /// Closes a connection that has had all its answers.
    pub(crate) fn retire(&mut self, slot: u32) {
        if let Slot::Open(conn) = &mut self.slots[slot as usize] {
            // Bytes that have come after the last answer are an error; without this read they would be lost.
            if let Err(broken @ (Broken::Wrong(_) | Broken::Because(Phase::Verify, _))) =
                conn.drive(&mut self.state, false)
            {
                self.lose(slot, broken);
                return;
            }
            if let Some(conn) = self.hang_up(slot) {
                let now = self.state.now();
                conn.leave(&mut self.state, now);
                self.let_go(conn.into_stream());
            }
            self.redial(slot);
        }
    }

    /// Closes the connection at `slot` as the plan says: by a FIN, or a reset.
    pub(crate) fn hang_up(&mut self, slot: u32) -> Option<C> {
        let mut conn = self.clear(slot)?;
        if !self.state.plan.life.reset {
            conn.stream().announce_the_end();
        } else if let Err(error) = conn.stream().reset_at_the_end() {
            self.note(Broken::Io(Phase::Close, error));
        }
        Some(conn)
    }
}

impl Plan {
    /// How many connections may be under way at once, over all threads.
    pub(crate) fn connecting_at_once(&self) -> usize {
        CONNECTING_AT_ONCE
            .saturating_mul(self.threads)
            .min(self.connections)
    }
}
