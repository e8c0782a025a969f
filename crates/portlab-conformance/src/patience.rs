//! How long a case waits for a step of the server.

use std::{
    cell::Cell,
    thread,
    time::{Duration, Instant},
};

use crate::Failure;

/// How long a case waits for each step of the server before it fails. Far more than a step takes, so that no case fails
/// on a busy machine; `PORTLAB_PATIENCE` multiplies it.
pub(crate) fn patience() -> Duration {
    if let Some(given) = PATIENCE.get() {
        return given;
    }
    let factor = std::env::var("PORTLAB_PATIENCE")
        .ok()
        .and_then(|text| text.parse().ok());
    Duration::from_secs(20) * factor.unwrap_or(1)
}

thread_local! {
    static PATIENCE: Cell<Option<Duration>> = const { Cell::new(None) };
}

/// Runs a case on this thread with another patience: a server that is known to be broken needs no long wait.
pub fn with_patience<T>(patience: Duration, run: impl FnOnce() -> T) -> T {
    let before = PATIENCE.replace(Some(patience));
    let result = run();
    PATIENCE.set(before);
    result
}

/// Runs `what` on another thread, with the patience of this one. Returns a function that waits for its result.
pub(crate) fn beside<T: Send + 'static>(
    what: impl FnOnce() -> Result<T, Failure> + Send + 'static,
) -> impl FnOnce() -> Result<T, Failure> {
    let limit = patience();
    let thread = thread::spawn(move || with_patience(limit, what));
    let panicked = |_| Err(Failure::new("a client panicked"));
    move || thread.join().unwrap_or_else(panicked)
}

/// Waits until `holds` returns true. Returns false if that took longer than the patience.
pub(crate) fn eventually(
    mut holds: impl FnMut() -> Result<bool, Failure>,
) -> Result<bool, Failure> {
    let since = Instant::now();
    while !holds()? {
        if since.elapsed() > patience() {
            return Ok(false);
        }
        thread::sleep(Duration::from_millis(2));
    }
    Ok(true)
}
