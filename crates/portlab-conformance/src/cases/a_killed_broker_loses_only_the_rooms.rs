//! SIGKILL to the process that holds the rooms.

use crate::{Case, Failure, Requires, failure::ensure, member::Member, patience::eventually};

pub(super) const CASE: Case = Case {
    about: "when the process that holds the rooms is killed, their members are disconnected, and the next \
            ones find a chat again",
    faults: &[20],
    requires: &[Requires::Process, Requires::Processes, Requires::AtOnce(2)],
    run: |target| {
        let (mut alice, mut bob) = Member::pair(target)?;
        // It was forked before any other.
        let [broker, ..] = target.children()?[..] else {
            return Err(Failure::new("no process of the server holds the rooms"));
        };
        target.kill(broker)?;
        alice.client().expect_to_be_dropped()?;
        bob.client().expect_to_be_dropped()?;
        // A client that connects before another broker runs may be disconnected.
        let mut pair = None;
        eventually(|| {
            pair = talk(target).ok();
            Ok(pair.is_some())
        })?;
        ensure!(pair.is_some(), "no two members can talk any more");
        Ok(())
    },
    ..Case::CHAT
};

/// Two members, of which one has received a line of the other.
fn talk(target: &crate::Target<'_>) -> Result<(Member, Member), Failure> {
    let (mut alice, mut bob) = Member::pair(target)?;
    alice.send_line(b"hello again")?;
    bob.expect_line(b"alice: hello again")?;
    Ok((alice, bob))
}
