//! Clients that connect and send nothing.

use crate::Case;

pub(super) const CASE: Case = Case {
    about: "after clients that connect and close without a byte, other clients are served",
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
