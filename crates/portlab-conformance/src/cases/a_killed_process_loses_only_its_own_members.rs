//! SIGKILL to one of the processes that serve a chat.

use crate::{Case, Requires, failure::ensure, member::Member};

pub(super) const CASE: Case = Case {
    about: "when the process of one member is killed, the other members are told and go on",
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
        ensure!(
            clients.len() == 2,
            "expected one member to be lost with its process, got {}",
            3 - clients.len()
        );
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
