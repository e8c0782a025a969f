//! Clients that reset their connection before it is accepted.

use crate::Case;

pub(super) const CASE: Case = Case {
    about: "a thousand clients that connect and reset at once don't end the accept loop",
    faults: &[9],
    run: |target| {
        for _ in 0..1_000 {
            target.client()?.reset()?;
        }
        target.served_client().map(drop)
    },
    ..Case::ECHO
};
