//! What is left after clients have come and gone.

use crate::{Case, Requires, Speaks, failure::ensure, patience::eventually};

pub(super) static CASE: Case = Case {
    name: "connections_leave_no_trace",
    about: "after a hundred clients there is no zombie, no orphan and no descriptor more than before",
    faults: &[23],
    speaks: Speaks::Echo,
    requires: &[Requires::Process],
    options: &[],
    run: |target| {
        target.served_client()?;
        let before = target.settled_footprint()?;
        let crowd = target.crowd(20);
        for _ in 0..100 / crowd {
            let mut clients = Vec::new();
            for _ in 0..crowd {
                clients.push(target.served_client()?);
            }
        }
        let mut after = before;
        let back = eventually(|| {
            after = target.footprint()?;
            // A server may have opened something for good with its first clients, but not for each.
            let kept = after.descriptors.saturating_sub(before.descriptors);
            Ok(after.zombies == 0 && after.processes == before.processes && kept <= 5)
        })?;
        ensure!(back, "before the clients {before:?}, after them {after:?}");
        Ok(())
    },
};
