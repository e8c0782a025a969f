//! A member that sends commands, and leaves at once.

use crate::{Case, Requires, failure::ensure, member::Member};

pub(super) const CASE: Case = Case {
    about: "commands and the end in one write, by /quit or a FIN: all answers come, in their order, and \
            then the end",
    faults: &[6],
    requires: &[Requires::AtOnce(2)],
    run: |target| {
        for round in 0..10 {
            for quits in [true, false] {
                let mut alice = Member::connect(target)?;
                let last = if quits { "/quit\n" } else { "" };
                let text = format!("alice{round}{quits}\n/who\n/bad\n/rooms\n{last}");
                alice.send(text.as_bytes())?;
                alice.client().half_close()?;
                for part in [
                    "you are alice",
                    "in lobby:",
                    "there is no /bad",
                    "rooms: lobby",
                ] {
                    alice.expect_line_with(part.as_bytes())?;
                }
                if quits {
                    alice.expect_line_with(b"* goodbye")?;
                }
                // The member of the last round may be announced late: its connection ends a moment before it leaves
                // the room.
                for line in alice.last_lines()? {
                    ensure!(
                        line.starts_with(b"* alice") && line.ends_with(b" left"),
                        "expected no other line, got {}",
                        line.escape_ascii()
                    );
                }
            }
        }
        Ok(())
    },
    ..Case::CHAT
};
