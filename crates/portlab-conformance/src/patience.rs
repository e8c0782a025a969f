//! How long to wait for what must happen.

use std::{
    thread,
    time::{Duration, Instant},
};

use crate::Failure;

/// How long anything may take before it counts as not happening. Far more than it takes, so that a
/// busy machine fails no case; `PORTLAB_PATIENCE` multiplies it.
pub(crate) fn patience() -> Duration {
    let factor = std::env::var("PORTLAB_PATIENCE")
        .ok()
        .and_then(|text| text.parse().ok());
    Duration::from_secs(20) * factor.unwrap_or(1)
}

/// Waits until `true_yet` says so; says whether it did in time.
pub(crate) fn eventually(
    mut true_yet: impl FnMut() -> Result<bool, Failure>,
) -> Result<bool, Failure> {
    let since = Instant::now();
    while !true_yet()? {
        if since.elapsed() > patience() {
            return Ok(false);
        }
        thread::sleep(Duration::from_millis(2));
    }
    Ok(true)
}
