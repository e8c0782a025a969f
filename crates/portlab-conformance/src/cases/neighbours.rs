//! One client is slow, silent or sends much, and the others are served.

use portlab_sys::meter::anonymous_bytes;

use crate::{Case, Requires, client::random_bytes, failure::ensure, patience::eventually};

pub(super) const an_idle_client_does_not_delay_others: Case = Case {
    about: "while one client is silent, other clients are served",
    requires: &[Requires::AtOnce(2)],
    run: |target| {
        let mut idle = target.client()?;
        for _ in 0..5 {
            target.served_client()?;
        }
        idle.exchange(b"I am still here")
    },
    ..Case::ECHO
};

pub(super) const a_half_written_message_does_not_delay_others: Case = Case {
    about: "while 200 clients (or all that can be served but one) have sent half of their text and read nothing, \
            other clients are served",
    faults: &[11],
    requires: &[Requires::AtOnce(2)],
    run: |target| {
        let text = random_bytes(20_000);
        let (first, second) = text.split_at(10_000);
        let mut slow = Vec::new();
        for _ in 1..target.crowd(201) {
            let mut client = target.client()?;
            client.send(first)?;
            slow.push(client);
        }
        for _ in 0..5 {
            target.served_client()?;
        }
        for client in &mut slow {
            client.send(second)?;
            client.expect(&text)?;
        }
        Ok(())
    },
    ..Case::ECHO
};

/// The bytes of the fast sender: at 20 ms for 64 KiB at most, they take a server more than twenty seconds.
const STREAM: usize = 64 << 20;

/// The other clients that connect meanwhile. A task that never waits goes on for 128 operations (tokio's budget), 64 reads
/// and 64 writes: each client waits for 4 MiB.
const OTHERS: usize = 3;

pub(super) const a_fast_sender_does_not_delay_others: Case = Case {
    about: "while one client sends and reads without a pause, and every answer takes computing, \
            other clients are served long before it has finished",
    requires: &[Requires::AtOnce(2)],
    options: &["--work=cpu:20ms", "--workers=2"],
    run: |target| {
        let fast = target.client()?;
        fast.send_beside(random_bytes(STREAM))?;
        let came_back = fast.read_beside()?;
        ensure!(
            eventually(|| Ok(came_back() > 0))?,
            "the fast sender isn't served"
        );
        for _ in 0..OTHERS {
            target.served_client()?;
        }
        let meanwhile = came_back();
        fast.end()?;
        ensure!(
            meanwhile < STREAM as u64 / 4,
            "{OTHERS} other clients waited for {meanwhile} bytes of the fast sender"
        );
        Ok(())
    },
    ..Case::ECHO
};

/// The bytes that are sent and not read: more than all the socket buffers on the way hold.
const FLOOD: usize = 64 << 20;
/// How much the server's memory may grow meanwhile.
const BOUND: u64 = 4 << 20;

pub(super) const a_client_that_does_not_read_stops_only_itself: Case = Case {
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
