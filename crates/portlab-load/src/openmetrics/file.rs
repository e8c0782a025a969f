//! A file that always has the newest figures, for node_exporter's textfile collector.

use std::{
    io,
    path::Path,
    sync::mpsc::{Receiver, RecvTimeoutError::Timeout},
    time::Duration,
};

use portlab_sys::whole::write_whole;

use super::{Metrics, text::Format};

/// The time between two files: no collector reads more often.
const EVERY: Duration = Duration::from_secs(1);

/// Rewrites the file `path` until the sender of `stopped` is dropped, and then once more.
pub(super) fn rewrite(path: &Path, metrics: &Metrics, stopped: &Receiver<()>) -> io::Result<()> {
    // The disk may be full for a while: the file may be written again later.
    while stopped.recv_timeout(EVERY) == Err(Timeout) {
        let _ = write(path, metrics);
    }
    write(path, metrics)
}

/// Writes the figures. A reader never finds half of the file.
pub(super) fn write(path: &Path, metrics: &Metrics) -> io::Result<()> {
    let text = Format::OpenMetrics.write(&metrics.figures());
    write_whole(path, text.as_bytes())
}
