//! More clients than descriptors.

use portlab_sys::{clock::process_cpu, limits};
use std::{thread, time::Duration};

use crate::{Case, Failure, Requires, Speaks, failure::ensure, patience::eventually};

/// Descriptors that the server may have.
const LIMIT: u64 = 32;

pub(super) static CASE: Case = Case {
    name: "no_descriptors_left",
    about: "out of descriptors: whoever is inside is served, the server doesn't spin, and once places \
            are free again newcomers are served",
    faults: &[15],
    speaks: Speaks::Echo,
    requires: &[
        Requires::Process,
        Requires::OneProcess,
        Requires::AtOnce(100),
    ],
    options: &[],
    run: |target| {
        let pid = target.pid()?;
        let mut inside = target.served_client()?;
        limits::limit_open_files(pid, LIMIT)?;
        let mut crowd = Vec::new();
        for _ in 0..100 {
            crowd.push(target.client()?);
        }
        let before = process_cpu(pid)?;
        thread::sleep(Duration::from_secs(1));
        let used = process_cpu(pid)? - before;
        ensure!(
            used < Duration::from_millis(200),
            "it spins: {used:?} of CPU time in a second"
        );
        inside.exchange(b"still there?")?;
        // The limit has bitten: the last to come is still outside.
        let last = crowd
            .last_mut()
            .ok_or_else(|| Failure::new("there is no crowd"))?;
        last.send(b"let me in")?;
        last.expect_silence(Duration::from_millis(100))?;
        drop(crowd);
        let served = eventually(|| Ok(target.served_client().is_ok()))?;
        ensure!(served, "nobody is served although places are free");
        Ok(())
    },
};
