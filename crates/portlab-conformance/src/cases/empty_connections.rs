//! Clients that connect and say nothing.

use crate::Case;

pub(super) const CASE: Case = Case {
    about: "clients that connect and leave without a word harm nobody",
    run: |target| {
        for _ in 0..50 {
            let mut client = target.client()?;
            client.half_close()?;
            client.expect_end()?;
            drop(target.client()?);
        }
        target.served_client().map(drop)
    },
    ..Case::ECHO
};
