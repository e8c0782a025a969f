//! Fault 11: clients that stop in the middle.

use crate::{Case, Requires, Speaks, client::random_bytes};

pub(super) static CASE: Case = Case {
    name: "a_half_written_client_disturbs_nobody",
    about: "while 200 clients (or all places but one) have sent half of their text and read nothing, others are \
            served",
    faults: &[11],
    speaks: Speaks::Echo,
    requires: &[Requires::AtOnce(2)],
    options: &[],
    run: |target| {
        let text = random_bytes(20_000);
        let (first, second) = text.split_at(10_000);
        let mut slow = Vec::new();
        for _ in 1..target.crowd(201) {
            let mut client = target.client()?;
            client.send(first)?;
            slow.push(client);
        }
        for _ in 0..5 {
            target.served_client()?;
        }
        for client in &mut slow {
            client.send(second)?;
            client.expect(&text)?;
        }
        Ok(())
    },
};
