//! Fault 2: many lines in one write.

use crate::{Case, Requires, member::Member};

pub(super) const CASE: Case = Case {
    about: "a hundred lines in one write are a hundred lines, in their order",
    faults: &[2],
    requires: &[Requires::AtOnce(2)],
    run: |target| {
        let (mut alice, mut bob) = Member::pair(target)?;
        let lines: String = (0..100).map(|number| format!("line {number}\n")).collect();
        alice.send(lines.as_bytes())?;
        for number in 0..100 {
            bob.expect_line(format!("alice: line {number}").as_bytes())?;
        }
        bob.expect_no_other_line()
    },
    ..Case::CHAT
};
