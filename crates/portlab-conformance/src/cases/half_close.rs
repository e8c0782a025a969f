//! A client that has sent everything, and still reads.

use crate::{Case, client::random_bytes};

pub(super) const CASE: Case = Case {
    about: "1 MiB and then a FIN: all of it comes back, and then the end",
    faults: &[6],
    run: |target| {
        let text = random_bytes(1 << 20);
        let mut client = target.client()?;
        // Large enough that the server is still sending when the FIN arrives.
        let (most, rest) = text.split_at(text.len() - 1_000);
        client.send_beside(most.to_vec())?;
        client.expect(&most[..500_000])?;
        client.expect(&most[500_000..])?;
        client.send(rest)?;
        client.half_close()?;
        client.expect(rest)?;
        client.expect_end()?;

        // The same before anything has come back.
        let mut client = target.client()?;
        client.send(b"goodbye")?;
        client.half_close()?;
        client.expect(b"goodbye")?;
        client.expect_end()
    },
    ..Case::ECHO
};
