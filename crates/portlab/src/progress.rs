//! A bar on stderr while something takes its time; off a terminal, silence or a line now and then.

use std::{io::IsTerminal, time::Duration};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// A bar that shows what runs now, how much is over, and the time left. It clears itself away.
pub(crate) struct Progress {
    bar: ProgressBar,
}

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
        let style = ProgressStyle::with_template("{bar:24} {percent:>3}%  {msg}{prefix}");
        bar.set_style(style.expect("the template is valid").progress_chars("━━╌"));
        bar.set_message(what.to_owned());
        Self { bar }
    }

    /// Says what runs now.
    pub(crate) fn say(&mut self, what: &str) {
        self.bar.set_message(what.to_owned());
    }

    /// Says how much time is left.
    pub(crate) fn left(&mut self, left: Duration) {
        self.bar
            .set_prefix(format!("  {}s left", left.as_secs_f64().ceil()));
    }

    /// Whether nobody sees the bar, because stderr is no terminal.
    pub(crate) fn is_hidden(&self) -> bool {
        self.bar.is_hidden()
    }

    /// Prints something above the bar, which is redrawn below it.
    pub(crate) fn above(&self, print: impl FnOnce()) {
        self.bar.suspend(print);
    }

    /// A share, in `[0, 1]`, is over.
    pub(crate) fn at(&mut self, share: f64) {
        self.bar.set_position((share * LENGTH as f64) as u64);
    }

    /// Clears the bar away.
    pub(crate) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.finish();
    }
}
