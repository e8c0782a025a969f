//! A thread that owns processes, and is waited for at the end of the page.
//!
//! The kernel ends a child when the *thread* ends that started it (PR_SET_PDEATHSIG). So such a thread lives as long as the
//! page, and its processes end with the page, also if it is killed.

use std::{
    io,
    thread::{self, JoinHandle},
};

/// When this is dropped, the thread has ended, and so have its processes.
#[derive(Debug)]
pub(crate) struct Joined {
    thread: Option<JoinHandle<()>>,
}

impl Joined {
    /// Starts a thread that runs `run`, which returns soon after the page has ended.
    pub(crate) fn start(name: &str, run: impl FnOnce() + Send + 'static) -> io::Result<Self> {
        let thread = thread::Builder::new().name(name.to_owned()).spawn(run)?;
        Ok(Self {
            thread: Some(thread),
        })
    }
}

impl Drop for Joined {
    fn drop(&mut self) {
        if let Some(thread) = self.thread.take() {
            // A panic of the thread has been printed.
            let _ = thread.join();
        }
    }
}
