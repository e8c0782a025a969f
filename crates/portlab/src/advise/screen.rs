//! What is shown while models are measured.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use portlab_lab::advise::{Audience, Now};
use portlab_stats::advice::Question;
use portlab_words::units::per_s;

use crate::{args::DIM, progress::Progress};

/// A bar on a terminal; off one, a line now and then.
pub(super) struct Screen {
    progress: Progress,
    interrupted: Arc<AtomicBool>,
    began: Instant,
    time: Duration,
    rate: String,
}

impl Screen {
    pub(super) fn new(interrupted: Arc<AtomicBool>, time: Duration, question: &Question) -> Self {
        Self {
            progress: Progress::new("starting"),
            interrupted,
            began: Instant::now(),
            time,
            rate: per_s(question.rate_per_s),
        }
    }

    pub(super) fn finish(&self) {
        self.progress.finish();
    }
}

impl Audience for Screen {
    fn now(&mut self, now: Now<'_>, share: f64) {
        let rate_asked = &self.rate;
        let what = match now {
            Now::AtRate { model, round } => format!("{model} at {rate_asked}, round {round}"),
            Now::IfBlocked { model } => format!("{model} if the driver blocks"),
            Now::Searching { model, rate_per_s } => format!("{model} at {}", per_s(rate_per_s)),
        };
        let elapsed = self.began.elapsed();
        self.progress.say(&what);
        self.progress.at(share.min(1.0));
        self.progress.left(self.time.saturating_sub(elapsed));
        if self.progress.is_time_for_a_line() {
            let (seconds, most) = (elapsed.as_secs(), self.time.as_secs());
            crate::tell!("{DIM}{what}; {seconds} s of at most {most} s{DIM:#}");
        }
    }

    fn interrupted(&self) -> bool {
        self.interrupted.load(Relaxed)
    }
}
