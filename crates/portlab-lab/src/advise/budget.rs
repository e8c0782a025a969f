//! The time that an inquiry may take.

use std::time::{Duration, Instant};

/// A time that is planned with and watched.
#[derive(Clone, Copy, Debug)]
pub(super) struct Budget {
    began: Instant,
    time: Duration,
}

/// What is kept back for servers that take long to stop.
const RESERVE: Duration = Duration::from_secs(3);

impl Budget {
    pub(super) fn begin(time: Duration) -> Self {
        Self {
            began: Instant::now(),
            time: time.saturating_sub(RESERVE).max(time / 2),
        }
    }

    /// The share that is over; 1 and more when all is.
    pub(super) fn share(&self) -> f64 {
        self.began.elapsed().as_secs_f64() / self.time.as_secs_f64().max(f64::MIN_POSITIVE)
    }

    /// What is left.
    pub(super) fn left(&self) -> Duration {
        self.time.saturating_sub(self.began.elapsed())
    }
}
