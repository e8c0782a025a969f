//! The stages of a run, announced by one thread and followed by the others.

use std::sync::atomic::{AtomicU8, Ordering};

use mio::Waker;

/// Where the run stands. The coordinator announces, the workers follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Stage {
    Connect,
    WarmUp,
    Measure,
    Drain,
    Close,
}

/// The stage that has been announced, and the wakers of those who follow.
#[derive(Debug)]
pub(crate) struct Stages {
    now: AtomicU8,
    wakers: Vec<Waker>,
}

const ALL: [Stage; 5] = [
    Stage::Connect,
    Stage::WarmUp,
    Stage::Measure,
    Stage::Drain,
    Stage::Close,
];

impl Stages {
    /// The first stage, to be followed by whoever listens to `wakers`.
    pub(crate) fn new(wakers: Vec<Waker>) -> Self {
        Self {
            now: AtomicU8::new(Stage::Connect as u8),
            wakers,
        }
    }

    pub(crate) fn now(&self) -> Stage {
        ALL[usize::from(self.now.load(Ordering::Acquire))]
    }

    pub(crate) fn announce(&self, stage: Stage) {
        self.now.store(stage as u8, Ordering::Release);
        for waker in &self.wakers {
            // A worker that isn't woken looks up by itself within a moment.
            let _ = waker.wake();
        }
    }
}
