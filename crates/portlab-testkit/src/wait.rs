//! Waiting for a state that another process or thread brings about.
//!
//! If another test starts a process, this process has a copy of every descriptor until it executes its program. Until
//! then, a socket that a test has dropped is still open, a listener still listens, and a lock is still held.

use std::{
    fmt::Debug,
    thread,
    time::{Duration, Instant},
};

/// The time limit for a step that takes milliseconds on a machine that isn't busy.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Waits until `is` holds.
///
/// # Panics
/// When it doesn't within [`PATIENCE`].
#[track_caller]
pub fn wait_until(what: &str, mut is: impl FnMut() -> bool) {
    once(|| is().then_some(()).ok_or(what));
}

/// Waits until `look` succeeds, and returns the value.
///
/// # Panics
/// When it fails for longer than [`PATIENCE`], with its last error.
#[track_caller]
pub fn once<T, E: Debug>(mut look: impl FnMut() -> Result<T, E>) -> T {
    let since = Instant::now();
    loop {
        match look() {
            Ok(value) => return value,
            Err(error) if since.elapsed() > PATIENCE => {
                panic!("not within {PATIENCE:?}: {error:?}")
            }
            Err(_) => thread::sleep(Duration::from_millis(2)),
        }
    }
}
