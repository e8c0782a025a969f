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
    dialling::Dialling,
    dialogue::{Broken, Dialogue, Finished, Then},
    leaving::{LEAVING, Leaving},
    outages::Outages,
    pace::Schedule,
    stage::{Stage, Stages, Turn},
    stall::Stalls,
    stats::Stats,
    stream::Stream,
    template::Numbers,
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
    /// Nothing is left to do in this stage: every message has been answered, or every connection is lost.
    Idle(Stage),
    /// The statistics of the thread with this number, up to the beginning of this turn.
    Stats(usize, u64, Box<Stats>),
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

/// The results of one thread at the end of the run.
#[derive(Debug, Default)]
pub(crate) struct WorkerResult {
    pub(crate) finished: Finished,
    /// Messages in flight that were given up.
    pub(crate) unanswered: u64,
    /// Messages that were due and found no connection.
    pub(crate) due_not_sent: u64,
    /// How the server ended its connections.
    pub(crate) endings: Endings,
    /// When no connection could be made.
    pub(crate) outages: Outages,
    /// Whether the thread has sent all messages of a run that counts them, or has received nothing for so long that
    /// nothing more is expected.
    pub(crate) has_sent_all: bool,
}

/// One thread's share of a run.
pub(crate) struct Worker<C: Dialogue> {
    pub(crate) state: ThreadState<C::Shared>,
    pub(crate) slots: Vec<Slot<C>>,
    pub(crate) dialling: Dialling,
    pub(crate) leaving: Leaving,
    pub(crate) poll: Poll,
    pub(crate) events: Sender<WorkerEvent>,
    pub(crate) gauges: Arc<Gauges>,
    pub(crate) index: usize,
    alarm: Alarm,
    turn: Turn,
    cpu_before: Duration,
    waited_before: Duration,
    /// The rate of the schedule, over all threads.
    pub(crate) rate: f64,
    stalls: Stalls,
    /// When the poller returned last.
    returned: u64,
    /// How long the thread has polled without an event since it sent its last statistics.
    idle_polling: Duration,
    pub(crate) result: WorkerResult,
    idle_reported_in: Option<Stage>,
}

/// The slot of a connection.
#[derive(Debug)]
pub(crate) enum Slot<C> {
    /// No connection: it isn't made yet, or it is lost.
    Empty,
    /// Connecting since this moment.
    Connecting(Stream, u64),
    /// Agreeing on encryption, since this moment.
    Securing(Stream, u64),
    /// Waiting for the server's greeting, since this moment.
    Entering(C, u64),
    Open(C),
}

/// How long a worker sleeps at most.
const TICK: Duration = Duration::from_millis(100);

/// The tokens of the waker and of the alarm.
pub(crate) const WAKE: Token = Token(usize::MAX);
pub(crate) const ALARM: Token = Token(usize::MAX - 1);

/// How long before a message is due the thread stops sleeping, and polls until the message is due: about as long as
/// a machine takes to wake a thread.
const POLL_AHEAD: Duration = Duration::from_micros(100);
/// The largest share of the time between two messages that a thread polls before the second: with more, the thread
/// would take a core from the server.
const POLL_AHEAD_SHARE: f64 = 0.1;

/// What a new worker needs.
pub(crate) struct Share {
    pub(crate) plan: Arc<Plan>,
    pub(crate) ring: Arc<Ring>,
    pub(crate) numbers: Arc<Numbers>,
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
        let slots = Plan::share(plan.connections as u64, index, plan.threads) as usize;
        let messages = plan.stop.messages;
        let budget = messages.map(|total| plan.share_by_connections(total, index));
        let alarm = Alarm::new(poll.registry(), ALARM)?;
        let (turn, targets) = (share.stages.now(), plan.targets.len());
        Ok(Self {
            state: ThreadState::new(
                C::shared(&plan, slots),
                plan,
                (share.ring, share.numbers),
                share.stages,
                share.began,
                (index, slots, budget),
            ),
            slots: (0..slots).map(|_| Slot::Empty).collect(),
            leaving: Leaving::new(),
            dialling: Dialling::of_all(slots, targets),
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
            idle_reported_in: None,
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
            self.report_if_idle();
            self.wait(&mut events)?;
            self.serve(&events);
            // After the events: an answer that came before a turn ended belongs to that turn.
            self.follow();
        }
        for slot in 0..self.slots.len() as u32 {
            if let Slot::Open(conn) = &self.slots[slot as usize] {
                conn.closing(&mut self.state);
                let unanswered = conn.unanswered(&self.state);
                self.lost(slot, unanswered);
            }
        }
        self.result.unanswered += C::given_up(&self.state);
        let silent = C::is_silent(&self.state);
        self.result.has_sent_all = self.state.budget == Some(0) || silent;
        self.close_all(&mut events)?;
        if let Some(schedule) = &self.state.schedule {
            // Messages that became due in the warm-up aren't measured.
            let early = schedule.due_before(self.state.measuring_since);
            let due = schedule.due_before(self.state.due_until);
            let due = due.saturating_sub(early);
            self.result.due_not_sent = due.min(self.state.budget.unwrap_or(due));
        }
        for (target, reach) in self.dialling.reach.iter().enumerate() {
            if let Some(outage) = reach.outage(target, None) {
                self.result.outages.add(outage);
            }
        }
        let last = self.turn.number + 1;
        let now = self.state.now();
        self.send_stats(last, now);
        self.result.finished = C::finish(self.state.shared);
        Ok(self.result)
    }

