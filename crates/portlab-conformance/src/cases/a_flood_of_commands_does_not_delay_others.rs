//! A member that sends commands without a pause, and reads the answers.

use std::{thread, time::Duration};

use crate::{Case, Failure, Requires, failure::ensure, member::Member, patience::eventually};

/// The bytes of its commands; each answer has more bytes than the command.
const FLOOD: usize = 64 << 20;
/// How many lines another member sends meanwhile.
const LINES: usize = 21;
/// The pause before each of them.
const PAUSE: Duration = Duration::from_millis(5);
/// Half of the lines may wait for so many bytes of answers at most. A read of 64 KiB has 13,000 commands.
const BOUND: u64 = 2_000 * ANSWER;
const ANSWER: u64 = "* in lobby: alice, bob, flood\r\n".len() as u64;

pub(super) const CASE: Case = Case {
    about: "while a member sends /who without a pause, the lines of other members wait for few of its answers",
    requires: &[Requires::AtOnce(3)],
    // On a busy machine the member may read more slowly than it sends.
    options: &["--output-limit=256MiB", "--soft-limit=256MiB"],
    run: |target| {
        let (mut alice, mut bob) = Member::pair(target)?;
        let flood = Member::join(target, "flood")?.into_client();
        alice.expect_line(b"* flood joined")?;
        bob.expect_line(b"* flood joined")?;
        let answered = flood.read_beside()?;
        flood.send_beside(b"/who\n".repeat(FLOOD / 5))?;
        ensure!(eventually(|| Ok(answered() > 0))?, "/who has no answer");
        let mut half = 0;
        // On a busy machine a line may wait for this process, too: one attempt without that is enough.
        let fair = eventually(|| {
            let mut waits = Vec::new();
            for _ in 0..LINES {
                // Without a pause, all lines would come between two turns of the server.
                thread::sleep(PAUSE);
                let before = answered();
                alice.send_line(b"may I?")?;
                bob.expect_line(b"alice: may I?")?;
                waits.push(answered() - before);
            }
            waits.sort_unstable();
            half = waits[LINES / 2];
            Ok::<_, Failure>(half < BOUND)
        })?;
        flood.end()?;
        ensure!(
            fair,
            "half of the lines waited for {half} bytes of answers to another member; the bound is {BOUND}"
        );
        Ok(())
    },
    ..Case::CHAT
};
