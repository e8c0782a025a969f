//! SIGKILL to the first process.

use portlab_sys::spawn::Signal;

use crate::{Case, Requires, failure::ensure, patience::patience, target::expect_gone};

pub(super) const CASE: Case = Case {
    about: "after SIGKILL to the server, which can't clean up, no child of it is left",
    requires: &[Requires::Process],
    run: |target| {
        let mut clients = target.served_clients(target.crowd(5))?;
        let children = target.children()?;
        if target.promises.processes {
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
