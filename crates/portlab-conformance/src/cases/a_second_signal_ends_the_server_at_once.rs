//! A second SIGTERM.

use portlab_sys::spawn::Signal;

use crate::{
    Case, Requires,
    client::{Client, random_bytes},
    failure::ensure,
    patience::patience,
    target::expect_gone,
};

pub(super) const CASE: Case = Case {
    about: "a second SIGTERM ends a draining server at once, children included",
    faults: &[19],
    requires: &[Requires::Process],
    options: &["--drain=10m"],
    run: |target| {
        let (_client, _) = Client::that_does_not_read(target.addr, &random_bytes(64 << 20))?;
        let children = target.children()?;
        target.process()?.signal(Signal::TERM)?;
        // Signals of one kind coalesce while they are pending: wait until the first has been handled.
        target.expect_closed_port()?;
        target.process()?.signal(Signal::TERM)?;
        let status = target.process()?.wait(patience())?;
        ensure!(status.is_some(), "the server still drains");
        expect_gone(&children)
    },
    ..Case::ECHO
};
