//! A progress bar on stderr. Off a terminal there is no bar, and some commands print a line now and then.

use std::{
    io::IsTerminal,
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use portlab_service::inert;
use portlab_words::{table::cut, tr};

use crate::args::{lang, stderr_width};

/// A bar that shows what runs now, the share that is done, and the time left. Dropping it clears it.
///
/// The line is short, so that it fits into a terminal. If a terminal becomes narrower and wraps the line, all its rows
/// are cleared.
pub(crate) struct Progress {
    bar: ProgressBar,
    /// How wide the terminal was when the line was drawn last.
    width: usize,
    /// When a line was printed instead of the bar.
    said: Option<Instant>,
}

/// How often a line is printed where there is no bar.
pub(crate) const NOW_AND_THEN: Duration = Duration::from_secs(10);

/// The most columns for the text that says what runs now, and the columns of the bar, the percentage and the time left.
const WHAT: usize = 44;
const OTHERS: usize = 29;

/// The bar counts thousandths.
const LENGTH: u64 = 1000;

impl Progress {
    /// A bar that begins with `what`. It is drawn only on a terminal.
    pub(crate) fn new(what: &str) -> Self {
        let target = if std::io::stderr().is_terminal() {
            ProgressDrawTarget::stderr_with_hz(16)
        } else {
            ProgressDrawTarget::hidden()
        };
        let bar = ProgressBar::with_draw_target(Some(LENGTH), target);
        let style = ProgressStyle::with_template("{bar:10} {percent:>3}%  {msg}{prefix}");
        bar.set_style(style.expect("the template is valid").progress_chars("━━╌"));
        let mut progress = Self {
            bar,
            width: stderr_width().unwrap_or(usize::MAX),
            said: None,
        };
        progress.say(what);
        progress
    }

    /// Clears the rows into which a terminal that has become narrower has wrapped the line: the bar itself
    /// knows of one row only.
    fn follow_width(&mut self) {
        let width = stderr_width().unwrap_or(usize::MAX);
        let before = std::mem::replace(&mut self.width, width);
        if width < before && !self.bar.is_hidden() {
            // The line is drawn with blanks up to the edge.
            let more = rows(before, width) - 1;
            self.bar
                .suspend(|| eprint!("{}", "\x1b[1A\x1b[2K".repeat(more)));
        }
    }

    /// Says what runs now.
    pub(crate) fn say(&mut self, what: &str) {
        self.follow_width();
        let room = self.width.saturating_sub(OTHERS).min(WHAT);
        self.bar.set_message(cut(&inert(what), room));
    }

    /// Says how much time is left.
    pub(crate) fn left(&mut self, left: Duration) {
        let seconds = left.as_secs_f64().ceil();
        self.bar
            .set_prefix(tr!(lang(), "  {seconds}s left", "  还剩 {seconds} 秒"));
    }

    /// Whether to print a line instead of the bar: every [`NOW_AND_THEN`], if stderr isn't a terminal.
    pub(crate) fn is_time_for_a_line(&mut self) -> bool {
        let is_time = self.said.is_none_or(|it| it.elapsed() > NOW_AND_THEN);
        let is_time = is_time && self.bar.is_hidden();
        if is_time {
            self.said = Some(Instant::now());
        }
        is_time
    }

    /// Prints something above the bar, which is redrawn below it.
    pub(crate) fn above(&self, print: impl FnOnce()) {
        self.bar.suspend(print);
    }

    /// Sets the share that is done, in `[0, 1]`.
    pub(crate) fn at(&mut self, share: f64) {
        self.follow_width();
        self.bar.set_position((share * LENGTH as f64) as u64);
    }

    /// Clears the bar.
    pub(crate) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.finish();
    }
}

/// How many rows a line of so many columns takes.
fn rows(columns: usize, width: usize) -> usize {
    columns.div_ceil(width.max(1)).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_is_wrapped_takes_more_rows() {
        let taken = [(60, 80), (60, 60), (60, 59), (60, 20), (0, 20), (5, 0)];
        assert_eq!(
            taken.map(|(line, width)| rows(line, width)),
            [1, 1, 2, 3, 1, 5]
        );
    }
}
