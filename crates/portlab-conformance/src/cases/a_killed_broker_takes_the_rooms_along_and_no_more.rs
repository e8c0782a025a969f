//! SIGKILL to the process that holds what all share.

use portlab_sys::{
    meter::tree,
    spawn::{Signal, signal_pid},
};

use crate::{
    Case, Failure, Requires, Speaks, failure::ensure, patience::eventually, talker::Talker,
};

pub(super) static CASE: Case = Case {
    name: "a_killed_broker_takes_the_rooms_along_and_no_more",
    about: "when the process that holds the rooms is killed, their members are disconnected, and the next \
            ones find a chat again",
    faults: &[20],
    speaks: Speaks::Chat,
    requires: &[Requires::Process, Requires::Processes, Requires::AtOnce(2)],
    options: &[],
    run: |target| {
        let pid = target.pid()?;
        let mut alice = Talker::join(target, "alice")?;
        let mut bob = Talker::join(target, "bob")?;
        // It was forked before any other.
        let processes = tree(pid)?;
        let broker = *processes
            .get(1)
            .ok_or_else(|| Failure::new("no process of the server holds the rooms"))?;
        signal_pid(broker, Signal::KILL)?;
        alice.client().expect_to_be_dropped()?;
        bob.client().expect_to_be_dropped()?;
        let gone = eventually(|| Ok(!tree(pid)?.contains(&broker)))?;
        ensure!(gone, "process {broker} outlived SIGKILL");
        // Whoever calls while another broker is being forked may be turned away.
        let mut pair = None;
        eventually(|| {
            pair = talk(target).ok();
            Ok(pair.is_some())
        })?;
        ensure!(pair.is_some(), "nobody can talk to anybody any more");
        Ok(())
    },
};

/// Two members, one of whom has heard the other.
fn talk(target: &crate::Target<'_>) -> Result<(Talker, Talker), Failure> {
    let mut alice = Talker::join(target, "alice")?;
    let mut bob = Talker::join(target, "bob")?;
    alice.say(b"hello again")?;
    bob.hears(b"alice: hello again")?;
    Ok((alice, bob))
}
