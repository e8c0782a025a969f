//! More clients than are served at once: the promise that a bounded server does not make, shown
//! broken.

use std::time::Duration;

use crate::{Case, Requires, failure::ensure};

pub(super) const CASE: Case = Case {
    about: "when all places are taken by silent clients, the next one waits unheard, and is served as \
            soon as one of them leaves",
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
        outside.send(b"is anybody there?")?;
        outside.expect_silence(Duration::from_millis(200))?;
        inside.pop();
        outside.expect(b"is anybody there?")
    },
    ..Case::ECHO
};
