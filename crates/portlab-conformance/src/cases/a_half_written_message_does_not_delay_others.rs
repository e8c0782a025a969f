//! Fault 11: clients that stop in the middle.

use crate::{Case, Requires, client::random_bytes};

pub(super) const CASE: Case = Case {
    about: "while 200 clients (or all that can be served but one) have sent half of their text and read nothing, \
            other clients are served",
    faults: &[11],
    requires: &[Requires::AtOnce(2)],
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
    ..Case::ECHO
};
