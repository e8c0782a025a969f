//! One line per second on stderr.

use std::time::Instant;

use portlab_load::{Interval, Pace, Plan, Progress, Watch};
use portlab_words::{Lang, tr, units};
use textwrap::core::display_width;

use super::{
    show::Live,
    words::{errors, open, quantile, stage},
};
use crate::args::{BAD, DIM, lang, stderr_width};

/// Reports a run line by line.
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
}

impl Live for Lines {
    fn second(&mut self, second: &Interval) {
        self.last_word = Instant::now();
        let latency = &second.latency;
        let lang = lang();
        let errors = match second.errors {
            0 => String::new(),
            count => format!("  {BAD}{}{BAD:#}", errors(count, lang)),
        };
        let (title, at) = (&self.title, second.to.as_secs_f64());
        let percent = second.generator_cpu_share * 100.0;
        let generator = tr!(lang, "generator {percent:.0}%", "生成器 {percent:.0}%");
        if self.idle {
            let open = open(second.open, self.connections, lang);
            crate::tell!("{title}{at:>6.1}s  {open}  {DIM}{generator}{DIM:#}{errors}");
            return;
        }
        let count = second.open;
        let state = tr!(
            lang,
            "{count} open, {generator}",
            "{count} 个打开，{generator}"
        );
        let figures = format!(
            "{title}{at:>6.1}s {:>8}/s  p50 {:>8}  p99 {:>8}",
            units::short(second.messages_per_s()),
            quantile(latency, 0.5),
            quantile(latency, 0.99),
        );
        let rest = format!("  {DIM}{state}{DIM:#}{errors}");
        let with_bytes = format!("{figures}  {}{rest}", bytes(second, lang));
        // On a narrow terminal the bytes are left out, so that a second stays one line.
        match stderr_width().is_none_or(|width| display_width(&with_bytes) <= width) {
            true => crate::tell!("{with_bytes}"),
            false => crate::tell!("{figures}{rest}"),
        }
    }
}

/// Bytes per second each way.
fn bytes(second: &Interval, lang: Lang) -> String {
    let (sent, received) = second.bytes_per_s();
    let (sent, received) = (units::bytes(sent), units::bytes(received));
    tr!(
        lang,
        "out {sent:>8}/s  in {received:>8}/s",
        "发 {sent:>8}/s  收 {received:>8}/s"
    )
}

impl Watch for Lines {
    fn begin(&mut self) {
        self.measuring = true;
    }

    fn end(&mut self) {
        self.measuring = false;
        self.last_word = Instant::now();
    }

    /// Prints a line a second while nothing is measured.
    fn tick(&mut self, progress: &Progress) {
        if self.measuring || self.last_word.elapsed().as_secs() < 1 {
            return;
        }
        self.last_word = Instant::now();
        let (title, lang) = (&self.title, lang());
        let errors = match progress.errors {
            0 => String::new(),
            count => format!(", {}", errors(count, lang)),
        };
        let stage = stage(progress, self.connections, lang);
        crate::tell!("{title}{stage}{errors}");
    }
}
