//! SIGKILL to the first process.

use portlab_sys::{meter::tree, spawn::Signal};

use super::stuck_clients_are_cut_at_the_deadline::is_alive;
use crate::{
    Case, Requires, Speaks,
    failure::ensure,
    patience::{eventually, patience},
};

pub(super) static CASE: Case = Case {
    name: "a_killed_server_leaves_no_process",
    about: "SIGKILL gives a server no time to clean up, and yet no child of it is left",
    faults: &[],
    speaks: Speaks::Echo,
    requires: &[Requires::Process],
    options: &[],
    run: |target| {
        let mut clients = Vec::new();
        for _ in 0..target.crowd(5) {
            clients.push(target.served_client()?);
        }
        let children = tree(target.pid()?)?.split_off(1);
        if target.promises.processes {
            ensure!(
                children.len() >= clients.len(),
                "expected a child per client: {children:?}"
            );
        }
        target.process()?.signal(Signal::KILL)?;
        target.process()?.wait(patience())?;
        let gone = eventually(|| Ok(children.iter().all(|&pid| !is_alive(pid))))?;
        ensure!(gone, "of the children {children:?} some are left");
        for client in &mut clients {
            client.expect_to_be_dropped()?;
        }
        Ok(())
    },
};
