//! Fault 14: a line that never ends.

use portlab_sys::meter::anonymous_bytes;

use crate::{Case, Requires, failure::ensure, patience::eventually, talker::Talker};

/// What the server's memory may grow by meanwhile.
const BOUND: u64 = 2 << 20;

pub(super) const CASE: Case = Case {
    about: "a line of 1 MiB without its end is answered by an error and the end, and takes no memory",
    faults: &[14],
    requires: &[Requires::AtOnce(2), Requires::Process],
    run: |target| {
        let pid = target.pid()?;
        let (mut alice, mut bob) = Talker::pair(target)?;
        let before = anonymous_bytes(pid)?;
        bob.client().send_beside(vec![b'x'; 1 << 20])?;
        bob.hears(b"* a line has at most 4096 bytes; goodbye")?;
        bob.client().expect_to_be_dropped()?;
        alice.hears(b"* bob left")?;
        // A process that ends may be looked at before and after, with what it shared with others.
        let mut grown = 0;
        let kept = eventually(|| {
            grown = anonymous_bytes(pid)?.saturating_sub(before);
            Ok(grown < BOUND)
        })?;
        ensure!(
            kept,
            "the server's memory grew by {grown} bytes; the bound is {BOUND}"
        );
        Ok(())
    },
    ..Case::CHAT
};
