//! The stages of a run, and the turns after which its threads send their statistics: announced by the coordinator and
//! followed by the workers.

use std::sync::atomic::Ordering;

use mio::Waker;

use crate::sync::AtomicU64;

/// The stage of a run. The coordinator announces it, the workers follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(crate) enum Stage {
    Connect,
    WarmUp,
    Measure,
    /// The load goes on until the server has been metered, and isn't measured.
    WindDown,
    /// An open loop sends the messages that became due while no connection was free.
    CatchUp,
    /// Nothing is sent any more; what is in flight is waited for.
    Drain,
    /// Connections go through the last steps of a dialogue file.
    LastSteps,
    Close,
}

const ALL: [Stage; 8] = [
    Stage::Connect,
    Stage::WarmUp,
    Stage::Measure,
    Stage::WindDown,
    Stage::CatchUp,
    Stage::Drain,
    Stage::LastSteps,
    Stage::Close,
];

/// A part of a run, at whose end every worker sends its statistics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Turn {
    /// Counted from 0.
    pub(crate) number: u64,
    pub(crate) stage: Stage,
}

/// The turn that was announced last, and what else the coordinator and the workers share.
#[derive(Debug)]
pub(crate) struct Stages {
    /// The turn's number, times eight, plus its stage.
    turn: AtomicU64,
    /// When each stage began, in nanoseconds since the run did.
    began: [AtomicU64; ALL.len()],
    /// The bits of the rate that is asked for, per second.
    rate: AtomicU64,
    /// Errors since the run began, and how many are allowed.
    errors: AtomicU64,
    allowed: u64,
    wakers: Vec<Waker>,
}

impl Stages {
    /// The first turn of the first stage. `wakers` wake the workers; a run ends after more than `allowed` errors.
    pub(crate) fn new(wakers: Vec<Waker>, rate_per_s: f64, allowed: Option<u64>) -> Self {
        Self {
            turn: AtomicU64::new(0),
            began: Default::default(),
            rate: AtomicU64::new(rate_per_s.to_bits()),
            errors: AtomicU64::new(0),
            allowed: allowed.unwrap_or(u64::MAX),
            wakers,
        }
    }

    /// The turn that has been announced last.
    pub(crate) fn now(&self) -> Turn {
        let turn = self.turn.load(Ordering::Acquire);
        Turn {
            number: turn / 8,
            stage: ALL[(turn % 8) as usize],
        }
    }

    /// When `stage` began, once it has been announced.
    pub(crate) fn began(&self, stage: Stage) -> u64 {
        self.began[stage as usize].load(Ordering::Relaxed)
    }

    /// Counts an error; returns whether it is the first one above the limit.
    pub(crate) fn count_error(&self) -> bool {
        self.errors.fetch_add(1, Ordering::Relaxed) == self.allowed
    }

    /// Errors since the run began.
    pub(crate) fn errors(&self) -> u64 {
        self.errors.load(Ordering::Relaxed)
    }

    /// Whether there have been too many errors: then no message is sent and no connection made, even before the end
    /// is announced.
    pub(crate) fn has_too_many_errors(&self) -> bool {
        self.errors() > self.allowed
    }

    /// Messages per second that are asked for, over all threads; infinite in a closed loop.
    pub(crate) fn rate_per_s(&self) -> f64 {
        f64::from_bits(self.rate.load(Ordering::Relaxed))
    }

    /// Changes the rate that is asked for.
    pub(crate) fn set_rate(&self, rate_per_s: f64) {
        self.rate.store(rate_per_s.to_bits(), Ordering::Relaxed);
        self.wake();
    }

    /// Announces `stage`, as of `now`, or its next turn if it is the stage already; returns the turn that has ended.
    pub(crate) fn announce(&self, stage: Stage, now: u64) -> Turn {
        let ended = self.now();
        if ended.stage != stage {
            self.began[stage as usize].store(now, Ordering::Relaxed);
        }
        let turn = (ended.number + 1) * 8 + stage as u64;
        self.turn.store(turn, Ordering::Release);
        self.wake();
        ended
    }

    fn wake(&self) {
        for waker in &self.wakers {
            // A worker that isn't woken reads the stage within 100 ms.
            let _ = waker.wake();
        }
    }
}
