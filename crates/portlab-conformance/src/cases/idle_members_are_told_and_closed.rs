//! Fault 10, in a chat: members that say nothing.

use std::time::{Duration, Instant};

use crate::{Case, Requires, failure::ensure, talker::Talker};

pub(super) const CASE: Case = Case {
    about: "with --idle-timeout, a silent member is told why its connection is closed, and the next is welcome",
    faults: &[10],
    requires: &[Requires::AtOnce(2)],
    options: &["--idle-timeout=1s"],
    run: |target| {
        let since = Instant::now();
        let mut idle = Vec::new();
        for number in 0..target.crowd(20) {
            // One that doesn't even tell its name, and one that does.
            idle.push(match number % 2 {
                0 => Talker::connect(target)?,
                _ => Talker::join(target, &format!("idle{number}"))?,
            });
        }
        for member in &mut idle {
            member.hears_why_it_is_closed(&["silent"])?;
        }
        let elapsed = since.elapsed();
        ensure!(
            elapsed >= Duration::from_secs(1),
            "all were closed after {elapsed:?}"
        );
        Talker::join(target, "next").map(drop)
    },
    ..Case::CHAT
};
