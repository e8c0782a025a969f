//! The lesson of a pool: a chat has as many members as there are workers.

use std::time::Duration;

use crate::{Case, Requires, member::Member};

pub(super) const CASE: Case = Case {
    about: "when each worker serves a member, the next client is connected and receives nothing until a member leaves",
    faults: &[11],
    requires: &[Requires::Bound],
    run: |target| {
        let mut members = Member::members(target, target.crowd(usize::MAX))?;
        let mut next = target.client()?;
        next.expect_silence(Duration::from_millis(300))?;
        if let Some(mut first) = members.pop() {
            first.send_line(b"/quit")?;
            first.client().expect_to_be_dropped()?;
        }
        next.expect(b"* welcome; what is your name?\r\n")
    },
    ..Case::CHAT
};
