//! Fault 16: more connections than are allowed.

use crate::{Case, Requires, failure::ensure, patience::eventually};

pub(super) const CASE: Case = Case {
    about: "with --max-connections 10 the next connections are closed, the ten are served, and when one of them \
            ends, the next connection is served",
    faults: &[16],
    requires: &[Requires::AtOnce(11)],
    options: &["--max-connections=10", "--workers=12"],
    run: |target| {
        let mut inside = target.served_clients(10)?;
        for _ in 0..3 {
            target.client()?.expect_to_be_dropped()?;
        }
        for client in &mut inside {
            client.exchange(b"still here")?;
        }
        for _ in 0..3 {
            inside.pop();
            let mut served = None;
            eventually(|| {
                served = target.served_client().ok();
                Ok(served.is_some())
            })?;
            ensure!(
                served.is_some(),
                "after a connection has ended, the next one is not served"
            );
            inside.extend(served);
            target.client()?.expect_to_be_dropped()?;
        }
        Ok(())
    },
    ..Case::ECHO
};
