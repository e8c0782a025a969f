//! Clients that have gone before they are accepted.

use crate::{Case, Speaks};

pub(super) static CASE: Case = Case {
    name: "resets_before_accept",
    about: "a thousand clients that connect and reset at once don't end the accept loop",
    faults: &[9],
    speaks: Speaks::Echo,
    requires: &[],
    options: &[],
    run: |target| {
        for _ in 0..1_000 {
            target.client()?.reset()?;
        }
        target.served_client().map(drop)
    },
};
