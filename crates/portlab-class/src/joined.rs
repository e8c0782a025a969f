//! A thread that owns processes, and is waited for at the end of the page.
//!
//! The kernel ends a child when the *thread* ends that started it (PR_SET_PDEATHSIG). So such a thread lives as long as the
//! page, and its processes end with the page, also if it is killed.

use std::{
    io,
    sync::Arc,
    thread::{self, JoinHandle},
};

use crate::room::Room;

/// When this is dropped, the page ends, the thread has ended, and so have its processes. So a page that fails before it is
/// served leaves nothing either.
#[derive(Debug)]
pub(crate) struct Joined {
    room: Arc<Room>,
    thread: Option<JoinHandle<()>>,
}

impl Joined {
    /// Starts a thread that runs `run`, which returns soon after the page has ended.
    pub(crate) fn start(
        name: &str,
        room: Arc<Room>,
        run: impl FnOnce(&Room) + Send + 'static,
    ) -> io::Result<Self> {
        let thread = thread::Builder::new().name(name.to_owned());
        let shared = Arc::clone(&room);
        let thread = thread.spawn(move || run(&shared))?;
        Ok(Self {
            room,
            thread: Some(thread),
        })
    }
}

impl Drop for Joined {
    fn drop(&mut self) {
        self.room.end();
        if let Some(thread) = self.thread.take() {
            // A panic of the thread has been printed.
            let _ = thread.join();
        }
    }
}