    /// Follows the coordinator: sends the statistics when a turn has ended, and enters the stage that has been
    /// announced.
    fn follow(&mut self) {
        let turn = self.state.stages.now();
        if turn != self.turn {
            let now = self.state.now();
            self.send_stats(turn.number, now);
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

    fn send_stats(&mut self, upto: u64, now: u64) {
        self.state.account_for_capacity(now);
        let mut stats = std::mem::take(&mut self.state.stats);
        stats.by_target = self.state.by_target.take();
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
            .send(WorkerEvent::Stats(self.index, upto, stats));
    }

    fn enter(&mut self, stage: Stage, now: u64) {
        let last = std::mem::replace(&mut self.state.stage, stage);
        if last == stage {
            return;
        }
        if last == Stage::Measure {
            for place in &self.slots {
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
                // Without a warm-up, no message was due before, and measuring begins when it was announced.
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
                // If the run ends before measuring begins, messages in flight aren't measured.
                if last < Stage::Measure {
                    self.state.schedule = None;
                }
            }
            Stage::LastSteps => {
                for slot in 0..self.slots.len() as u32 {
                    if let Slot::Open(conn) = &mut self.slots[slot as usize] {
                        conn.begin_last_steps(&mut self.state, now);
                        self.send(slot);
                    }
                }
            }
        }
    }

    pub(crate) fn send(&mut self, slot: u32) {
        if let Slot::Open(conn) = &mut self.slots[slot as usize] {
            match conn.send(&mut self.state) {
                // A connection that waits for no answer may be done.
                Ok(false) if conn.is_done(&self.state) => self.retire(slot),
                Ok(false) => {}
                Ok(true) => self.state.again.push(slot),
                Err(broken) => self.lose(slot, broken),
            }
        }
    }

    /// Visits the slots that are listed, and those with an event, for [`SLICE`]. The slots that are left are listed
    /// for the next call.
    fn serve(&mut self, events: &Events) {
        let until = self.state.now() + SLICE;
        for _ in 0..self.state.again.len() {
            if self.state.now() < until
                && let Some(slot) = self.state.again.pop()
            {
                self.ready(slot, true, true);
            }
        }
        for event in events.iter().filter(|event| event.token() < LEAVING) {
            let slot = event.token().0 as u32;
            match self.state.now() < until {
                true => self.ready(slot, event.is_readable(), event.is_read_closed()),
                false => self.state.again.push(slot),
            }
        }
    }

    /// The connection at `slot` has bytes to read (`readable`), or can be written to. `ended`: the server may
    /// have closed the connection.
    fn ready(&mut self, slot: u32, readable: bool, ended: bool) {
        match &self.slots[slot as usize] {
            Slot::Empty => {}
            Slot::Connecting(..) => self.connected(slot),
            Slot::Securing(..) => self.secure_at(slot),
            Slot::Entering(..) => self.enter_at(slot),
            Slot::Open(_) => return self.drive(slot, ended),
        }
        // If the server has already sent bytes or closed the connection, the poller won't report that again. The
        // handshake of TLS may have read such bytes.
        if readable || self.state.plan.tls.is_some() {
            self.drive(slot, true);
        }
    }

    fn drive(&mut self, slot: u32, ended: bool) {
        let Slot::Open(conn) = &mut self.slots[slot as usize] else {
            return;
        };
        match conn.drive(&mut self.state, ended) {
            Ok(Then::Wait) => {}
            driven => self.follow_up(slot, driven),
        }
        if self.state.plan.targets.len() > 1 {
            self.attribute_errors(slot);
        }
        // A message that waited for a free connection is sent before the other events are handled.
        self.send_what_is_due();
    }

    /// Does what the connection at `slot` needs after a visit, if that is more than to wait.
    #[inline(never)]
    fn follow_up(&mut self, slot: u32, driven: Result<Then, Broken>) {
        match driven {
            Ok(Then::Wait) => {}
            Ok(Then::GoOn) => self.state.again.push(slot),
            Ok(Then::Retire) => self.retire(slot),
            Ok(Then::Over) => {
                self.clear(slot);
            }
            Err(broken) => self.lose(slot, broken),
        }
    }

    /// Closes the connection at `slot` because of an error.
    pub(crate) fn lose(&mut self, slot: u32, broken: Broken) {
        let closed = broken.is_closed_by_server();
        // A server may close an idle connection: if the connection is made again, nothing is lost.
        let is_idle = matches!(broken, Broken::Because(_, Cause::ClosedIdle));
        if !(is_idle && self.state.plan.life.reconnect) {
            self.keep_partial(slot);
            self.note(broken);
        }
        if let Some(conn) = self.clear(slot) {
            let (now, answered) = (self.state.now(), conn.answered());
            if closed {
                self.result.endings.close(answered, now);
            }
            let lost = conn.leave(&mut self.state, now);
            self.lost(slot, lost);
            self.reach(slot).lose(now, lost);
            match answered {
                _ if !C::REPLACES_LOST => {}
                0 if self.state.plan.life.reconnect => self.redial_later(slot),
                _ => self.redial(slot),
            }
        }
        self.attribute_errors(slot);
    }

    /// So many measured messages of the connection at `slot` will get no answer.
    fn lost(&mut self, slot: u32, messages: u64) {
        self.result.unanswered += messages;
        if let Some(figures) = self.state.by_target.of(self.number(slot)) {
            figures.unanswered += messages;
        }
    }

    /// The errors since the last call are those of the connection at `slot`.
    #[inline(never)]
    pub(crate) fn attribute_errors(&mut self, slot: u32) {
        let (number, tally) = (self.number(slot), &self.state.stats.tally);
        self.state.by_target.has_errors(number, || tally.total());
    }

    /// Keeps the beginning of an incomplete answer or greeting at `slot`, so that it can be shown.
    pub(crate) fn keep_partial(&mut self, slot: u32) {
        if let Slot::Entering(conn, _) | Slot::Open(conn) = &self.slots[slot as usize] {
            conn.keep_partial(&mut self.state);
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
        match std::mem::replace(&mut self.slots[slot as usize], Slot::Empty) {
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
                TimerEvent::Dial => {
                    self.reach(slot).try_now();
                    self.dialling.again(slot);
                }
                TimerEvent::Resume => match self.slots[slot as usize] {
                    Slot::Open(_) => self.drive(slot, false),
                    Slot::Entering(..) => self.enter_at(slot),
                    _ => {}
                },
                TimerEvent::Deadline => self.check_deadline(slot, at, now),
            }
        }
    }

    /// Closes the connection at `slot` if it has waited too long, or sets its next deadline.
    fn check_deadline(&mut self, slot: u32, at: u64, now: u64) {
        if !self.state.is_watched(slot, at) {
            return;
        }
        let (connecting, patience) = (self.state.connect_patience(), self.state.patience());
        let (deadline, phase, cause) = match &self.slots[slot as usize] {
            Slot::Empty => return,
            Slot::Connecting(_, since) => (since + connecting, Phase::Connect, Cause::TimedOut),
            Slot::Securing(_, since) => (since + connecting, Phase::Handshake, Cause::TimedOut),
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
            self.give_up_if_none_connects(phase);
        }
    }

    fn report_if_idle(&mut self) {
        let stage = self.state.stage;
        if self.idle_reported_in != Some(stage) && self.is_idle() {
            self.idle_reported_in = Some(stage);
            let _ = self.events.send(WorkerEvent::Idle(stage));
        }
    }

    /// Whether this stage is over for the thread: no message is to be sent and none is in flight, every connection is
    /// lost, or nothing has been received for so long that nothing more is expected.
    fn is_idle(&self) -> bool {
        let none_follows = match self.state.stage {
            Stage::Connect | Stage::Close => return false,
            Stage::WarmUp | Stage::Measure | Stage::WindDown => self.state.budget == Some(0),
            Stage::CatchUp => C::next_due(&self.state).is_none(),
            Stage::Drain | Stage::LastSteps => true,
        };
        let none_left = !C::goes_on(&self.state) && !self.dialling.goes_on();
        let silent = C::is_silent(&self.state);
        none_left || silent || none_follows && self.state.in_flight == 0
    }

    /// Waits for an event, or until a message or a timer is due.
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
        // With `--spin`, a thread always uses its core: the time of polling without an event isn't counted.
        if self.state.plan.spin && !self.state.was_touched() && events.is_empty() {
            self.idle_polling += Duration::from_nanos(now - self.returned);
        }
        self.returned = now;
        Ok(())
    }

    /// How long the poller may wait. The poller's timeout is in whole milliseconds, so the alarm is set as well.
    fn sleep_until_needed(&mut self) -> io::Result<Duration> {
        let due = C::next_due(&self.state).filter(|_| C::can_send(&self.state));
        // A little early: the thread polls for the rest of the time.
        let due = due.map(|due| {
            let schedule = self.state.schedule.as_ref();
            let interval_ns = schedule.map_or(0.0, Schedule::interval_ns);
            let most = (interval_ns * POLL_AHEAD_SHARE) as u64;
            due.saturating_sub(most.min(POLL_AHEAD.as_nanos() as u64))
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
