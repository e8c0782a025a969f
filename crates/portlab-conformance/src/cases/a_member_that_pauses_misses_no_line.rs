//! A member that stops reading for a while, below every limit.

use portlab_sys::sockets::sockets_at;

use crate::{Case, Failure, Requires, client::Client, failure::ensure, member::Member};

/// The most lines that the buffers on the way may hold.
const MOST: usize = 60_000;
/// The lines between two looks at the server's send queue.
const LOOK: usize = 100;
/// The lines that wait in the server when the queue is full.
const MORE: usize = 350;

pub(super) const CASE: Case = Case {
    about: "a member that stops reading until its queue is full and then reads on receives every line, and is not \
            dropped",
    faults: &[12],
    requires: &[Requires::AtOnce(3)],
    options: &["--output-limit=64MiB", "--soft-limit=64MiB"],
    run: |target| {
        let mut paused = Member::join_over(Client::with_small_buffer(target.addr)?, "paused")?;
        let (mut alice, mut bob) = Member::pair(target)?;
        let remote = paused.client().local_addr()?;
        let mut sent = 0;
        let mut send = |lines: usize| {
            for _ in 0..lines {
                alice.send_line(format!("{sent:0>1000}").as_bytes())?;
                bob.expect_line(format!("alice: {sent:0>1000}").as_bytes())?;
                sent += 1;
            }
            Ok::<_, Failure>(sent)
        };
        // A busy server may not have written between two looks.
        let (mut queue, mut still) = (0, 0);
        while still < 3 {
            let sent = send(LOOK)?;
            ensure!(
                sent < MOST,
                "the send queue of {remote} grew for {MOST} lines"
            );
            let sockets = sockets_at(target.addr.port())?;
            let now = sockets.iter().find(|it| it.remote == remote);
            let now = now.map_or(0, |it| it.unsent);
            still = if now > 0 && now == queue {
                still + 1
            } else {
                0
            };
            queue = now;
        }
        let sent = send(MORE)?;
        paused.client().enlarge_buffer()?;
        paused.expect_line(b"* alice joined")?;
        paused.expect_line(b"* bob joined")?;
        for number in 0..sent {
            paused.expect_line(format!("alice: {number:0>1000}").as_bytes())?;
        }
        bob.send_line(b"go on")?;
        paused.expect_line(b"bob: go on")
    },
    ..Case::CHAT
};
