//! More clients than descriptors.

use portlab_sys::{clock::process_cpu, limits};
use std::{
    thread,
    time::{Duration, Instant},
};

use crate::{Case, Failure, Requires, failure::ensure, patience::eventually};

/// Descriptors that the server may have.
const LIMIT: u64 = 32;

pub(super) const CASE: Case = Case {
    about: "out of descriptors: connected clients are served, the server takes less than 5 % CPU and logs at most one \
            line a second, and when descriptors are free again, new clients are served",
    faults: &[15],
    requires: &[
        Requires::Process,
        Requires::OneProcess,
        Requires::AtOnce(100),
    ],
    // Pools have more workers than there are descriptors. A thread that waited in accept before the limit has its
    // descriptor already, so the crowd has more clients than there are workers.
    options: &["--workers=110"],
    run: |target| {
        let pid = target.pid()?;
        let mut inside = target.served_client()?;
        limits::limit_open_files(pid, LIMIT)?;
        let crowded = Instant::now();
        let mut crowd = target.clients(130)?;
        let (before, since) = (process_cpu(pid)?, Instant::now());
        thread::sleep(Duration::from_secs(2));
        let (used, elapsed) = (process_cpu(pid)? - before, since.elapsed());
        ensure!(
            used < elapsed / 20,
            "the server spins: {used:?} of CPU time in {elapsed:?}"
        );
        let complaints = target.process()?.complaints();
        let lines = complaints.lines().count() as u64;
        // The first second begins with the crowd.
        ensure!(
            lines <= crowded.elapsed().as_secs() + 2,
            "{lines} lines of log in {:?}",
            crowded.elapsed()
        );
        inside.exchange(b"still there?")?;
        // The limit is reached: the last client is not served.
        let last = crowd
            .last_mut()
            .ok_or_else(|| Failure::new("there is no crowd"))?;
        last.send(b"let me in")?;
        last.expect_silence(Duration::from_millis(100))?;
        drop(crowd);
        let served = eventually(|| Ok(target.served_client().is_ok()))?;
        ensure!(served, "no client is served although descriptors are free");
        Ok(())
    },
    ..Case::ECHO
};
