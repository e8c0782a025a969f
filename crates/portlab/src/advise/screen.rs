//! What is shown while models are measured.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use portlab_lab::advise::{InquiryObserver, Now};
use portlab_stats::advice::Question;
use portlab_words::{tr, units::per_s};

use crate::{
    args::{DIM, lang},
    progress::Progress,
};

/// A bar on a terminal; off a terminal, a line now and then.
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
            progress: Progress::new(lang().pick("starting", "正在准备")),
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

impl InquiryObserver for Screen {
    fn now(&mut self, model: &str, now: Now, share: f64) {
        let rate_asked = &self.rate;
        let what = match now {
            Now::AtRate(round) => {
                tr!(
                    lang(),
                    "{model} at {rate_asked}, round {round}",
                    "{model}，{rate_asked}，第 {round} 轮"
                )
            }
            Now::IfBlocked => tr!(
                lang(),
                "{model} if the driver blocks",
                "{model}，如果驱动会阻塞"
            ),
            Now::Searching(rate_per_s) => {
                let rate = per_s(rate_per_s);
                tr!(lang(), "{model} at {rate}", "{model}，{rate}")
            }
        };
        let elapsed = self.began.elapsed();
        self.progress.say(&what);
        self.progress.at(share.min(1.0));
        self.progress.left(self.time.saturating_sub(elapsed));
        if self.progress.is_time_for_a_line() {
            let (seconds, most) = (elapsed.as_secs(), self.time.as_secs());
            let line = tr!(
                lang(),
                "{what}; {seconds} s of at most {most} s",
                "{what}；已用 {seconds} 秒，最多 {most} 秒"
            );
            crate::tell!("{DIM}{line}{DIM:#}");
        }
    }

    fn interrupted(&self) -> bool {
        self.interrupted.load(Relaxed)
    }
}
