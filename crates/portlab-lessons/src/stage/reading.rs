//! The time for reading a text.

use std::time::Duration;

use unicode_width::UnicodeWidthStr;

use crate::{run::READING, script::Script};

/// The pauses for reading a lesson's texts, together no more than [`READING`].
#[derive(Debug)]
pub(super) struct Reading {
    per_column: Duration,
    /// How long each stop before an explanation takes.
    stop: Duration,
    /// The rest of the time. It can run out, because values may be longer than their names.
    left: Duration,
}

/// The time for reading a column, if all pauses together stay within [`READING`].
const COMFORTABLE: Duration = Duration::from_millis(25);

/// The stop between the outcome and the explanation.
const STOP: Duration = Duration::from_millis(500);

impl Reading {
    pub(super) fn of(script: &Script) -> Self {
        let stops = script.steps.iter().filter(|it| !it.why.is_empty()).count();
        let stops = STOP * u32::try_from(stops).unwrap_or(u32::MAX);
        let columns: usize = script.texts().map(UnicodeWidthStr::width).sum();
        let columns = u32::try_from(columns.max(1)).unwrap_or(u32::MAX);
        Self {
            per_column: (READING.saturating_sub(stops) / columns).min(COMFORTABLE),
            stop: STOP,
            left: READING,
        }
    }

    /// How long to pause for `text`.
    pub(super) fn pause(&mut self, text: &str) -> Duration {
        let columns = u32::try_from(text.width()).unwrap_or(u32::MAX);
        self.take(self.per_column.saturating_mul(columns))
    }

    /// How long to pause between the outcome and the explanation.
    pub(super) fn stop(&mut self) -> Duration {
        self.take(self.stop)
    }

    fn take(&mut self, pause: Duration) -> Duration {
        let pause = pause.min(self.left);
        self.left -= pause;
        pause
    }
}
