//! The lesson of a pool: a room has as many members as there are workers.

use std::time::Duration;

use crate::{Case, Requires, talker::Talker};

pub(super) const CASE: Case = Case {
    about: "when all workers have a member, the next is connected and told nothing, until one leaves",
    faults: &[11],
    requires: &[Requires::Bound],
    run: |target| {
        let mut members = Talker::members(target, target.crowd(usize::MAX))?;
        let mut next = target.client()?;
        next.expect_silence(Duration::from_millis(300))?;
        if let Some(mut first) = members.pop() {
            first.say(b"/quit")?;
            first.client().expect_to_be_dropped()?;
        }
        next.expect(b"* welcome; what is your name?\r\n")
    },
    ..Case::CHAT
};
