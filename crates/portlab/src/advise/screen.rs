//! What is shown while models are measured.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use portlab_lab::advise::{Audience, Now};
use portlab_stats::{advice::Question, units};

use crate::{args::DIM, progress::Progress};

/// A bar on a terminal; off one, a line now and then.
pub(super) struct Screen {
    progress: Progress,
    interrupted: Arc<AtomicBool>,
    began: Instant,
    time: Duration,
    rate: String,
    said: Option<Instant>,
}

/// How often a line is said where there is no bar.
const NOW_AND_THEN: Duration = Duration::from_secs(10);

impl Screen {
    pub(super) fn new(interrupted: Arc<AtomicBool>, time: Duration, question: &Question) -> Self {
        Self {
            progress: Progress::new("starting"),
            interrupted,
            began: Instant::now(),
            time,
            rate: rate(question.rate_per_s),
            said: None,
        }
    }

    pub(super) fn finish(&self) {
        self.progress.finish();
    }
}

fn rate(per_s: f64) -> String {
    format!("{}/s", units::short(per_s))
}

impl Audience for Screen {
    fn now(&mut self, now: Now<'_>, share: f64) {
        let rate_asked = &self.rate;
        let what = match now {
            Now::AtRate { model, round } => format!("{model} at {rate_asked}, round {round}"),
            Now::IfBlocked { model } => format!("{model} if the driver blocks"),
            Now::Searching { model, rate_per_s } => format!("{model} at {}", rate(rate_per_s)),
        };
        let elapsed = self.began.elapsed();
        self.progress.say(&what);
        self.progress.at(share.min(1.0));
        self.progress.left(self.time.saturating_sub(elapsed));
        let is_time = self.said.is_none_or(|said| said.elapsed() > NOW_AND_THEN);
        if self.progress.is_hidden() && is_time {
            self.said = Some(Instant::now());
            let (seconds, most) = (elapsed.as_secs(), self.time.as_secs());
            crate::tell!("{DIM}{what}; {seconds} s of at most {most} s{DIM:#}");
        }
    }

    fn interrupted(&self) -> bool {
        self.interrupted.load(Relaxed)
    }
}
