//! SIGTERM while members talk.

use portlab_sys::spawn::Signal;

use crate::{Case, Requires, talker::Talker};

pub(super) const CASE: Case = Case {
    about: "when a server is told to stop, every member sees the end, and nobody is told that the others \
            are going; the server exits with 0",
    faults: &[19],
    requires: &[Requires::AtOnce(3), Requires::Process],
    run: |target| {
        let mut members = Talker::members(target, target.crowd(20))?;
        let last = members.len() - 1;
        for member in &mut members[..last] {
            member.hears_of(format!("* m{last} joined").as_bytes())?;
        }
        target.process()?.signal(Signal::TERM)?;
        for mut member in members {
            member.client().expect_end()?;
        }
        target.expect_exit()
    },
    ..Case::CHAT
};
