//! SIGKILL to one of the processes that serve a chat.

use portlab_sys::{
    meter::tree,
    spawn::{self, Signal},
};

use crate::{Case, Requires, Speaks, failure::ensure, patience::eventually, talker::Talker};

pub(super) static CASE: Case = Case {
    name: "a_killed_process_takes_its_own_members_along",
    about: "when the process of one member is killed, the others hear that it is lost and go on",
    faults: &[20],
    speaks: Speaks::Chat,
    requires: &[Requires::Process, Requires::Processes, Requires::AtOnce(3)],
    options: &[],
    run: |target| {
        let pid = target.pid()?;
        let mut clients: Vec<Talker> = Vec::new();
        for name in ["a", "b", "c"] {
            clients.push(Talker::join(target, name)?);
        }
        // Which process serves whom can't be seen from outside, so end them one by one until a member
        // is lost. The first that was forked is the broker, which serves nobody.
        let standing = tree(pid)?;
        for &worker in standing.iter().skip(2) {
            spawn::signal_pid(worker, Signal::KILL)?;
            let gone = eventually(|| Ok(!tree(pid)?.contains(&worker)))?;
            ensure!(gone, "process {worker} outlived SIGKILL");
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
            who.len() == b"* in lobby: a, b".len(),
            "heard \"{}\"",
            who.escape_ascii()
        );
        Ok(())
    },
};
