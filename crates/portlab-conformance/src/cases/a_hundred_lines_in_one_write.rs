//! Fault 2: many lines in one write.

use crate::{Case, Requires, Speaks, talker::Talker};

pub(super) static CASE: Case = Case {
    name: "a_hundred_lines_in_one_write",
    about: "a hundred lines in one write are a hundred lines, in their order",
    faults: &[2],
    speaks: Speaks::Chat,
    requires: &[Requires::AtOnce(2)],
    options: &[],
    run: |target| {
        let mut alice = Talker::join(target, "alice")?;
        let mut bob = Talker::join(target, "bob")?;
        let lines: String = (0..100).map(|number| format!("line {number}\n")).collect();
        alice.send(lines.as_bytes())?;
        for number in 0..100 {
            bob.hears(format!("alice: line {number}").as_bytes())?;
        }
        bob.has_heard_all()
    },
};
