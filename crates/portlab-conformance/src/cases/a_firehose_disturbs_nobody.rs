//! A client that never stops sending, and reads.

use crate::{Case, Requires, Speaks, client::random_bytes, failure::ensure};

/// What it sends: at 5 ms for 64 KiB at most, that takes a server more than five seconds.
const STREAM: usize = 64 << 20;

pub(super) static CASE: Case = Case {
    name: "a_firehose_disturbs_nobody",
    about: "while one client sends and reads without a pause, and every answer takes computing, \
            others need not wait until it has finished",
    speaks: Speaks::Echo,
    requires: &[Requires::AtOnce(2)],
    options: &["--work=cpu:5ms", "--workers=2"],
    run: |target| {
        let mut firehose = target.client()?;
        firehose.send_beside(random_bytes(STREAM))?;
        firehose.expect(&random_bytes(STREAM)[..1_000])?;
        let came_back = firehose.read_beside()?;
        for _ in 0..5 {
            target.served_client()?;
        }
        let came_back = came_back() + 1_000;
        firehose.end()?;
        ensure!(
            came_back < STREAM as u64,
            "the others had to wait for the last of {STREAM} bytes"
        );
        Ok(())
    },
};
