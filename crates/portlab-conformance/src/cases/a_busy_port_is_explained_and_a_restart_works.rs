//! Fault 18: a port in use, and a restart after the server has closed its connections.

use portlab_sys::spawn::Signal;

use crate::{Case, Requires, failure::ensure, patience::patience};

pub(super) const CASE: Case = Case {
    about: "a second server at a port in use exits with 2 and names the holder and the remedy; after SIGTERM \
            has closed connections from the server's side, the port is free at once",
    faults: &[18],
    requires: &[Requires::Process],
    run: |target| {
        let mut clients = target.served_clients(target.crowd(3))?;
        let (addr, pid) = (target.addr, target.pid()?);
        match target.process()?.start_another(addr)? {
            Some((code, said)) => ensure!(
                code == Some(2)
                    && said.contains("is in use by")
                    && said.contains(&format!("(pid {pid})"))
                    && said.contains("try --bind"),
                "the second server exited with {code:?} and wrote: {said}"
            ),
            None => ensure!(false, "a second server listens at {addr}"),
        }
        target.process()?.signal(Signal::TERM)?;
        for client in &mut clients {
            // The server sends the first FIN, so that its side stays in TIME_WAIT.
            client.expect_end()?;
        }
        let status = target.process()?.wait(patience())?;
        ensure!(status.is_some(), "the server goes on after SIGTERM");
        drop(clients);
        if let Some((code, said)) = target.process()?.start_another(addr)? {
            ensure!(false, "the restart exited with {code:?} and said: {said}");
        }
        target.served_client().map(drop)
    },
    ..Case::ECHO
};
