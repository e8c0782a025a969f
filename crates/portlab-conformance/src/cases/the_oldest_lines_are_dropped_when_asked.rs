//! Another policy for whoever reads too slowly.

use crate::{Case, Requires, failure::ensure, talker::Talker};

/// How many lines of 1000 bytes are said: more than all the buffers on the way hold.
const LINES: usize = 10_000;

pub(super) const CASE: Case = Case {
    about: "with --overflow drop-oldest, who does not read stays, hears the last lines, and how many it missed",
    faults: &[12],
    requires: &[Requires::AtOnce(3)],
    options: &["--overflow=drop-oldest", "--output-limit=64KiB"],
    run: |target| {
        let mut silent = Talker::join(target, "silent")?;
        let (mut alice, mut bob) = Talker::pair(target)?;
        silent.hears(b"* alice joined")?;
        silent.hears(b"* bob joined")?;
        for number in 0..LINES {
            alice.say(format!("{number:0>1000}").as_bytes())?;
            bob.next()?;
        }
        alice.say(b"the last one")?;
        bob.hears(b"alice: the last one")?;
        let (mut heard, mut missed) = (0, 0);
        loop {
            let line = silent.next()?;
            if line == b"alice: the last one" {
                break;
            }
            let text = String::from_utf8_lossy(&line).into_owned();
            match text.strip_prefix("* you have missed ") {
                Some(rest) => {
                    let count = rest.split(' ').next().and_then(|count| count.parse().ok());
                    missed += count.unwrap_or(0);
                }
                None => heard += 1,
            }
        }
        ensure!(
            missed > 0,
            "nothing was missed of {LINES} lines that nobody read"
        );
        ensure!(
            heard + missed == LINES,
            "{heard} heard and {missed} missed of {LINES}"
        );
        Ok(())
    },
    ..Case::CHAT
};
