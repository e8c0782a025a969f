//! SIGTERM while a client doesn't read.

use portlab_sys::{meter::tree, spawn::Signal};

use crate::{
    Case, Requires, Speaks,
    client::random_bytes,
    failure::ensure,
    patience::{eventually, patience},
};

pub(super) static CASE: Case = Case {
    name: "stuck_clients_are_cut_at_the_deadline",
    about: "clients that never read do not keep a server that was told to stop: the others have their answers \
            and an end, the server exits with status 0 and leaves no process",
    faults: &[19],
    speaks: Speaks::Echo,
    requires: &[Requires::Process],
    options: &["--drain=2s", "--workers=20"],
    run: |target| {
        let flood = random_bytes(64 << 20);
        let mut clients = Vec::new();
        let places = target.crowd(55);
        let stuck = 5.min(places);
        for _ in 0..stuck {
            let mut client = target.client()?;
            client.send_until_full(&flood)?;
            clients.push(client);
        }
        let mut active = Vec::new();
        for _ in stuck..places {
            active.push(target.served_client()?);
        }
        for client in &mut active {
            client.send(b"one more")?;
        }
        let children = tree(target.pid()?)?.split_off(1);
        target.process()?.signal(Signal::TERM)?;
        for client in &mut active {
            client.expect(b"one more")?;
            client.expect_end()?;
        }
        let status = target.process()?.wait(patience())?;
        ensure!(
            status.is_some_and(|status| status.success()),
            "expected exit status 0, got {status:?}"
        );
        for client in &mut clients {
            client.expect_to_be_dropped()?;
        }
        let gone = eventually(|| Ok(children.iter().all(|&pid| !is_alive(pid))))?;
        ensure!(gone, "of the children {children:?} some are left");
        Ok(())
    },
};

/// Whether there is a process of this number that has not ended.
pub(super) fn is_alive(pid: i32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // The state stands behind the name, which is in parentheses.
    let state = stat
        .rsplit_once(") ")
        .and_then(|(_, rest)| rest.chars().next());
    state.is_some_and(|state| state != 'Z')
}
