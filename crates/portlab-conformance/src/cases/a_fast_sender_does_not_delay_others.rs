//! A client that never stops sending, and reads.

use crate::{Case, Requires, client::random_bytes, failure::ensure, patience::eventually};

/// The bytes that it sends: at 20 ms for 64 KiB at most, they take a server more than twenty seconds.
const STREAM: usize = 64 << 20;

/// How many other clients come meanwhile. A task that never waits goes on for 128 operations (tokio's budget), 64 reads
/// and 64 writes: each client waits for 4 MiB.
const OTHERS: usize = 3;

pub(super) const CASE: Case = Case {
    about: "while one client sends and reads without a pause, and every answer takes computing, \
            other clients are served long before it has finished",
    requires: &[Requires::AtOnce(2)],
    options: &["--work=cpu:20ms", "--workers=2"],
    run: |target| {
        let fast = target.client()?;
        fast.send_beside(random_bytes(STREAM))?;
        let came_back = fast.read_beside()?;
        ensure!(
            eventually(|| Ok(came_back() > 0))?,
            "the fast sender isn't served at all"
        );
        for _ in 0..OTHERS {
            target.served_client()?;
        }
        let meanwhile = came_back();
        fast.end()?;
        ensure!(
            meanwhile < STREAM as u64 / 4,
            "{OTHERS} other clients waited for {meanwhile} bytes of the fast sender"
        );
        Ok(())
    },
    ..Case::ECHO
};
