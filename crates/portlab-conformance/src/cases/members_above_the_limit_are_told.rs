//! Fault 16, in a chat: more members than are allowed.

use crate::{Case, Requires, failure::ensure, member::Member, patience::eventually};

pub(super) const CASE: Case = Case {
    about: "with --max-connections 10 the eleventh client of a chat is told why its connection is closed, and \
            when a member leaves, the next one can join",
    faults: &[16],
    requires: &[Requires::AtOnce(11)],
    options: &["--max-connections=10", "--workers=12"],
    run: |target| {
        let mut inside = Member::members(target, 10)?;
        for _ in 0..3 {
            let mut outside = Member::over(target.client()?);
            outside.expect_close_reason(&["too many"])?;
        }
        inside.pop();
        let served = eventually(|| Ok(Member::join(target, "next").is_ok()))?;
        ensure!(served, "after a member has left, the next one can't join");
        Ok(())
    },
    ..Case::CHAT
};
