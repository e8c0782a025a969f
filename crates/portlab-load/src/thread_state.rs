//! What all connections of a thread share: the plan, the clock, the statistics.

use std::{
    collections::VecDeque,
    sync::Arc,
    time::{Duration, Instant},
};

use crate::{
    Pace, Payload, Plan, Ring,
    again::Again,
    by_target::ByTarget,
    pace::Schedule,
    stage::{Stage, Stages},
    stats::Stats,
    template::Numbers,
    timers::{TimerEvent, Timers},
};

/// The state of a thread. `S` is what its dialogue shares.
pub(crate) struct ThreadState<S> {
    pub(crate) shared: S,
    pub(crate) plan: Arc<Plan>,
    pub(crate) ring: Arc<Ring>,
    pub(crate) numbers: Arc<Numbers>,
    pub(crate) stages: Arc<Stages>,
    pub(crate) began: Instant,
    /// The stage that this thread has entered.
    pub(crate) stage: Stage,
    /// The buffer that all connections read into.
    pub(crate) buffer: Box<[u8]>,
    pub(crate) stats: Box<Stats>,
    /// The figures by target.
    pub(crate) by_target: ByTarget,
    pub(crate) timers: Timers,
    /// The slots that are visited again without an event of the poller.
    pub(crate) again: Again,
    /// When the deadline of each slot is checked next; 0 for never.
    watched: Vec<u64>,
    /// When the messages of an open loop are due.
    pub(crate) schedule: Option<Schedule>,
    /// Messages that would become due from this moment on aren't sent, in nanoseconds since the run began. It is set
    /// when measuring has ended.
    pub(crate) due_until: u64,
    /// The times, from and until, in which this thread was kept from sending, although a message was due and a connection
    /// free. Messages that became due in such a time are late because of the generator. A time is dropped when later
    /// messages are sent.
    held_up: VecDeque<(u64, u64)>,
    /// How many messages may still be sent; `None` when the run ends by the clock.
    pub(crate) budget: Option<u64>,
    /// Messages in flight on all connections.
    pub(crate) in_flight: u64,
    /// Connections that are open.
    open: usize,
    /// Messages answered since the run began.
    pub(crate) answered: u64,
    /// Deliveries of a chat's messages since the run began.
    pub(crate) delivered: u64,
    /// When this thread began to measure, and when it stopped, in nanoseconds since the run began. Messages that
    /// become due, and answers that come, between these two moments are measured. The thread itself sets both
    /// moments, so no message at an edge is missed.
    pub(crate) measuring_since: u64,
    pub(crate) measuring_until: u64,
    /// How long an answer may take, in nanoseconds.
    patience: u64,
    /// Since when the thread has collected the current statistics.
    pub(crate) gathering_since: u64,
    /// From when on Little's law is accounted for, and up to when the capacity has been added; `None` if the law doesn't
    /// apply.
    little: Option<(u64, u64)>,
    /// Whether a message has been sent or answered since the last call of [`was_touched`](Self::was_touched).
    touched: bool,
    pub(crate) random: fastrand::Rng,
}

impl<S> ThreadState<S> {
    /// The state of a thread with `slots` connections and a share of `budget` messages.
    pub(crate) fn new(
        shared: S,
        plan: Arc<Plan>,
        (ring, numbers): (Arc<Ring>, Arc<Numbers>),
        stages: Arc<Stages>,
        began: Instant,
        (index, slots, budget): (usize, usize, Option<u64>),
    ) -> Self {
        Self {
            shared,
            stage: Stage::Connect,
            buffer: vec![0; Ring::REACH].into(),
            stats: Box::default(),
            by_target: ByTarget::new(plan.targets.len()),
            timers: Timers::default(),
            again: Again::new(slots),
            watched: vec![0; slots],
            schedule: None,
            due_until: u64::MAX,
            held_up: VecDeque::new(),
            budget,
            in_flight: 0,
            open: 0,
            answered: 0,
            delivered: 0,
            measuring_since: u64::MAX,
            measuring_until: u64::MAX,
            patience: nanos(plan.timeout),
            gathering_since: 0,
            little: None,
            touched: false,
            // The schedules use the same seed, so the bits are flipped.
            random: fastrand::Rng::with_seed(!plan.seed.wrapping_add(index as u64)),
            plan,
            ring,
            numbers,
            stages,
            began,
        }
    }

    /// How long a connection may take to be made, in nanoseconds.
    pub(crate) fn connect_patience(&self) -> u64 {
        nanos(self.plan.connect_timeout)
    }

    /// How long an answer may take, in nanoseconds.
    pub(crate) fn patience(&self) -> u64 {
        self.patience
    }

    /// Nanoseconds since the run began.
    pub(crate) fn now(&self) -> u64 {
        self.began.elapsed().as_nanos() as u64
    }

    pub(crate) fn open(&self) -> usize {
        self.open
    }

