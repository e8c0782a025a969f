//! A client that never stops sending, and reads.

use crate::{Case, Requires, client::random_bytes, failure::ensure, patience::eventually};

/// What it sends: at 20 ms for 64 KiB at most, that takes a server more than twenty seconds.
const STREAM: usize = 64 << 20;

/// How many others come meanwhile. A task that always finds something to do goes on for 128
/// operations (tokio's budget), 64 reads and 64 writes: 4 MiB for each that has to wait for it.
const OTHERS: usize = 3;

pub(super) const CASE: Case = Case {
    about: "while one client sends and reads without a pause, and every answer takes computing, \
            others are served long before it has finished",
    requires: &[Requires::AtOnce(2)],
    options: &["--work=cpu:20ms", "--workers=2"],
    run: |target| {
        let firehose = target.client()?;
        firehose.send_beside(random_bytes(STREAM))?;
        let came_back = firehose.read_beside()?;
        ensure!(
            eventually(|| Ok(came_back() > 0))?,
            "the firehose isn't served at all"
        );
        for _ in 0..OTHERS {
            target.served_client()?;
        }
        let meanwhile = came_back();
        firehose.end()?;
        ensure!(
            meanwhile < STREAM as u64 / 4,
            "{OTHERS} others had to wait for {meanwhile} bytes of one client"
        );
        Ok(())
    },
    ..Case::ECHO
};
