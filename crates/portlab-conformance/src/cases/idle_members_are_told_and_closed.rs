//! Fault 10, in a chat: silent members.

use std::time::{Duration, Instant};

use crate::{Case, Requires, failure::ensure, member::Member};

pub(super) const CASE: Case = Case {
    about: "with --idle-timeout, a silent member is told why its connection is closed, and the next one can join",
    faults: &[10],
    requires: &[Requires::AtOnce(2)],
    options: &["--idle-timeout=1s"],
    run: |target| {
        let since = Instant::now();
        let mut idle = Vec::new();
        for number in 0..target.crowd(20) {
            // Half of them have no name.
            idle.push(match number % 2 {
                0 => Member::connect(target)?,
                _ => Member::join(target, &format!("idle{number}"))?,
            });
        }
        for member in &mut idle {
            member.expect_close_reason(&["silent"])?;
        }
        let elapsed = since.elapsed();
        ensure!(
            elapsed >= Duration::from_secs(1),
            "all were closed after {elapsed:?}"
        );
        Member::join(target, "next").map(drop)
    },
    ..Case::CHAT
};
