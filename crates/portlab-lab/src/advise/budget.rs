//! The time that an inquiry may take.

use std::time::{Duration, Instant};

/// A time, and how much of it is left.
#[derive(Clone, Copy, Debug)]
pub(super) struct Budget {
    began: Instant,
    time: Duration,
}

/// Kept back for servers that take long to stop.
const RESERVE: Duration = Duration::from_secs(3);

impl Budget {
    pub(super) fn begin(time: Duration) -> Self {
        Self {
            began: Instant::now(),
            time: time.saturating_sub(RESERVE).max(time / 2),
        }
    }

    /// The share that is over, from 0; more than 1 if the time is exceeded.
    pub(super) fn share(&self) -> f64 {
        self.began.elapsed().as_secs_f64() / self.time.as_secs_f64().max(f64::MIN_POSITIVE)
    }

    /// The time that is left; 0 if there is none.
    pub(super) fn left(&self) -> Duration {
        self.time.saturating_sub(self.began.elapsed())
    }
}
