//! A member that is lost in mid-line.

use crate::{Case, Requires, member::Member};

pub(super) const CASE: Case = Case {
    about: "when one of 200 members resets its connection in the middle of a line, the others are told that, and get nothing of the line",
    faults: &[7, 8],
    requires: &[Requires::AtOnce(2)],
    run: |target| {
        let count = target.crowd(200) - 1;
        let mut crowd = Member::members(target, count)?;
        let mut lost = Member::join(target, "lost")?;
        for client in &mut crowd {
            client.expect_line_with(b"* lost joined")?;
        }
        lost.send(b"in the middle of a li")?;
        lost.into_client().reset()?;
        for client in &mut crowd {
            client.expect_line(b"* lost lost the connection")?;
        }
        crowd[0].send_line(b"go on")?;
        for client in &mut crowd[1..] {
            client.expect_line(b"m0: go on")?;
        }
        Ok(())
    },
    ..Case::CHAT
};
