//! Handlers that compute, on a pool or where they are.

use crate::{Case, client::random_bytes};

pub(super) const CASE: Case = Case {
    about: "answers that take computing come back exactly, and in order",
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
