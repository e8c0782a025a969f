//! Fault 10: connections that say nothing take all places.

use std::time::{Duration, Instant};

use crate::{Case, failure::ensure};

/// As the option has it.
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
            // One that has never said anything, and one that has.
            idle.push(match idle.len() % 2 {
                0 => target.client()?,
                _ => target.served_client()?,
            });
        }
        let mut next = target.client()?;
        next.send(b"is there a place?")?;
        for client in &mut idle {
            client.expect_to_be_dropped()?;
        }
        let elapsed = since.elapsed();
        ensure!(elapsed >= TIMEOUT, "all were closed after {elapsed:?}");
        next.expect(b"is there a place?")?;
        drop(next);
        let mut active = target.served_client()?;
        // A busy machine may let this client pause for longer than it means to.
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
