//! SIGTERM while members talk.

use portlab_sys::spawn::Signal;

use crate::{Case, Requires, member::Member};

pub(super) const CASE: Case = Case {
    about: "when a server is told to stop, every member sees the end of its connection, and no member is told \
            that others leave; the server exits with status 0",
    faults: &[19],
    requires: &[Requires::AtOnce(3), Requires::Process],
    run: |target| {
        let mut members = Member::members(target, target.crowd(20))?;
        let last = members.len() - 1;
        for member in &mut members[..last] {
            member.expect_line_with(format!("* m{last} joined").as_bytes())?;
        }
        target.process()?.signal(Signal::TERM)?;
        for mut member in members {
            member.client().expect_end()?;
        }
        target.expect_exit()
    },
    ..Case::CHAT
};
