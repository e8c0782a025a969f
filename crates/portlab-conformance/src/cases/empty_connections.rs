//! Clients that connect and say nothing.

use crate::{Case, Speaks};

pub(super) static CASE: Case = Case {
    name: "empty_connections",
    about: "clients that connect and leave without a word harm nobody",
    faults: &[],
    speaks: Speaks::Echo,
    requires: &[],
    options: &[],
    run: |target| {
        for _ in 0..50 {
            let mut client = target.client()?;
            client.half_close()?;
            client.expect_end()?;
            drop(target.client()?);
        }
        target.served_client().map(drop)
    },
};
