//! A member that asks, and goes at once.

use crate::{Case, Requires, failure::ensure, talker::Talker};

pub(super) const CASE: Case = Case {
    about: "questions and the end in one write, by /quit or a FIN: all answers come, in their order, and \
            then the end",
    faults: &[6],
    requires: &[Requires::AtOnce(2)],
    run: |target| {
        for round in 0..10 {
            for quits in [true, false] {
                let mut alice = Talker::connect(target)?;
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
                    alice.hears_of(part.as_bytes())?;
                }
                if quits {
                    alice.hears_of(b"* goodbye")?;
                }
                // Whoever was here before may be heard to leave late: his connection has ended a moment
                // before the room knows of it.
                for line in alice.last_lines()? {
                    ensure!(
                        line.starts_with(b"* alice") && line.ends_with(b" left"),
                        "expected nothing more, heard {}",
                        line.escape_ascii()
                    );
                }
            }
        }
        Ok(())
    },
    ..Case::CHAT
};
