//! More clients than are served at once: the promise that a bounded server does not make, shown
//! broken.

use std::time::Duration;

use crate::{Case, Requires, Speaks, failure::ensure};

pub(super) static CASE: Case = Case {
    name: "a_full_server_keeps_the_next_waiting",
    about: "when all places are taken by silent clients, the next one waits unheard, and is served as \
            soon as one of them leaves",
    faults: &[11],
    speaks: Speaks::Echo,
    requires: &[Requires::Bound],
    options: &[],
    run: |target| {
        let Some(bound) = target.promises.at_once else {
            return Ok(());
        };
        ensure!(
            bound <= 1_000,
            "a bound of {bound} is too many clients for this case"
        );
        let mut inside = Vec::new();
        for _ in 0..bound {
            inside.push(target.served_client()?);
        }
        let mut outside = target.client()?;
        outside.send(b"is anybody there?")?;
        outside.expect_silence(Duration::from_millis(200))?;
        inside.pop();
        outside.expect(b"is anybody there?")
    },
};
