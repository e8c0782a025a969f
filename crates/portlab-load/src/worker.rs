//! One thread's readiness loop over its share of the connections.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
        mpsc::Sender,
    },
    time::{Duration, Instant},
};

use mio::{Events, Poll, Token};
use portlab_sys::clock::{thread_cpu, thread_waited};

use crate::{
    Cause, Endings, Phase, Plan, Ring,
    again::SLICE,
    conn::{Broken, Then},
    dial::Dialling,
    dialogue::{Dialogue, Finished},
    pace::Schedule,
    stage::{Stage, Stages, Turn},
    stall::Stalls,
    stats::Stats,
    thread_state::ThreadState,
    timers::{Alarm, TimerEvent},
};

/// What a worker reports to the coordinator.
#[derive(Debug)]
pub(crate) enum WorkerEvent {
    /// Every connection has been made or has failed.
    Connected,
    /// There have been more errors than the plan allows.
    TooManyErrors,
    /// This thread has failed; joining it gives the reason.
    Failed,
    /// Nothing is left to do in this stage: every message has been answered, or every connection is
    /// lost.
    Idle(Stage),
    /// The statistics of a thread, by its number, up to the beginning of this turn.
    HandedIn(usize, u64, Box<Stats>),
}

/// What the coordinator may read while a worker runs.
#[derive(Debug, Default)]
pub(crate) struct Gauges {
    /// Messages answered since the run began.
    pub(crate) answered: AtomicU64,
    /// Deliveries of a chat's messages since the run began.
    pub(crate) delivered: AtomicU64,
    /// Connections made or failed since the run began.
    pub(crate) dialled: AtomicU64,
    /// Connections that have been opened since the run began.
    pub(crate) made: AtomicU64,
}

/// What is known of a thread's share at the end of the run.
#[derive(Debug, Default)]
pub(crate) struct WorkerResult {
    pub(crate) finished: Finished,
    /// Messages in flight that were given up.
    pub(crate) unanswered: u64,
    /// Messages that were due and found no connection.
    pub(crate) due_not_sent: u64,
    /// How the server ended its connections.
    pub(crate) endings: Endings,
    /// It was to ask so many messages, and has; or it has ended because nothing more came.
    pub(crate) has_asked_all: bool,
}

/// One thread's share of a run.
pub(crate) struct Worker<C: Dialogue> {
    pub(crate) state: ThreadState<C::Shared>,
    pub(crate) places: Vec<Slot<C>>,
    pub(crate) dialling: Dialling,
    pub(crate) poll: Poll,
    pub(crate) events: Sender<WorkerEvent>,
    pub(crate) gauges: Arc<Gauges>,
    pub(crate) index: usize,
    alarm: Alarm,
    turn: Turn,
    cpu_before: Duration,
    waited_before: Duration,
    /// The rate that is kept, over all threads.
    pub(crate) rate: f64,
    stalls: Stalls,
    /// When the poller returned last.
    returned: u64,
    /// How long it has polled without an event since its statistics were handed in.
    idle_polling: Duration,
    pub(crate) result: WorkerResult,
    told_idle_in: Option<Stage>,
}

/// The slot of a connection.
#[derive(Debug)]
pub(crate) enum Slot<C> {
    /// No connection: its turn hasn't come, or it is lost.
    Empty,
    /// Connecting since this moment.
    Connecting(mio::net::TcpStream, u64),
    /// Waiting for the server's greeting, since this moment.
    Entering(C, u64),
    Open(C),
}

/// How long a worker sleeps at most.
const TICK: Duration = Duration::from_millis(100);

/// The tokens of the waker and of the alarm.
pub(crate) const WAKE: Token = Token(usize::MAX);
pub(crate) const ALARM: Token = Token(usize::MAX - 1);

/// How long before a message is due the thread stops sleeping and watches the clock, polling
/// meanwhile: about as long as a machine takes to wake a thread.
const WATCHFUL: Duration = Duration::from_micros(100);
/// The share of its time that a thread watches the clock at most: beyond that it would take a core
/// from the server.
const WATCHFUL_SHARE: f64 = 0.1;

/// What a worker is given.
pub(crate) struct Share {
    pub(crate) plan: Arc<Plan>,
    pub(crate) ring: Arc<Ring>,
    pub(crate) stages: Arc<Stages>,
    pub(crate) events: Sender<WorkerEvent>,
    pub(crate) gauges: Arc<Gauges>,
    pub(crate) poll: Poll,
    pub(crate) index: usize,
    pub(crate) began: Instant,
}

