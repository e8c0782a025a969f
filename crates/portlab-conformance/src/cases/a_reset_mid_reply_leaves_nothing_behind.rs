//! A client that resets its connection while it is being answered.

use crate::{Case, Requires, client::random_bytes, failure::ensure, patience::eventually};

pub(super) const CASE: Case = Case {
    about: "after a RST in mid-reply the server runs, keeps no descriptor, and serves other clients",
    faults: &[7],
    requires: &[Requires::Process],
    run: |target| {
        target.served_client()?;
        // The connection of the first client may still be open here, so one descriptor too many may be accepted.
        let before = target.settled_footprint()?;
        let bystander = match target.promises.at_once {
            Some(1) => None,
            _ => Some(target.served_client()?),
        };
        let text = random_bytes(200_000);
        for _ in 0..20 {
            let mut client = target.client()?;
            client.send(&text)?;
            client.expect(&text[..1_000])?;
            client.reset()?;
        }
        if let Some(mut client) = bystander {
            client.exchange(b"unaffected")?;
        }
        target.served_client()?;
        let mut after = before;
        let back = eventually(|| {
            after = target.footprint()?;
            let no_more = after.descriptors <= before.descriptors;
            Ok(no_more && after.processes <= before.processes && after.zombies == 0)
        })?;
        ensure!(back, "before the resets {before:?}, after them {after:?}");
        Ok(())
    },
    ..Case::ECHO
};
