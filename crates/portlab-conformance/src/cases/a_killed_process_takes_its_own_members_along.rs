//! SIGKILL to one of the processes that serve a chat.

use crate::{Case, Requires, failure::ensure, talker::Talker};

pub(super) const CASE: Case = Case {
    about: "when the process of one member is killed, the others hear that it is lost and go on",
    faults: &[20],
    requires: &[Requires::Process, Requires::Processes, Requires::AtOnce(3)],
    run: |target| {
        let mut clients = Talker::members(target, 3)?;
        // Which process serves whom can't be seen from outside, so end them one by one until a member
        // is lost. The first that was forked is the broker, which serves nobody.
        for worker in target.children()?.into_iter().skip(1) {
            target.kill(worker)?;
            let before = clients.len();
            clients.retain_mut(|talker| {
                talker.say(b"/rooms").is_ok() && talker.hears_of(b"rooms:").is_ok()
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
        one.say(b"who is left?")?;
        other.hears_of(b"who is left?")?;
        other.say(b"/who")?;
        let who = other.next()?;
        ensure!(
            who.len() == b"* in lobby: m0, m1".len(),
            "heard \"{}\"",
            who.escape_ascii()
        );
        Ok(())
    },
    ..Case::CHAT
};
