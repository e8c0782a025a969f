//! Fault 10: silent connections take all workers.

use std::time::{Duration, Instant};

use crate::{Case, failure::ensure};

/// The value of the option.
const TIMEOUT: Duration = Duration::from_secs(1);

pub(super) const CASE: Case = Case {
    about: "with --idle-timeout, silent connections are closed after it and not before, a connection that talks stays, \
            and the next client is served",
    faults: &[10],
    options: &["--idle-timeout=1s"],
    run: |target| {
        let since = Instant::now();
        let mut idle = Vec::new();
        for _ in 0..target.crowd(50) {
            // Half of them have never sent a byte.
            idle.push(match idle.len() % 2 {
                0 => target.client()?,
                _ => target.served_client()?,
            });
        }
        let mut next = target.client()?;
        next.send(b"am I next?")?;
        for client in &mut idle {
            client.expect_to_be_dropped()?;
        }
        let elapsed = since.elapsed();
        ensure!(elapsed >= TIMEOUT, "all were closed after {elapsed:?}");
        next.expect(b"am I next?")?;
        drop(next);
        let mut active = target.served_client()?;
        // On a busy machine this client may pause for too long; then the rest proves nothing.
        let mut longest = Duration::ZERO;
        for _ in 0..15 {
            let paused = Instant::now();
            active.expect_silence(TIMEOUT / 10)?;
            let answered = active.exchange(b"not idle");
            longest = longest.max(paused.elapsed());
            if longest >= TIMEOUT / 2 {
                return Ok(());
            }
            answered?;
        }
        Ok(())
    },
    ..Case::ECHO
};
