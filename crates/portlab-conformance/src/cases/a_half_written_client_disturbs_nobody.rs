//! A client that stops in the middle.

use crate::{Case, Requires, Speaks, client::random_bytes};

pub(super) static CASE: Case = Case {
    name: "a_half_written_client_disturbs_nobody",
    about: "while one client has sent half of its text and reads nothing, others are served",
    faults: &[11],
    speaks: Speaks::Echo,
    requires: &[Requires::AtOnce(2)],
    options: &[],
    run: |target| {
        let text = random_bytes(100_000);
        let (first, second) = text.split_at(50_000);
        let mut slow = target.client()?;
        slow.send(first)?;
        for _ in 0..5 {
            target.served_client()?;
        }
        slow.send(second)?;
        slow.expect(&text)
    },
};