impl<C: Dialogue> Worker<C> {
    /// # Errors
    /// When the system has no timer left.
    pub(crate) fn new(share: Share) -> io::Result<Self> {
        let (plan, index, poll) = (share.plan, share.index, share.poll);
        let places = Plan::share(plan.connections as u64, index, plan.threads) as usize;
        let messages = plan.stop.messages;
        let budget = messages.map(|total| plan.share_by_connections(total, index));
        let alarm = Alarm::new(poll.registry(), ALARM)?;
        let turn = share.stages.now();
        Ok(Self {
            state: ThreadState::new(
                C::shared(&plan, places),
                plan,
                share.ring,
                share.stages,
                share.began,
                (index, places, budget),
            ),
            places: (0..places).map(|_| Slot::Empty).collect(),
            dialling: Dialling::of_all(places),
            poll,
            events: share.events,
            gauges: share.gauges,
            index,
            alarm,
            turn,
            cpu_before: Duration::ZERO,
            waited_before: Duration::ZERO,
            rate: 0.0,
            stalls: Stalls::default(),
            returned: 0,
            idle_polling: Duration::ZERO,
            result: WorkerResult::default(),
            told_idle_in: None,
        })
    }

    /// Runs all stages, in step with the other workers.
    pub(crate) fn run(mut self) -> io::Result<WorkerResult> {
        let mut events = Events::with_capacity(1024);
        while self.state.stage != Stage::Close {
            self.dial();
            self.send_what_is_due();
            self.run_timers();
            self.gauges.answered.store(self.state.answered, Relaxed);
            self.gauges.delivered.store(self.state.delivered, Relaxed);
            self.tell_if_idle();
            self.wait(&mut events)?;
            self.serve(&events);
            // After the events: an answer that came before a turn ended belongs to that turn.
            self.follow();
        }
        let open = self.places.iter().filter_map(|place| match place {
            Slot::Open(conn) => Some(conn),
            _ => None,
        });
        self.result.unanswered += C::unanswered(open, &self.state);
        let silent = C::is_silent(&self.state);
        self.result.has_asked_all = self.state.budget == Some(0) || silent;
        self.close_all(&mut events)?;
        if let Some(schedule) = &self.state.schedule {
            // What the warm-up has left behind isn't measured.
            let early = schedule.due_before(self.state.measuring_since);
            let due = schedule.due_before(self.state.due_until);
            let due = due.saturating_sub(early);
            self.result.due_not_sent = due.min(self.state.budget.unwrap_or(due));
        }
        let last = self.turn.number + 1;
        let now = self.state.now();
        self.hand_in(last, now);
        self.result.finished = C::finish(self.state.shared);
        Ok(self.result)
    }

    /// Follows the coordinator: hands in when a turn has ended, and enters the stage that has been
    /// announced.
    fn follow(&mut self) {
        let turn = self.state.stages.now();
        if turn != self.turn {
            let now = self.state.now();
            self.hand_in(turn.number, now);
            self.turn = turn;
            self.enter(turn.stage, now);
        }
        if let Some(schedule) = &mut self.state.schedule {
            let rate = self.state.stages.rate_per_s();
            if rate.to_bits() != self.rate.to_bits() {
                self.rate = rate;
                let now = self.state.began.elapsed().as_nanos() as u64;
                schedule.set_rate(rate, now);
            }
        }
    }

    fn hand_in(&mut self, upto: u64, now: u64) {
        self.state.account_for_capacity(now);
        let mut stats = std::mem::take(&mut self.state.stats);
        if self.state.stage == Stage::Measure {
            let since = std::mem::replace(&mut self.state.gathering_since, now);
            stats.measured = Duration::from_nanos(now - since);
            let cpu = thread_cpu();
            stats.ran = cpu - self.cpu_before;
            stats.cpu = stats.ran.saturating_sub(self.idle_polling);
            let waited = thread_waited();
            stats.waited = waited - self.waited_before;
            (self.cpu_before, self.waited_before) = (cpu, waited);
        }
        self.idle_polling = Duration::ZERO;
        stats.open = self.state.open();
        stats.in_flight = self.state.in_flight;
        // Only fails if the coordinator has ended.
        let _ = self
            .events
            .send(WorkerEvent::HandedIn(self.index, upto, stats));
    }

