//! A client that sends a byte at a time.

use crate::{Case, Speaks, client::random_bytes};

pub(super) static CASE: Case = Case {
    name: "one_byte_per_write",
    about: "a text sent a byte at a time comes back exactly",
    faults: &[1],
    speaks: Speaks::Echo,
    requires: &[],
    options: &[],
    run: |target| {
        let mut client = target.client()?;
        let text = random_bytes(300);
        for byte in text.chunks(1) {
            client.send(byte)?;
        }
        client.expect(&text)
    },
};
