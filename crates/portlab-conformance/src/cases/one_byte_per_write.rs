//! A client that sends a byte at a time.

use crate::{Case, client::random_bytes};

pub(super) const CASE: Case = Case {
    about: "a text sent a byte at a time comes back exactly",
    faults: &[1],
    run: |target| {
        let mut client = target.client()?;
        let text = random_bytes(300);
        let (one_by_one, rest) = text.split_at(100);
        for byte in one_by_one.chunks(1) {
            client.exchange(byte)?;
        }
        for byte in rest.chunks(1) {
            client.send(byte)?;
        }
        client.expect(rest)
    },
    ..Case::ECHO
};
