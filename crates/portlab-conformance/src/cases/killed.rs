//! SIGKILL to a process of the server.

use portlab_sys::{
    meter::{tree, zombies},
    spawn::Signal,
};

use crate::{
    Case, Failure, Requires,
    failure::ensure,
    member::Member,
    patience::{eventually, patience},
    target::expect_gone,
};

pub(super) const a_killed_server_leaves_no_process: Case = Case {
    about: "after SIGKILL to the server, which can't clean up, no child of it is left",
    requires: &[Requires::Process],
    run: |target| {
        let mut clients = target.served_clients(target.crowd(5))?;
        let children = target.children()?;
        if target.promises.processes && target.promises.loops == 1 {
            ensure!(
                children.len() >= clients.len(),
                "expected a child per client: {children:?}"
            );
        }
        target.process()?.signal(Signal::KILL)?;
        target.process()?.wait(patience())?;
        expect_gone(&children)?;
        for client in &mut clients {
            client.expect_to_be_dropped()?;
        }
        Ok(())
    },
    ..Case::ECHO
};

pub(super) const a_killed_worker_loses_only_its_own_client: Case = Case {
    about: "when the process of one client is killed, only that client is lost (of a process with a loop, its clients); \
            no zombie is left, and an empty slot is filled again",
    faults: &[20],
    requires: &[Requires::Process, Requires::Processes, Requires::AtOnce(3)],
    run: |target| {
        let pid = target.pid()?;
        let mut clients = target.served_clients(3)?;
        // Which process serves which client can't be seen from outside, so they are killed one by one until a client is
        // lost.
        let mut lost = 0;
        for worker in target.children()? {
            target.kill(worker)?;
            let before = clients.len();
            clients.retain_mut(|client| client.exchange(b"still there?").is_ok());
            lost += before - clients.len();
            if lost > 0 {
                break;
            }
        }
        ensure!(
            lost == 1 || lost > 0 && target.promises.loops > 1,
            "expected one client to be lost with its process, got {lost}"
        );
        target.served_client()?;
        let slots = target.promises.standing_processes;
        let whole = eventually(|| {
            let children = tree(pid)?.len() - 1;
            let filled = slots == 0 || children == slots;
            Ok(filled && zombies(pid)?.is_empty())
        })?;
        ensure!(
            whole,
            "a zombie is left, or a slot is empty: {:?}",
            tree(pid)?
        );
        Ok(())
    },
    ..Case::ECHO
};

pub(super) const a_killed_process_loses_only_its_own_members: Case = Case {
    about: "when the process of one member is killed, the other members go on",
    faults: &[20],
    requires: &[Requires::Process, Requires::Processes, Requires::AtOnce(3)],
    run: |target| {
        let mut clients = Member::members(target, 3)?;
        // Which process serves which member can't be seen from outside, so they are killed one by one until a member is
        // lost. The first child is the broker, which serves no connection.
        for worker in target.children()?.into_iter().skip(1) {
            target.kill(worker)?;
            let before = clients.len();
            clients.retain_mut(|client| {
                client.send_line(b"/rooms").is_ok() && client.expect_line_with(b"rooms:").is_ok()
            });
            if clients.len() < before {
                break;
            }
        }
        let lost = 3 - clients.len();
        ensure!(
            lost == 1 || lost > 0 && target.promises.loops > 1,
            "expected one member to be lost with its process, got {lost}"
        );
        for number in clients.len()..2 {
            clients.push(Member::join(target, &format!("n{number}"))?);
        }
        let [one, other] = &mut clients[..] else {
            return Ok(());
        };
        one.send_line(b"who is left?")?;
        other.expect_line_with(b"who is left?")?;
        other.send_line(b"/who")?;
        let list = other.next()?;
        ensure!(
            list.len() == b"* in lobby: m0, m1".len(),
            "got \"{}\"",
            list.escape_ascii()
        );
        Ok(())
    },
    ..Case::CHAT
};

pub(super) const a_killed_broker_loses_only_the_rooms: Case = Case {
    about: "when the process that holds the rooms is killed, the members are disconnected, and the next \
            members can talk again",
    faults: &[20],
    requires: &[Requires::Process, Requires::Processes, Requires::AtOnce(2)],
    run: |target| {
        let (mut alice, mut bob) = Member::pair(target)?;
        // The broker was forked before every other child.
        let [broker, ..] = target.children()?[..] else {
            return Err(Failure::new("no process of the server holds the rooms"));
        };
        target.kill(broker)?;
        alice.client().expect_to_be_dropped()?;
        bob.client().expect_to_be_dropped()?;
        // A client that connects before the next broker runs may be disconnected.
        let mut pair = None;
        eventually(|| {
            pair = talk(target).ok();
            Ok(pair.is_some())
        })?;
        ensure!(pair.is_some(), "two members can't talk again");
        Ok(())
    },
    ..Case::CHAT
};

/// Two members, after one of them has received a line of the other.
fn talk(target: &crate::Target<'_>) -> Result<(Member, Member), Failure> {
    let (mut alice, mut bob) = Member::pair(target)?;
    alice.send_line(b"hello again")?;
    bob.expect_line(b"alice: hello again")?;
    Ok((alice, bob))
}
