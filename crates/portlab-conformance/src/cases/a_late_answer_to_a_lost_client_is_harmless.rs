//! Fault 8: a write to a client that has closed.

use portlab_sys::meter::tree;

use crate::{Case, Requires, failure::ensure};

pub(super) const CASE: Case = Case {
    about: "when an answer is written to a client that has closed and reset, no process of the server ends",
    faults: &[8],
    requires: &[Requires::Process],
    options: &["--work=wait:50ms"],
    run: |target| {
        let before = target.settled_footprint()?;
        let processes = tree(target.pid()?)?;
        for number in 0..10 {
            let mut client = target.served_client()?;
            client.send(b"too late")?;
            // If a FIN came before the RST, a write fails with EPIPE and raises SIGPIPE.
            if number % 2 == 0 {
                client.half_close()?;
            }
            client.reset()?;
        }
        target.served_client()?;
        let after = target.settled_footprint()?;
        ensure!(
            after.processes == before.processes && tree(target.pid()?)? == processes,
            "before the resets {processes:?}, after them {:?}",
            tree(target.pid()?)?
        );
        Ok(())
    },
    ..Case::ECHO
};
