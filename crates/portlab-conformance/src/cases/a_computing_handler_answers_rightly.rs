//! Handlers that compute, on a pool or where they are.

use crate::{Case, Speaks, client::random_bytes};

pub(super) static CASE: Case = Case {
    name: "a_computing_handler_answers_rightly",
    about: "answers that take computing come back exactly, and in order",
    faults: &[],
    speaks: Speaks::Echo,
    requires: &[],
    options: &["--work=cpu:1ms"],
    run: |target| {
        let mut clients = Vec::new();
        for _ in 0..target.crowd(8) {
            clients.push(target.client()?);
        }
        for size in [1, 100, 70_000] {
            let text = random_bytes(size);
            for client in &mut clients {
                client.send_beside(text.clone())?;
            }
            for client in &mut clients {
                client.expect(&text)?;
            }
        }
        Ok(())
    },
};
