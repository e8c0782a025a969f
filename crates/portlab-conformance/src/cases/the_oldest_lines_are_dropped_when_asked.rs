//! The other policy for a member that reads too slowly.

use crate::{Case, Requires, failure::ensure, member::Member};

/// How many lines of 1000 bytes are sent: more than all the buffers on the way hold.
const LINES: usize = 10_000;

pub(super) const CASE: Case = Case {
    about: "with --overflow drop-oldest, a member that does not read stays, receives the last lines, and is told how many it \
            missed",
    faults: &[12],
    requires: &[Requires::AtOnce(3)],
    options: &["--overflow=drop-oldest", "--output-limit=64KiB"],
    run: |target| {
        let mut silent = Member::join(target, "silent")?;
        let (mut alice, mut bob) = Member::pair(target)?;
        silent.expect_line(b"* alice joined")?;
        silent.expect_line(b"* bob joined")?;
        for number in 0..LINES {
            alice.send_line(format!("{number:0>1000}").as_bytes())?;
            bob.next()?;
        }
        alice.send_line(b"the last one")?;
        bob.expect_line(b"alice: the last one")?;
        let (mut received, mut missed) = (0, 0);
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
                None => received += 1,
            }
        }
        ensure!(
            missed > 0,
            "no line was missed of {LINES} lines that the member did not read"
        );
        ensure!(
            received + missed == LINES,
            "{received} received and {missed} missed of {LINES}"
        );
        Ok(())
    },
    ..Case::CHAT
};
