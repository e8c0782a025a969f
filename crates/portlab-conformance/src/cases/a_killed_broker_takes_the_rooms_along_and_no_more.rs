//! SIGKILL to the process that holds what all share.

use crate::{Case, Failure, Requires, failure::ensure, patience::eventually, talker::Talker};

pub(super) const CASE: Case = Case {
    about: "when the process that holds the rooms is killed, their members are disconnected, and the next \
            ones find a chat again",
    faults: &[20],
    requires: &[Requires::Process, Requires::Processes, Requires::AtOnce(2)],
    run: |target| {
        let (mut alice, mut bob) = Talker::pair(target)?;
        // It was forked before any other.
        let [broker, ..] = target.children()?[..] else {
            return Err(Failure::new("no process of the server holds the rooms"));
        };
        target.kill(broker)?;
        alice.client().expect_to_be_dropped()?;
        bob.client().expect_to_be_dropped()?;
        // Whoever calls while another broker is being forked may be turned away.
        let mut pair = None;
        eventually(|| {
            pair = talk(target).ok();
            Ok(pair.is_some())
        })?;
        ensure!(pair.is_some(), "nobody can talk to anybody any more");
        Ok(())
    },
    ..Case::CHAT
};

/// Two members, one of whom has heard the other.
fn talk(target: &crate::Target<'_>) -> Result<(Talker, Talker), Failure> {
    let (mut alice, mut bob) = Talker::pair(target)?;
    alice.say(b"hello again")?;
    bob.hears(b"alice: hello again")?;
    Ok((alice, bob))
}
