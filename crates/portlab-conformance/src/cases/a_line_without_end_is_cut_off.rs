//! Fault 14: a line that never ends.

use portlab_sys::meter::anonymous_bytes;

use crate::{Case, Requires, failure::ensure, member::Member, patience::eventually};

/// How much the server's memory may grow meanwhile.
const BOUND: u64 = 2 << 20;

pub(super) const CASE: Case = Case {
    about: "a line of 1 MiB without its end is answered with an error, the connection is closed, and memory is bounded",
    faults: &[14],
    requires: &[Requires::AtOnce(2), Requires::Process],
    run: |target| {
        let pid = target.pid()?;
        let (mut alice, mut bob) = Member::pair(target)?;
        let before = anonymous_bytes(pid)?;
        bob.client().send_beside(vec![b'x'; 1 << 20])?;
        bob.expect_line(b"* a line has at most 4096 bytes; goodbye")?;
        bob.client().expect_to_be_dropped()?;
        alice.expect_line(b"* bob left")?;
        // While a process ends, memory that it shares with others may count twice.
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
