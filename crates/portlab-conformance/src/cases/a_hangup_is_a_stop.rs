//! SIGHUP: a terminal was closed.

use portlab_sys::spawn::Signal;

use crate::{
    Case, Requires, Speaks,
    client::{Client, random_bytes},
    failure::ensure,
    patience::{eventually, patience},
};

pub(super) static CASE: Case = Case {
    name: "a_hangup_is_a_stop",
    about: "at SIGHUP the server drains as at SIGTERM, a second SIGHUP changes nothing, and the server exits \
            with status 0",
    faults: &[19],
    speaks: Speaks::Echo,
    requires: &[Requires::Process],
    options: &["--drain=30s"],
    run: |target| {
        let flood = random_bytes(64 << 20);
        let (mut client, sent) = Client::that_does_not_read(target.addr, &flood)?;
        let addr = target.addr;
        let process = target.process()?;
        process.signal(Signal::HUP)?;
        let heard = eventually(|| Ok(std::net::TcpStream::connect(addr).is_err()))?;
        ensure!(heard, "the port still takes connections after SIGHUP");
        process.signal(Signal::HUP)?;
        client.expect_beginning_and_end(&flood[..sent])?;
        let status = target.process()?.wait(patience())?;
        ensure!(
            status.is_some_and(|status| status.success()),
            "expected exit status 0, got {status:?}"
        );
        Ok(())
    },
};
