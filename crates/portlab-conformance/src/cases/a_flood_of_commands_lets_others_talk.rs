//! A member that asks without a pause, and reads the answers.

use std::{thread, time::Duration};

use crate::{Case, Failure, Requires, failure::ensure, patience::eventually, talker::Talker};

/// What is asked; each answer has more bytes than the question.
const FLOOD: usize = 64 << 20;
/// How many lines are said meanwhile.
const LINES: usize = 21;
/// The pause before each.
const PAUSE: Duration = Duration::from_millis(5);
/// What half of the lines may wait for at most: the answers to some thousand questions. A read of
/// 64 KiB has 13,000 of them.
const BOUND: u64 = 2_000 * ANSWER;
const ANSWER: u64 = "* in lobby: alice, bob, flood\r\n".len() as u64;

pub(super) const CASE: Case = Case {
    about: "while a member sends /who without a pause, the lines of others wait for few of its answers",
    requires: &[Requires::AtOnce(3)],
    // A busy machine may let the member read more slowly than it asks.
    options: &["--output-limit=256MiB", "--soft-limit=256MiB"],
    run: |target| {
        let (mut alice, mut bob) = Talker::pair(target)?;
        let flood = Talker::join(target, "flood")?.into_client();
        alice.hears(b"* flood joined")?;
        bob.hears(b"* flood joined")?;
        let answered = flood.read_beside()?;
        flood.send_beside(b"/who\n".repeat(FLOOD / 5))?;
        ensure!(eventually(|| Ok(answered() > 0))?, "/who has no answer");
        let mut half = 0;
        // On a busy machine a line may wait for this process, too: one quiet moment is enough.
        let fair = eventually(|| {
            let mut waits = Vec::new();
            for _ in 0..LINES {
                // Lines without a pause would all find the server between two turns.
                thread::sleep(PAUSE);
                let before = answered();
                alice.say(b"may I?")?;
                bob.hears(b"alice: may I?")?;
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
