//! A member that is lost in mid-line.

use crate::{Case, Requires, talker::Talker};

pub(super) const CASE: Case = Case {
    about: "when one of 200 breaks off in the middle of a line, the others hear that, and nothing else",
    faults: &[7, 8],
    requires: &[Requires::AtOnce(2)],
    run: |target| {
        let count = target.crowd(200) - 1;
        let mut crowd = Talker::members(target, count)?;
        let mut lost = Talker::join(target, "lost")?;
        for talker in &mut crowd {
            talker.hears_of(b"* lost joined")?;
        }
        lost.send(b"in the middle of a li")?;
        lost.into_client().reset()?;
        for talker in &mut crowd {
            talker.hears(b"* lost lost the connection")?;
        }
        crowd[0].say(b"go on")?;
        for talker in &mut crowd[1..] {
            talker.hears(b"m0: go on")?;
        }
        Ok(())
    },
    ..Case::CHAT
};