    /// So many connections are open as of `now`.
    pub(crate) fn set_open(&mut self, open: usize, now: u64) {
        self.account_for_capacity(now);
        self.open = open;
    }

    /// Measuring begins, or has begun at `since`.
    pub(crate) fn begin_measuring(&mut self, since: u64, now: u64) {
        self.measuring_since = since;
        self.gathering_since = since;
        // A connection that will end has fewer messages in flight towards its end, and so have all connections if
        // the messages are counted.
        let steady = self.plan.depth == 1 || self.plan.per_connection().is_none();
        let applies = self.plan.pace == Pace::Closed
            && self.plan.stop.messages.is_none()
            && self.plan.script.chat.is_none();
        self.little = (applies && steady).then_some((now, now));
    }

    /// Measuring ends.
    pub(crate) fn end_measuring(&mut self, now: u64) {
        self.measuring_until = now;
        self.account_for_capacity(now);
        self.little = None;
    }

    /// Adds to one side of Little's law: how many messages should have been in flight until `now`, times how long.
    pub(crate) fn account_for_capacity(&mut self, now: u64) {
        if let Some((_, until)) = &mut self.little {
            let capacity = (self.open * self.plan.depth) as f64;
            self.stats.little.capacity_ns += capacity * now.saturating_sub(*until) as f64;
            *until = now;
        }
    }

    /// Adds to the other side of Little's law: how long a message was in flight, from `due` to `now`, while measuring.
    pub(crate) fn account_for_flight(&mut self, due: u64, now: u64) {
        if let Some((since, _)) = self.little {
            self.stats.little.in_flight_ns += now.saturating_sub(due.max(since)) as f64;
        }
    }

    /// Whether a message has been sent or answered since the last call.
    pub(crate) fn was_touched(&mut self) -> bool {
        std::mem::take(&mut self.touched)
    }

    /// A message is on its way.
    pub(crate) fn one_more_in_flight(&mut self) {
        self.in_flight += 1;
        self.touched = true;
    }

    /// Whether a connection that has room sends the next message at once.
    pub(crate) fn sends_at_once(&self) -> bool {
        let asks = matches!(self.stage, Stage::WarmUp | Stage::Measure | Stage::WindDown);
        self.plan.pace == Pace::Closed && asks && !self.stages.has_too_many_errors()
    }

    /// When the next message of an open loop is due, if it may still be sent.
    pub(crate) fn next_due(&self) -> Option<u64> {
        let sends = (Stage::WarmUp..=Stage::CatchUp).contains(&self.stage);
        let next = self.schedule.as_ref()?.next();
        let may = sends && next < self.due_until && self.budget != Some(0);
        (may && !self.stages.has_too_many_errors()).then_some(next)
    }

    /// Takes the next message, if one is due by `now` and may still be sent, and returns when it was due: in a
    /// closed loop, now.
    pub(crate) fn take_due(&mut self, now: u64) -> Option<u64> {
        let due = match self.schedule {
            None => self.sends_at_once().then_some(now)?,
            Some(_) => self.next_due().filter(|due| *due <= now)?,
        };
        if !self.take_one() {
            return None;
        }
        Some(self.schedule.as_mut().map_or(due, Schedule::pop))
    }

    /// Whether no message will follow, so that the server may close a connection without a request in flight.
    pub(crate) fn sends_no_more(&self) -> bool {
        self.stage > Stage::WindDown || self.budget == Some(0)
    }

    /// Takes one of the messages that may still be sent; returns whether there was one.
    pub(crate) fn take_one(&mut self) -> bool {
        match &mut self.budget {
            None => true,
            Some(0) => false,
            Some(left) => {
                *left -= 1;
                true
            }
        }
    }

    /// The length of the next message, which is in the ring.
    pub(crate) fn next_size(&mut self) -> usize {
        match self.plan.script.exchange(0).0 {
            Payload::Random(sizes) if sizes.start() == sizes.end() => *sizes.start(),
            Payload::Random(sizes) => self.random.usize(sizes.clone()),
            Payload::Always(message) => message.len(),
            Payload::Template(_) => unreachable!("messages that differ aren't in the ring"),
        }
    }

    /// Whether a message that was due at `due` belongs to what is measured.
    pub(crate) fn is_measured(&self, due: u64) -> bool {
        (self.measuring_since..self.measuring_until).contains(&due)
    }

    /// Records that a message of the run's connection `number` that was due at `due`, and sent at `sent`, has been
    /// answered as of `now`.
    pub(crate) fn record_answer(&mut self, number: usize, due: u64, sent: u64, now: u64) {
        self.in_flight -= 1;
        self.touched = true;
        self.answered += 1;
        let (measuring, measured) = (self.stage == Stage::Measure, self.is_measured(due));
        self.stats.messages += u64::from(measuring);
        self.account_for_flight(due, now);
        if measured {
            self.stats.latency.record(now - due);
            if self.schedule.is_some() {
                self.stats.uncorrected.record(now - sent);
            }
        }
        if let Some(figures) = self.by_target.of(number) {
            figures.messages += u64::from(measuring);
            if measured {
                figures.latency.record(now - due);
            }
        }
    }

