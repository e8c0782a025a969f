//! Random bytes of many sizes come back as they were.

use crate::{Case, client::random_bytes};

pub(super) const CASE: Case = Case {
    about: "random bytes of many sizes, up to 1 MiB, come back exactly",
    faults: &[4],
    run: |target| {
        // Around the sizes where something changes: a segment, a page, a read buffer, a socket
        // buffer.
        const SIZES: [usize; 12] = [
            1,
            2,
            63,
            64,
            1_000,
            1_460,
            4_096,
            16_384,
            65_535,
            65_536,
            65_537,
            1 << 20,
        ];
        let mut client = target.client()?;
        for size in SIZES {
            client.exchange(&random_bytes(size))?;
        }
        Ok(())
    },
    ..Case::ECHO
};
