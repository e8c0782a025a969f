//! Many clients at the same time.

use crate::{Case, Speaks};

pub(super) static CASE: Case = Case {
    name: "a_hundred_at_once",
    about: "a hundred clients at once (or as many as are promised) each get their own bytes",
    faults: &[],
    speaks: Speaks::Echo,
    requires: &[],
    options: &[],
    run: |target| {
        let mut clients = Vec::new();
        for _ in 0..target.crowd(100) {
            clients.push(target.client()?);
        }
        for round in 0..5 {
            let word = |number: usize| format!("round {round}, client {number}").into_bytes();
            for (number, client) in clients.iter_mut().enumerate() {
                client.send(&word(number))?;
            }
            // Read in another order than written.
            for (number, client) in clients.iter_mut().enumerate().rev() {
                client.expect(&word(number))?;
            }
        }
        Ok(())
    },
};
