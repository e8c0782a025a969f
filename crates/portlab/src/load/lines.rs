//! A line a second on stderr.

use std::time::Instant;

use portlab_load::{Interval, Pace, Plan, Progress};
use portlab_words::units;

use super::words::{connecting, known, open, plural, waiting};
use crate::args::{BAD, DIM};

/// Tells of a run line by line.
pub(super) struct Lines {
    title: String,
    connections: usize,
    idle: bool,
    last_word: Instant,
    measuring: bool,
}

impl Lines {
    /// Every line about a run of `plan` begins with `title`.
    pub(super) fn new(title: &str, plan: &Plan) -> Self {
        let title = match title {
            "" => String::new(),
            title => format!("{title}  "),
        };
        Self {
            title,
            connections: plan.connections,
            idle: plan.pace == Pace::Idle,
            last_word: Instant::now(),
            measuring: false,
        }
    }

    /// Measuring begins: from now on there is a line for each second of it.
    pub(super) fn begin(&mut self) {
        self.measuring = true;
    }

    /// Measuring ends.
    pub(super) fn end(&mut self) {
        self.measuring = false;
        self.last_word = Instant::now();
    }

    /// A second is over.
    pub(super) fn add(&mut self, second: &Interval) {
        self.last_word = Instant::now();
        let latency = &second.latency;
        let errors = match second.errors {
            0 => String::new(),
            count => format!("  {BAD}{}{BAD:#}", plural(count, "error")),
        };
        let (title, at) = (&self.title, second.to.as_secs_f64());
        let generator = format!("generator {:.0}%", second.generator_cpu_share * 100.0);
        if self.idle {
            let open = open(second.open, self.connections);
            crate::tell!("{title}{at:>6.1}s  {open}  {DIM}{generator}{DIM:#}{errors}");
            return;
        }
        crate::tell!(
            "{title}{at:>6.1}s {:>8}/s  p50 {:>8}  p99 {:>8}  {DIM}{} open, {generator}{DIM:#}{errors}",
            units::short(second.messages_per_s()),
            known(latency, latency.quantile_ns(0.5)),
            known(latency, latency.quantile_ns(0.99)),
            second.open,
        );
    }

    /// While nothing is measured, a word a second as well.
    pub(super) fn tick(&mut self, progress: &Progress) {
        if self.measuring || self.last_word.elapsed().as_secs() < 1 {
            return;
        }
        self.last_word = Instant::now();
        let (title, dialled, errors) = (&self.title, progress.dialled, progress.errors);
        let errors = match errors {
            0 => String::new(),
            errors => format!(", {}", plural(errors, "error")),
        };
        if let Some(left) = progress.waiting {
            crate::tell!("{title}{}{errors}", waiting(left));
        } else if progress.share == 0.0 {
            let connecting = connecting(dialled, self.connections);
            crate::tell!("{title}{connecting}{errors}");
        } else {
            crate::tell!("{title}warming up{errors}");
        }
    }
}
