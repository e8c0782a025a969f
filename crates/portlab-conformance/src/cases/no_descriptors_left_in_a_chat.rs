//! Fault 15, in a chat: more members than descriptors.

use std::{thread, time::Duration};

use portlab_sys::{
    limits,
    meter::{tree, usage},
};

use crate::{Case, Requires, failure::ensure, member::Member, patience::eventually};

/// Descriptors that each process of the server may have.
const LIMIT: u64 = 32;

pub(super) const CASE: Case = Case {
    about: "out of descriptors: members talk on, the server takes less than 5 % CPU, and when others have closed, \
            new members can join",
    faults: &[15],
    requires: &[Requires::Process, Requires::AtOnce(20)],
    options: &["--workers=20"],
    run: |target| {
        let pid = target.pid()?;
        let (mut alice, mut bob) = Member::pair(target)?;
        for process in tree(pid)? {
            limits::limit_open_files(process, LIMIT)?;
        }
        let crowd = target.clients(50)?;
        // In the first second the server still serves those that have got a descriptor.
        thread::sleep(Duration::from_secs(1));
        let (before, processes) = (usage(pid)?.cpu, tree(pid)?.len() as u32);
        thread::sleep(Duration::from_secs(2));
        let used = usage(pid)?.cpu.saturating_sub(before);
        // A process that ends meanwhile may count for a tick of 10 ms.
        let bound = Duration::from_millis(100) + processes * Duration::from_millis(1);
        ensure!(
            used < bound,
            "the server spins: {used:?} of CPU time in 2 s"
        );
        alice.send_line(b"still there?")?;
        bob.expect_line(b"alice: still there?")?;
        drop(crowd);
        let joined = eventually(|| Ok(Member::join(target, "carol").is_ok()))?;
        ensure!(
            joined,
            "no new member can join although descriptors are free"
        );
        alice.expect_line_with(b"* carol joined")
    },
    ..Case::CHAT
};
