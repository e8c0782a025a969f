//! A file that always has the newest figures, for node_exporter's textfile collector.

use std::{
    io,
    path::PathBuf,
    sync::{Arc, Condvar, Mutex, PoisonError},
    time::Duration,
};

use portlab_sys::whole::write_whole;

use super::{Metrics, text::Format};

/// The time between two files: no collector reads more often.
const EVERY: Duration = Duration::from_secs(1);

/// Rewrites a file. A reader never finds half of it.
pub(super) struct Rewriter {
    path: PathBuf,
    metrics: Metrics,
    stop: Arc<Stop>,
}

/// Ends a [`Rewriter`].
#[derive(Default)]
pub(super) struct Stop {
    is_set: Mutex<bool>,
    changed: Condvar,
}

impl Stop {
    pub(super) fn set(&self) {
        *self.is_set.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.changed.notify_all();
    }

    /// Waits for `time`; returns whether the rewriter is to end.
    fn wait(&self, time: Duration) -> bool {
        let is_set = self.is_set.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self
            .changed
            .wait_timeout_while(is_set, time, |is_set| !*is_set);
        *waited.unwrap_or_else(PoisonError::into_inner).0
    }
}

impl Rewriter {
    /// # Errors
    /// When the file can't be written.
    pub(super) fn create(path: PathBuf, metrics: Metrics) -> io::Result<Self> {
        let rewriter = Self {
            path,
            metrics,
            stop: Arc::default(),
        };
        rewriter.write()?;
        Ok(rewriter)
    }

    pub(super) fn stop(&self) -> Arc<Stop> {
        Arc::clone(&self.stop)
    }

    /// Rewrites the file until it is told to stop, and then once more.
    pub(super) fn run(self) -> io::Result<()> {
        // The disk may be full for a while: the file may be written again later.
        while !self.stop.wait(EVERY) {
            let _ = self.write();
        }
        self.write()
    }

    fn write(&self) -> io::Result<()> {
        let text = Format::OpenMetrics.write(&self.metrics.figures());
        write_whole(&self.path, text.as_bytes())
    }
}