    fn enter(&mut self, stage: Stage, now: u64) {
        let last = std::mem::replace(&mut self.state.stage, stage);
        if last == stage {
            return;
        }
        if last == Stage::Measure {
            for place in &self.places {
                if let Slot::Open(conn) = place {
                    conn.end_measuring(&mut self.state, now);
                }
            }
            self.state.end_measuring(now);
        }
        match stage {
            Stage::Connect | Stage::WindDown | Stage::Close => {}
            Stage::WarmUp => self.begin(),
            Stage::Measure => {
                // Without a warm-up, nothing has been due before.
                let since = match last {
                    Stage::Connect => self.state.stages.began(stage),
                    _ => now,
                };
                self.state.begin_measuring(since, now);
                (self.cpu_before, self.waited_before) = (thread_cpu(), thread_waited());
                if last == Stage::Connect {
                    self.begin();
                }
            }
            Stage::CatchUp | Stage::Drain => {
                self.state.due_until = self.state.measuring_until.min(now);
                // The run was ended before its measuring began: what is in flight isn't measured.
                if last < Stage::Measure {
                    self.state.schedule = None;
                }
            }
        }
    }

    pub(crate) fn send(&mut self, slot: u32) {
        if let Slot::Open(conn) = &mut self.places[slot as usize] {
            match conn.send(&mut self.state) {
                // Without answers to wait for, it may be done.
                Ok(false) if conn.is_done(&self.state) => self.retire(slot),
                Ok(false) => {}
                Ok(true) => self.state.again.push(slot),
                Err(broken) => self.lose(slot, broken),
            }
        }
    }

    /// Visits the slots that are listed, and those with an event, for [`SLICE`]. A slot whose turn doesn't come is
    /// listed.
    fn serve(&mut self, events: &Events) {
        let until = self.state.now() + SLICE;
        for _ in 0..self.state.again.len() {
            if self.state.now() < until
                && let Some(slot) = self.state.again.pop()
            {
                self.ready(slot, true, true);
            }
        }
        for event in events.iter().filter(|event| event.token() < ALARM) {
            let slot = event.token().0 as u32;
            match self.state.now() < until {
                true => self.ready(slot, event.is_readable(), event.is_read_closed()),
                false => self.state.again.push(slot),
            }
        }
    }

    /// A slot has something to read (`readable`), or room to write. `ended` says that the poller has seen
    /// the server's end, or that there may be one.
    fn ready(&mut self, slot: u32, readable: bool, ended: bool) {
        match &self.places[slot as usize] {
            Slot::Empty => {}
            Slot::Connecting(..) => self.connected(slot),
            Slot::Entering(..) => self.enter_at(slot),
            Slot::Open(_) => return self.drive(slot, ended),
        }
        // The server may have sent something, or closed, already: the poller won't report it again.
        if readable {
            self.drive(slot, true);
        }
    }

    fn drive(&mut self, slot: u32, ended: bool) {
        let Slot::Open(conn) = &mut self.places[slot as usize] else {
            return;
        };
        match conn.drive(&mut self.state, ended) {
            Ok(Then::Wait) => {}
            Ok(Then::GoOn) => self.state.again.push(slot),
            Ok(Then::Retire) => self.retire(slot),
            Ok(Then::Over) => {
                self.clear(slot);
            }
            Err(broken) => self.lose(slot, broken),
        }
        // A message that waited for a connection needn't wait for the other events.
        self.send_what_is_due();
    }

    /// Gives up the connection at `slot`.
    pub(crate) fn lose(&mut self, slot: u32, broken: Broken) {
        let closed = broken.is_the_servers_end();
        self.show_partial(slot);
        self.note(broken);
        if let Some(conn) = self.clear(slot) {
            if closed {
                let now = self.state.now();
                self.result.endings.close(conn.answered(), now);
            }
            let now = self.state.now();
            self.result.unanswered += conn.leave(&mut self.state, now);
            if C::REPLACES_LOST {
                self.redial(slot);
            }
        }
    }

    /// Shows what has come at `slot` of an answer, or a greeting, that won't be complete.
    pub(crate) fn show_partial(&mut self, slot: u32) {
        if let Slot::Entering(conn, _) | Slot::Open(conn) = &self.places[slot as usize] {
            conn.show_partial(&mut self.state);
        }
    }

    /// Counts an error.
    pub(crate) fn note(&mut self, broken: Broken) {
        broken.count_in(&mut self.state.stats.tally);
        let is_vital = C::NEEDS_ALL && self.state.stage == Stage::Connect;
        if self.state.stages.count_error() || is_vital {
            let _ = self.events.send(WorkerEvent::TooManyErrors);
        }
    }

    /// Empties `slot`, and returns the connection that was open there.
    pub(crate) fn clear(&mut self, slot: u32) -> Option<C> {
        match std::mem::replace(&mut self.places[slot as usize], Slot::Empty) {
            Slot::Open(conn) => {
                let now = self.state.now();
                self.state.set_open(self.state.open() - 1, now);
                Some(conn)
            }
            _ => None,
        }
    }

