//! SIGHUP: a terminal was closed.

use portlab_sys::spawn::Signal;

use crate::{
    Case, Requires,
    client::{Client, random_bytes},
};

pub(super) const CASE: Case = Case {
    about: "at SIGHUP the server drains as at SIGTERM, a second SIGHUP changes nothing, and the server exits \
            with status 0",
    faults: &[19],
    requires: &[Requires::Process],
    options: &["--drain=30s"],
    run: |target| {
        let flood = random_bytes(64 << 20);
        let (mut client, sent) = Client::that_does_not_read(target.addr, &flood)?;
        target.process()?.signal(Signal::HUP)?;
        target.expect_closed_port()?;
        target.process()?.signal(Signal::HUP)?;
        client.expect_beginning_and_end(&flood[..sent])?;
        target.expect_exit()
    },
    ..Case::ECHO
};
