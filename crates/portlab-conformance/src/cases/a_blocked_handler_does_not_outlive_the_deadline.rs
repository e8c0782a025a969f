//! SIGTERM while a handler blocks for longer than the server may take.

use portlab_sys::spawn::Signal;

use crate::{Case, Requires, Speaks, failure::ensure, patience::patience};

pub(super) static CASE: Case = Case {
    name: "a_blocked_handler_does_not_outlive_the_deadline",
    about: "a handler that sleeps for ten minutes does not keep a server that was told to stop",
    faults: &[19, 22],
    speaks: Speaks::Echo,
    requires: &[Requires::Process],
    options: &["--work=block:10m", "--drain=200ms"],
    run: |target| {
        let mut client = target.client()?;
        client.send(b"good night")?;
        client.expect_silence(std::time::Duration::from_millis(100))?;
        target.process()?.signal(Signal::TERM)?;
        let status = target.process()?.wait(patience())?;
        ensure!(
            status.is_some_and(|status| status.success()),
            "expected exit status 0, got {status:?}"
        );
        client.expect_to_be_dropped()
    },
};
