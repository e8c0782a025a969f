//! Impatience.

use portlab_sys::{meter::tree, spawn::Signal};

use super::stuck_clients_are_cut_at_the_deadline::is_alive;
use crate::{
    Case, Requires, Speaks,
    client::{Client, random_bytes},
    failure::ensure,
    patience::{eventually, patience},
};

pub(super) static CASE: Case = Case {
    name: "a_second_signal_ends_it_at_once",
    about: "a second SIGTERM ends a draining server at once, children included",
    faults: &[19],
    speaks: Speaks::Echo,
    requires: &[Requires::Process],
    options: &["--drain=10m"],
    run: |target| {
        let (_client, _) = Client::that_does_not_read(target.addr, &random_bytes(64 << 20))?;
        let children = tree(target.pid()?)?.split_off(1);
        let addr = target.addr;
        let process = target.process()?;
        process.signal(Signal::TERM)?;
        // Signals of one kind coalesce while they are pending: wait until the first has been heard.
        let heard = eventually(|| Ok(std::net::TcpStream::connect(addr).is_err()))?;
        ensure!(heard, "the port still takes connections after SIGTERM");
        process.signal(Signal::TERM)?;
        let status = process.wait(patience())?;
        ensure!(status.is_some(), "it is still draining");
        let gone = eventually(|| Ok(children.iter().all(|&pid| !is_alive(pid))))?;
        ensure!(gone, "of the children {children:?} some are left");
        Ok(())
    },
};
