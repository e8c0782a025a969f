//! A client that sends and never reads.

use portlab_sys::meter::anonymous_bytes;

use crate::{Case, Requires, client::random_bytes, failure::ensure};

/// The bytes that are sent: more than all the socket buffers on the way hold.
const FLOOD: usize = 64 << 20;
/// How much the server's memory may grow meanwhile.
const BOUND: u64 = 4 << 20;

pub(super) const CASE: Case = Case {
    about: "64 MiB sent to an echo without reading: the server stops reading, its memory is bounded, it serves \
            other clients, and sends everything when the client reads",
    faults: &[13],
    requires: &[Requires::Process],
    run: |target| {
        let pid = target.pid()?;
        target.served_client()?;
        let before = anonymous_bytes(pid)?;
        let flood = random_bytes(FLOOD);
        let mut client = target.client()?;
        let sent = client.send_until_full(&flood)?;
        ensure!(
            sent < FLOOD,
            "the server read all {FLOOD} bytes although it could send none"
        );
        let grown = anonymous_bytes(pid)?.saturating_sub(before);
        ensure!(
            grown < BOUND,
            "the server's memory grew by {grown} bytes; the bound is {BOUND}"
        );
        if target.promises.at_once != Some(1) {
            target.served_client()?;
        }
        client.expect(&flood[..sent])?;
        client.exchange(b"and now?")
    },
    ..Case::ECHO
};