    /// Runs the events whose time has come.
    fn run_timers(&mut self) {
        if self.state.timers.next().is_none() {
            return;
        }
        let now = self.state.now();
        while let Some((at, slot, event)) = self.state.timers.pop(now) {
            match event {
                TimerEvent::Dial => self.dialling.again(slot),
                TimerEvent::Resume => match self.places[slot as usize] {
                    Slot::Open(_) => self.drive(slot, false),
                    Slot::Entering(..) => self.enter_at(slot),
                    _ => {}
                },
                TimerEvent::Deadline => self.look_at_deadline(slot, at, now),
            }
        }
    }

    /// Gives up the connection at `slot` if it has waited too long, or sets its next deadline.
    fn look_at_deadline(&mut self, slot: u32, at: u64, now: u64) {
        if !self.state.is_watched(slot, at) {
            return;
        }
        let (connecting, patience) = (self.state.connect_patience(), self.state.patience());
        let (deadline, phase, cause) = match &self.places[slot as usize] {
            Slot::Empty => return,
            Slot::Connecting(_, since) => (since + connecting, Phase::Connect, Cause::TimedOut),
            Slot::Entering(_, since) => (since + patience, Phase::Greeting, Cause::TimedOut),
            Slot::Open(conn) => match conn.deadline(&self.state) {
                None => return,
                Some(overdue) => overdue,
            },
        };
        let late = Broken::Because(phase, cause);
        if deadline > now {
            self.state.watch(slot, deadline);
        } else if matches!(phase, Phase::Receive | Phase::Send) {
            self.lose(slot, late);
        } else {
            self.fail(slot, late);
            self.give_up_if_hopeless();
        }
    }

    fn tell_if_idle(&mut self) {
        let stage = self.state.stage;
        if self.told_idle_in != Some(stage) && self.is_idle() {
            self.told_idle_in = Some(stage);
            let _ = self.events.send(WorkerEvent::Idle(stage));
        }
    }

    /// Whether there is nothing left to wait for: all answers are in and no message is to follow,
    /// or every connection is lost.
    fn is_idle(&self) -> bool {
        let none_follows = match self.state.stage {
            Stage::Connect | Stage::Close => return false,
            Stage::WarmUp | Stage::Measure | Stage::WindDown => self.state.budget == Some(0),
            Stage::CatchUp => C::next_due(&self.state).is_none(),
            Stage::Drain => true,
        };
        let none_left = !C::goes_on(&self.state) && !self.dialling.goes_on();
        let silent = C::is_silent(&self.state);
        none_left || silent || none_follows && self.state.in_flight == 0
    }

    /// Waits for the poller, or until there is something to do.
    fn wait(&mut self, events: &mut Events) -> io::Result<()> {
        let timeout = if self.state.plan.spin || self.state.again.len() > 0 {
            Duration::ZERO
        } else {
            self.sleep_until_needed()?
        };
        self.poll_for(events, timeout)?;
        let now = self.state.now();
        let stall = self.stalls.turn(Duration::from_nanos(now), timeout);
        if self.state.stage == Stage::Measure {
            self.state.stats.stalled += stall;
        }
        // A thread that spins is always busy; polling without an event isn't counted as load.
        if self.state.plan.spin && !self.state.was_touched() && events.is_empty() {
            self.idle_polling += Duration::from_nanos(now - self.returned);
        }
        self.returned = now;
        Ok(())
    }

    /// How long the poller may take; for moments between its milliseconds the alarm is set.
    fn sleep_until_needed(&mut self) -> io::Result<Duration> {
        let due = C::next_due(&self.state).filter(|_| C::can_send(&self.state));
        // A little early, to watch the clock for the rest.
        let due = due.map(|due| {
            let schedule = self.state.schedule.as_ref();
            let interval_ns = schedule.map_or(0.0, Schedule::interval_ns);
            let most = (interval_ns * WATCHFUL_SHARE) as u64;
            due.saturating_sub(most.min(WATCHFUL.as_nanos() as u64))
        });
        let moments = [due, self.state.timers.next(), self.dialling_is_due()];
        let Some(at) = moments.into_iter().flatten().min() else {
            return Ok(TICK);
        };
        let now = self.state.now();
        if at <= now {
            return Ok(Duration::ZERO);
        }
        let until = Duration::from_nanos(at - now);
        if until < TICK {
            self.alarm.set(at, now)?;
        }
        Ok(until.min(TICK))
    }

    pub(crate) fn poll_for(&mut self, events: &mut Events, timeout: Duration) -> io::Result<()> {
        match self.poll.poll(events, Some(timeout)) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {
                events.clear();
                Ok(())
            }
            result => result,
        }
    }
}
