//! SIGTERM while a handler blocks for longer than the server may drain.

use portlab_sys::spawn::Signal;

use crate::{Case, Requires};

pub(super) const CASE: Case = Case {
    about: "a handler that sleeps for ten minutes does not delay a stop beyond its deadline",
    faults: &[19, 22],
    requires: &[Requires::Process],
    options: &["--work=block:10m", "--drain=200ms"],
    run: |target| {
        let mut client = target.client()?;
        client.send(b"good night")?;
        client.expect_silence(std::time::Duration::from_millis(100))?;
        target.process()?.signal(Signal::TERM)?;
        target.expect_exit()?;
        client.expect_to_be_dropped()
    },
    ..Case::ECHO
};
