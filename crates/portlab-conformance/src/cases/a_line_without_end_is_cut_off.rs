//! Fault 14: a line that never ends.

use portlab_sys::meter::pss_bytes;

use crate::{Case, Requires, Speaks, failure::ensure, patience::eventually, talker::Talker};

/// What the server's memory may grow by meanwhile.
const BOUND: u64 = 2 << 20;

pub(super) static CASE: Case = Case {
    name: "a_line_without_end_is_cut_off",
    about: "a line of 1 MiB without its end is answered by an error and the end, and takes no memory",
    speaks: Speaks::Chat,
    requires: &[Requires::AtOnce(2), Requires::Process],
    options: &[],
    run: |target| {
        let pid = target.pid()?;
        let mut alice = Talker::join(target, "alice")?;
        let mut bob = Talker::join(target, "bob")?;
        alice.hears(b"* bob joined")?;
        let before = pss_bytes(pid)?;
        bob.client().send_beside(vec![b'x'; 1 << 20])?;
        bob.hears(b"* a line has at most 4096 bytes; goodbye")?;
        bob.client().expect_to_be_dropped()?;
        alice.hears(b"* bob left")?;
        // While a process ends, what it shared with others is counted for each of them, and twice if
        // they are looked at before and after: so this is looked at until all is quiet.
        let mut grown = 0;
        let kept = eventually(|| {
            grown = pss_bytes(pid)?.saturating_sub(before);
            Ok(grown < BOUND)
        })?;
        ensure!(
            kept,
            "the server's memory grew by {grown} bytes; the bound is {BOUND}"
        );
        Ok(())
    },
};
