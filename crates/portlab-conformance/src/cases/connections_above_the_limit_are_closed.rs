//! Fault 16: more connections than are allowed.

use crate::{Case, Requires, Speaks, failure::ensure, patience::eventually};

pub(super) static CASE: Case = Case {
    name: "connections_above_the_limit_are_closed",
    about: "with --max-connections 10 the next connections are closed, the ten are served, and a place that becomes \
            free is taken again",
    faults: &[16],
    speaks: Speaks::Echo,
    requires: &[Requires::AtOnce(11)],
    options: &["--max-connections=10", "--workers=12"],
    run: |target| {
        let mut inside = Vec::new();
        for _ in 0..10 {
            inside.push(target.served_client()?);
        }
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
            ensure!(served.is_some(), "a free place is not taken again");
            inside.extend(served);
            target.client()?.expect_to_be_dropped()?;
        }
        Ok(())
    },
};
