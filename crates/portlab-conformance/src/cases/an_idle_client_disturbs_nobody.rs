//! A client that connects and keeps silent.

use crate::{Case, Requires, Speaks};

pub(super) static CASE: Case = Case {
    name: "an_idle_client_disturbs_nobody",
    about: "while one client keeps silent, others are served",
    faults: &[],
    speaks: Speaks::Echo,
    requires: &[Requires::AtOnce(2)],
    options: &[],
    run: |target| {
        let mut idle = target.client()?;
        for _ in 0..5 {
            target.served_client()?;
        }
        idle.exchange(b"I am still here")
    },
};
