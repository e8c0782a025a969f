//! More clients than the server serves at once: the next one waits.

use std::time::Duration;

use crate::{Case, Requires, failure::ensure};

pub(super) const CASE: Case = Case {
    about: "while silent clients take all workers, the next client waits, and is served as soon as one of them \
            leaves",
    faults: &[11],
    requires: &[Requires::Bound],
    run: |target| {
        let Some(bound) = target.promises.at_once else {
            return Ok(());
        };
        ensure!(
            bound <= 1_000,
            "a bound of {bound} is too many clients for this case"
        );
        let mut inside = target.served_clients(bound)?;
        let mut outside = target.client()?;
        outside.send(b"are you there?")?;
        outside.expect_silence(Duration::from_millis(200))?;
        inside.pop();
        outside.expect(b"are you there?")
    },
    ..Case::ECHO
};
