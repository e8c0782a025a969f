//! SIGKILL to one of the processes that serve.

use portlab_sys::meter::{tree, zombies};

use crate::{Case, Requires, failure::ensure, patience::eventually};

pub(super) const CASE: Case = Case {
    about: "when the process of one client is killed, only that client is lost; no zombie is left, and \
            an empty slot is filled again",
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
            lost == 1,
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