    /// Records how late a message was sent that was due at `due`, when a connection was free for it from `free` on.
    pub(crate) fn record_lag(&mut self, due: u64, free: u64, now: u64) {
        if self.schedule.is_none() {
            return;
        }
        let could = due.max(free);
        let is_new = self.held_up.back().is_none_or(|&(_, until)| until <= could);
        if now - could > HELD_UP && is_new && self.held_up.len() < MOST_HELD_UP {
            self.held_up.push_back((could, now));
        }
        let is_over = |&mut (_, until): &mut (u64, u64)| until <= due;
        while self.held_up.pop_front_if(is_over).is_some() {}
        let mut lag = now - could;
        // The thread could not have sent the message before, even if the message waited for a connection afterwards.
        if let Some(&(from, until)) = self.held_up.front()
            && from <= due
            && until <= free
        {
            lag += until - due;
        }
        if self.is_measured(due) && self.stage == Stage::Measure {
            self.stats.lag.record(lag);
        }
    }

    /// Checks the deadline of `slot` at `at` or before. If an earlier check is set, that check sets the next one: so a
    /// slot never has more than one or two events, however many messages and connections pass through it.
    pub(crate) fn watch(&mut self, slot: u32, at: u64) {
        let watched = &mut self.watched[slot as usize];
        if *watched == 0 || at < *watched {
            *watched = at;
            self.timers.push(at, slot, TimerEvent::Deadline);
        }
    }

    /// Whether the check of a deadline that was set for `at` is still the current one.
    pub(crate) fn is_watched(&mut self, slot: u32, at: u64) -> bool {
        let watched = &mut self.watched[slot as usize];
        let is_same = *watched == at;
        *watched = if is_same { 0 } else { *watched };
        is_same
    }
}

/// How late a thread must be to have been held up: longer than a busy machine takes to wake it.
const HELD_UP: u64 = 1_000_000;
/// How many times of being held up are kept for a thread.
const MOST_HELD_UP: usize = 4096;

/// `time` in nanoseconds, at most 146 years, so that a sum of some times doesn't overflow.
pub(crate) fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).map_or(u64::MAX / 4, |nanos| nanos.min(u64::MAX / 4))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Arrivals, Latency, Script, pace::Part};

    fn state() -> ThreadState<()> {
        let plan = Arc::new(Plan::new(std::net::SocketAddr::from(([127, 0, 0, 1], 1))));
        let ring = Arc::new(Script::echo(64).ring());
        let stages = Arc::new(Stages::new(Vec::new(), 0.0, None));
        let shared = (ring, Arc::default());
        ThreadState::new((), plan, shared, stages, Instant::now(), (0, 2, None))
    }

    #[test]
    fn a_thread_that_is_held_up_again_is_still_late_with_the_messages_of_the_first_time() {
        let part = Part {
            thread: 0,
            threads: 1,
            connections: 1,
        };
        let mut state = state();
        state.schedule = Some(Schedule::new(Arrivals::Uniform, 1.0, part, 0, 0));
        (state.stage, state.measuring_since) = (Stage::Measure, 0);
        // When a message was due, when a connection was free, when it was sent, and its lag; in milliseconds.
        for (due, free, now, lag) in [
            (10, 0, 400, 390),
            (20, 0, 400, 380),
            // Held up again, from 405 on.
            (30, 405, 410, 375),
            (40, 412, 412, 360),
            // Between both times, it waited for a connection.
            (402, 420, 420, 0),
            (407, 430, 430, 3),
            (411, 440, 440, 0),
            (450, 0, 460, 10),
            (455, 470, 480, 15),
            // Later than two such times.
            (500, 520, 520, 0),
        ] {
            state.stats.lag = Latency::new();
            state.record_lag(due * 1_000_000, free * 1_000_000, now * 1_000_000);
            assert_eq!(state.stats.lag.max_ns() / 1_000_000, lag, "due at {due}");
        }
        assert!(state.held_up.is_empty());
    }

    #[test]
    fn a_deadline_that_moves_with_every_message_costs_a_timer_event_or_two() {
        let mut state = state();
        for now in 0..100_000 {
            state.watch(0, now + 10_000);
            // The timeout of a connection may be shorter than that of an answer.
            state.watch(0, now + 5_000);
        }
        let mut events = 0;
        while let Some((at, slot, _)) = state.timers.pop(u64::MAX) {
            events += 1;
            assert_eq!(state.is_watched(slot, at), at == 5_000, "{at}");
        }
        assert_eq!(events, 2);
    }
}
