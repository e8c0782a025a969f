//! Taking turns: which thread waits for events, which threads have work, and which connection is in the hands of a thread.
//!
//! `tests/schedules.rs` runs this file with several threads, in every order of their steps with at most two preemptions.

use std::{
    collections::VecDeque,
    mem,
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

use crate::{
    sync::{AtomicU64, Mutex, MutexGuard, Thread, current_thread, park},
    timers::Timers,
};

/// The turns of the threads of a server. `T` is a task: a connection that can go on.
///
/// At most one thread leads: it waits in the poller. The other free threads follow: they are parked, the last one on top,
/// because its stack and the core's caches are warm. If a task waits in the queue, a thread is on its way to it: it has
/// been woken, or it is the one that queued the task.
pub(crate) struct Turns<T: Ord> {
    state: Mutex<State<T>>,
    /// Ends the wait of the leader.
    wake_leader: Box<dyn Fn() + Send + Sync>,
}

struct State<T: Ord> {
    lead: Lead,
    followers: Vec<Thread>,
    /// Followers that were woken, and are on their way to their next turn.
    coming: usize,
    queue: VecDeque<T>,
    timers: Timers<T>,
    has_ended: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lead {
    Free,
    /// Until this time, if no event comes.
    Waits(Option<Instant>),
    /// It has been woken, and takes part again at once.
    Woken,
}

/// What a free thread does next.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Turn<T> {
    /// It waits for one event, for so long at most; then it calls [`Turns::promote`].
    Lead(Option<Duration>),
    Work(T),
    /// The server has stopped.
    End,
}

impl<T: Ord + Copy> Turns<T> {
    pub(crate) fn new(wake_leader: Box<dyn Fn() + Send + Sync>) -> Self {
        Self {
            state: Mutex::new(State {
                lead: Lead::Free,
                followers: Vec::new(),
                coming: 0,
                queue: VecDeque::new(),
                timers: Timers::new(),
                has_ended: false,
            }),
            wake_leader,
        }
    }

    /// The turn of the calling thread, which is free. It waits until there is one. `has_led`: it has just led, so a task has
    /// its turn first.
    pub(crate) fn next(&self, mut has_led: bool) -> Turn<T> {
        let mut state = self.lock();
        loop {
            if state.has_ended {
                return Turn::End;
            }
            if state.lead == Lead::Free && !(has_led && state.has_work()) {
                return Turn::Lead(state.begin_to_lead());
            }
            if let Some(task) = state.take() {
                // Another thread leads, or takes the next task, meanwhile.
                match state.lead == Lead::Free || state.has_work() {
                    true => self.wake_one(state),
                    false => drop(state),
                }
                return Turn::Work(task);
            }
            let me = current_thread();
            let id = me.id();
            state.followers.push(me);
            drop(state);
            park();
            state = self.lock();
            // A thread may wake up without having been woken.
            match state.followers.iter().position(|it| it.id() == id) {
                Some(place) => drop(state.followers.remove(place)),
                None => state.coming = state.coming.saturating_sub(1),
            }
            has_led = false;
        }
    }

    /// The leader has an event, or has waited long enough. If it `has_event`, the next thread leads, before the event is
    /// handled: the handler may take long.
    pub(crate) fn promote(&self, has_event: bool) {
        let mut state = self.lock();
        state.lead = Lead::Free;
        // Without an event, the same thread has its next turn at once.
        if has_event {
            self.wake_one(state);
        }
    }

    /// Queues a task, and wakes a thread for it.
    pub(crate) fn push(&self, task: T) {
        let mut state = self.lock();
        // If others wait in the queue, a thread is on its way, and wakes the next one when it gets there.
        let is_first = state.queue.is_empty();
        state.queue.push_back(task);
        match is_first {
            true => self.wake_one(state),
            false => drop(state),
        }
    }

    /// Wakes a follower, or the leader if no thread follows, unless a thread is on its way already: it takes the next turn, and
    /// wakes another thread if that isn't enough. If every thread has work, each looks at the queue after it.
    fn wake_one(&self, mut state: MutexGuard<'_, State<T>>) {
        if state.coming > 0 || state.lead == Lead::Woken {
            return;
        }
        let follower = state.followers.pop();
        state.coming += usize::from(follower.is_some());
        let wakes_leader = follower.is_none() && state.wakes_leader();
        drop(state);
        match follower {
            Some(follower) => follower.unpark(),
            None if wakes_leader => (self.wake_leader)(),
            None => {}
        }
    }

    /// Queues the task of the calling thread, which takes its next turn at once.
    pub(crate) fn push_own(&self, task: T) {
        self.lock().queue.push_back(task);
    }

    /// From `at` on, a thread has this task.
    pub(crate) fn arm(&self, at: Instant, task: T) {
        let mut state = self.lock();
        state.timers.arm(at, task);
        let is_earlier =
            matches!(state.lead, Lead::Waits(until) if until.is_none_or(|until| at < until));
        let wakes_leader = is_earlier && state.wakes_leader();
        drop(state);
        if wakes_leader {
            (self.wake_leader)();
        }
    }

    /// No further turns: all threads end.
    pub(crate) fn end(&self) {
        let mut state = self.lock();
        state.has_ended = true;
        let followers = mem::take(&mut state.followers);
        let wakes_leader = state.wakes_leader();
        drop(state);
        followers.iter().for_each(Thread::unpark);
        if wakes_leader {
            (self.wake_leader)();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state
            .lock()
            .expect("no thread panics while it holds the lock of the turns")
    }
}

impl<T: Ord> State<T> {
    fn has_work(&self) -> bool {
        !self.queue.is_empty() || self.timers.next() == Some(Duration::ZERO)
    }

    fn take(&mut self) -> Option<T> {
        let due = self.timers.next() == Some(Duration::ZERO);
        due.then(|| self.timers.pop_due(Instant::now()))
            .flatten()
            .or_else(|| self.queue.pop_front())
    }

    /// Returns how long the leader waits at most.
    fn begin_to_lead(&mut self) -> Option<Duration> {
        let patience = match self.queue.is_empty() {
            true => self.timers.next(),
            // It only looks for events: tasks wait.
            false => Some(Duration::ZERO),
        };
        self.lead = match patience {
            Some(Duration::ZERO) => Lead::Woken,
            patience => Lead::Waits(patience.map(|patience| Instant::now() + patience)),
        };
        patience
    }

    /// Whether the leader is to be woken: once.
    fn wakes_leader(&mut self) -> bool {
        let waits = matches!(self.lead, Lead::Waits(_));
        if waits {
            self.lead = Lead::Woken;
        }
        waits
    }
}

/// Why a connection goes on. Reasons are bits, and several may come together.
pub(crate) mod why {
    /// Its socket is ready.
    pub(crate) const READY: u64 = 1;
    /// The peer has sent its FIN, or reading was shut.
    pub(crate) const FIN: u64 = 1 << 1;
    /// It has mail.
    pub(crate) const MAIL: u64 = 1 << 2;
    /// A time limit may have passed.
    pub(crate) const LIMIT: u64 = 1 << 3;
    /// A wait of its handler is over, or the time that it may linger.
    pub(crate) const DONE: u64 = 1 << 4;
}

/// Whose hands a connection is in. A thread that calls a connection which another thread serves leaves its reason behind,
/// and the other thread serves the connection once more.
#[derive(Debug)]
pub(crate) struct Claim(AtomicU64);

/// A thread serves the connection, or the connection is in the queue.
const HELD: u64 = 1 << 8;

impl Claim {
    /// In the hands of the calling thread.
    pub(crate) fn held() -> Self {
        Self(AtomicU64::new(HELD))
    }

    /// In no hands.
    pub(crate) fn free() -> Self {
        Self(AtomicU64::new(0))
    }

    /// Calls the connection. Returns whether it is in the hands of the calling thread now; if not, the thread that has it
    /// finds the reason.
    pub(crate) fn call(&self, why: u64) -> bool {
        self.0.fetch_or(HELD | why, Ordering::AcqRel) & HELD == 0
    }

    /// The reasons that have come since the last call.
    pub(crate) fn reasons(&self) -> u64 {
        self.0.swap(HELD, Ordering::AcqRel) & !HELD
    }

    /// The connection waits, and is in no hands. `false` if a reason has come meanwhile: then the calling thread still has it.
    pub(crate) fn release(&self) -> bool {
        let released = self
            .0
            .compare_exchange(HELD, 0, Ordering::AcqRel, Ordering::Acquire);
        released.is_ok()
    }
}
