//! Waiting in tests for another process.
//!
//! A process that another test forks has a copy of every descriptor until it executes its program: so long,
//! a socket that a test has dropped is open, a listener listens, and a lock is held.

use std::{
    thread,
    time::{Duration, Instant},
};

/// Waits until `is` holds, as long as a busy machine may take.
///
/// # Panics
/// When it doesn't within a minute.
#[track_caller]
pub(crate) fn wait_until(mut is: impl FnMut() -> bool) {
    let since = Instant::now();
    while !is() {
        assert!(since.elapsed() < Duration::from_secs(60));
        thread::sleep(Duration::from_millis(2));
    }
}
