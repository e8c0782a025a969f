//! A line a second on stderr.

use std::time::Instant;

use portlab_load::{Interval, Progress};
use portlab_stats::units;

use super::text::known;
use crate::args::{BAD, DIM};

/// Tells of a run line by line.
pub(super) struct Lines {
    title: String,
    connections: usize,
    last_word: Instant,
    measuring: bool,
}

impl Lines {
    /// Every line begins with `title`; there are to be `connections`.
    pub(super) fn new(title: &str, connections: usize) -> Self {
        let title = match title {
            "" => String::new(),
            title => format!("{title}  "),
        };
        Self {
            title,
            connections,
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
            1 => format!("  {BAD}1 error{BAD:#}"),
            count => format!("  {BAD}{count} errors{BAD:#}"),
        };
        crate::tell!(
            "{}{:>6.1}s {:>8}/s  p50 {:>8}  p99 {:>8}  {DIM}{} open, generator {:.0}%{DIM:#}{errors}",
            self.title,
            second.to.as_secs_f64(),
            units::short(second.messages_per_s()),
            known(latency, latency.quantile_ns(0.5)),
            known(latency, latency.quantile_ns(0.99)),
            second.open,
            second.generator_cpu_share * 100.0,
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
            errors => format!(", {errors} errors"),
        };
        if let Some(left) = progress.waiting {
            let left = left.as_secs_f64().ceil();
            crate::tell!("{title}waiting for the last answers, {left} s at most{errors}");
        } else if progress.share == 0.0 {
            let all = self.connections;
            crate::tell!("{title}connecting: {dialled} of {all}{errors}");
        } else {
            crate::tell!("{title}warming up{errors}");
        }
    }
}
