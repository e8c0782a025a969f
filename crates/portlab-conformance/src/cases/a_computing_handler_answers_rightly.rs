//! Handlers that compute, on a pool or on the thread that serves.

use crate::{Case, client::random_bytes};

pub(super) const CASE: Case = Case {
    about: "answers of handlers that compute come back exactly, and in order",
    options: &["--work=cpu:1ms"],
    run: |target| {
        let mut clients = target.clients(target.crowd(8))?;
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
    ..Case::ECHO
};
