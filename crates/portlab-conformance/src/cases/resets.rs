//! Clients that reset their connections.

use portlab_sys::meter::tree;

use crate::{Case, Requires, client::random_bytes, failure::ensure, patience::eventually};

pub(super) const a_reset_mid_reply_leaves_nothing_behind: Case = Case {
    about: "after a RST in the middle of a reply the server runs, keeps no descriptor, and serves other clients",
    faults: &[7],
    requires: &[Requires::Process],
    run: |target| {
        target.served_client()?;
        // The connection of the first client may still be open here; then this case accepts one descriptor too many.
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

pub(super) const a_late_answer_to_a_lost_client_is_harmless: Case = Case {
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

pub(super) const resets_before_accept: Case = Case {
    about: "a thousand clients that connect and reset at once don't end the accept loop",
    faults: &[9],
    run: |target| {
        for _ in 0..1_000 {
            target.client()?.reset()?;
        }
        target.served_client().map(drop)
    },
    ..Case::ECHO
};
