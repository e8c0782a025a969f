//! The figures of a run while it lasts, for Prometheus: in a file, or on a port.
//!
//! [`Metrics`] watches the run and keeps the figures; `text` writes them in OpenMetrics; one thread rewrites the
//! file (`file`), or answers on the port (`server`). The threads of the load have no part in it.

mod figures;
mod file;
mod server;
mod text;

use std::{
    io,
    net::{TcpListener, TcpStream},
    path::PathBuf,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering::Relaxed},
        mpsc,
    },
    thread::{self, JoinHandle},
};

pub use server::fuzz_requests;

use crate::{Interval, Outcome, Plan, Watch};
use figures::{Figures, Stage};

/// Watches runs, one after the other, and keeps their figures. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct Metrics(Arc<Mutex<Figures>>);

/// A thread that shows the figures of [`Metrics`] until it is told to finish.
pub struct Exporter {
    metrics: Metrics,
    /// Tells the thread to finish.
    stop: Box<dyn FnMut() + Send>,
    thread: Option<JoinHandle<io::Result<()>>>,
}

impl Metrics {
    /// A run of `plan` begins. Its counts are added to those of the runs before.
    pub fn begin_run(&self, plan: &Plan) {
        self.figures().begin_run(plan);
    }

    /// A run is over.
    pub fn end_run(&self) {
        self.figures().end_run();
    }

    fn figures(&self) -> MutexGuard<'_, Figures> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Watch for Metrics {
    fn connected(&mut self, _connected: usize) -> bool {
        self.figures().stage = Stage::WarmingUp;
        true
    }

    fn begin(&mut self) {
        self.figures().stage = Stage::Measuring;
    }

    fn interval(&mut self, interval: &Interval) {
        self.figures().add(interval);
    }

    fn end(&mut self) {
        self.figures().stage = Stage::Draining;
    }

    fn added(&mut self, so_far: &Outcome) {
        self.figures().count(so_far);
    }
}

impl Exporter {
    /// Rewrites the file `path` once a second, and when it finishes.
    ///
    /// # Errors
    /// When the file can't be written.
    pub fn to_file(path: PathBuf, metrics: Metrics) -> io::Result<Self> {
        file::write(&path, &metrics)?;
        let (sender, stopped) = mpsc::channel();
        let mut sender = Some(sender);
        let stop = Box::new(move || drop(sender.take()));
        Self::start(metrics.clone(), stop, move || {
            file::rewrite(&path, &metrics, &stopped)
        })
    }

    /// Answers `GET /metrics` on `listener` until it finishes.
    ///
    /// # Errors
    /// When the system refuses a thread.
    pub fn at(listener: TcpListener, metrics: Metrics) -> io::Result<Self> {
        let addr = listener.local_addr()?;
        let stopped = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&stopped);
        let stop = Box::new(move || {
            flag.store(true, Relaxed);
            // The thread waits for a connection.
            drop(TcpStream::connect(addr));
        });
        Self::start(metrics.clone(), stop, move || {
            server::serve(&listener, &metrics, &stopped)
        })
    }

    fn start(
        metrics: Metrics,
        stop: Box<dyn FnMut() + Send>,
        run: impl FnOnce() -> io::Result<()> + Send + 'static,
    ) -> io::Result<Self> {
        let thread = thread::Builder::new().name("openmetrics".to_owned());
        Ok(Self {
            metrics,
            stop,
            thread: Some(thread.spawn(run)?),
        })
    }

    /// The runs are over: the file gets its last figures, or the port is closed.
    ///
    /// # Errors
    /// When the file couldn't be written, now or before, or the port couldn't be served.
    ///
    /// # Panics
    /// When the thread has panicked, which is a bug here.
    pub fn finish(mut self) -> io::Result<()> {
        self.end().expect("the thread doesn't panic")
    }

    fn end(&mut self) -> thread::Result<io::Result<()>> {
        self.metrics.figures().stage = Stage::Done;
        (self.stop)();
        self.thread.take().map_or(Ok(Ok(())), JoinHandle::join)
    }
}

impl Drop for Exporter {
    fn drop(&mut self) {
        // After an error elsewhere; that error is the one that is reported.
        let _ = self.end();
    }
}
