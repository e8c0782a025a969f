//! Fault 16, in a chat: more members than are allowed.

use crate::{Case, Requires, failure::ensure, patience::eventually, talker::Talker};

pub(super) const CASE: Case = Case {
    about: "with --max-connections 10 the eleventh client of a chat is told why its connection is closed, and a place \
            that becomes free is taken again",
    faults: &[16],
    requires: &[Requires::AtOnce(11)],
    options: &["--max-connections=10", "--workers=12"],
    run: |target| {
        let mut inside = Talker::members(target, 10)?;
        for _ in 0..3 {
            let mut outside = Talker::over(target.client()?);
            outside.hears_why_it_is_closed(&["too many"])?;
        }
        inside.pop();
        let served = eventually(|| Ok(Talker::join(target, "next").is_ok()))?;
        ensure!(served, "a free place is not taken again");
        Ok(())
    },
    ..Case::CHAT
};
