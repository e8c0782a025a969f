//! Many clients at the same time.

use crate::Case;

pub(super) const CASE: Case = Case {
    about: "a hundred clients at once (or as many as are promised) each get their own bytes",
    run: |target| {
        let mut clients = target.clients(target.crowd(100))?;
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
    ..Case::ECHO
};
