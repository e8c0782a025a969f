//! A client that connects and is silent.

use crate::{Case, Requires};

pub(super) const CASE: Case = Case {
    about: "while one client is silent, other clients are served",
    requires: &[Requires::AtOnce(2)],
    run: |target| {
        let mut idle = target.client()?;
        for _ in 0..5 {
            target.served_client()?;
        }
        idle.exchange(b"I am still here")
    },
    ..Case::ECHO
};
