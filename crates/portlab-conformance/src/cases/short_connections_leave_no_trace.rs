//! Fault 23: thousands of short connections.

use portlab_sys::meter::anonymous_bytes;

use crate::{
    Case, Failure, Requires, Target,
    client::Client,
    failure::ensure,
    patience::{beside, eventually},
};

/// How many connections come before memory is read first, and in all.
const FIRST: usize = 1_000;
const ALL: usize = 4_000;
/// Memory may grow by a tenth, and by so much: the pages of a thread or two.
const SLACK: u64 = 1 << 20;

pub(super) const CASE: Case = Case {
    about: "after 4,000 short connections the server has the descriptors and processes of before, and its memory \
            within 10 %",
    faults: &[23],
    requires: &[Requires::Process],
    run: |target| {
        let pid = target.pid()?;
        come_and_go(target, FIRST)?;
        let before = target.settled_footprint()?;
        let memory = anonymous_bytes(pid)?;
        come_and_go(target, ALL - FIRST)?;
        let (mut after, mut grown) = (before, 0);
        let back = eventually(|| {
            after = target.footprint()?;
            grown = anonymous_bytes(pid)?.saturating_sub(memory);
            // The last connection may have been open when `before` was measured, with one descriptor more.
            let no_more = after.descriptors <= before.descriptors && after.zombies == 0;
            Ok(no_more && after.processes == before.processes && grown <= memory / 10 + SLACK)
        })?;
        ensure!(
            back,
            "before {before:?}, after {after:?}; memory grew from {memory} by {grown} bytes"
        );
        Ok(())
    },
    ..Case::ECHO
};

/// Lets so many clients connect, exchange some bytes and close, two at a time.
fn come_and_go(target: &Target<'_>, count: usize) -> Result<(), Failure> {
    let addr = target.addr;
    let half = move || (0..count / 2).try_for_each(|_| Client::connect(addr)?.exchange(b"short"));
    let other = beside(half);
    half()?;
    other()
}
