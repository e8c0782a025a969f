//! The lesson of a pool: a room has as many members as there are workers.

use std::time::Duration;

use crate::{Case, Requires, Speaks, talker::Talker};

pub(super) static CASE: Case = Case {
    name: "who_waits_for_a_place_hears_nothing",
    about: "when all workers have a member, the next is connected and told nothing, until one leaves",
    faults: &[11],
    speaks: Speaks::Chat,
    requires: &[Requires::Bound],
    options: &[],
    run: |target| {
        let mut members = Vec::new();
        for number in 0..target.crowd(usize::MAX) {
            members.push(Talker::join(target, &format!("m{number}"))?);
        }
        let mut next = target.client()?;
        next.expect_silence(Duration::from_millis(300))?;
        if let Some(mut first) = members.pop() {
            first.say(b"/quit")?;
            first.client().expect_to_be_dropped()?;
        }
        next.expect(b"* welcome; what is your name?\r\n")
    },
};
