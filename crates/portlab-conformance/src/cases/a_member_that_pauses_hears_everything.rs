//! A member that stops reading for a while, below every limit.

use portlab_sys::sockets::sockets_at;

use crate::{Case, Failure, Requires, client::Client, failure::ensure, talker::Talker};

/// The most lines that the buffers on the way may hold.
const MOST: usize = 60_000;
/// The lines between two looks at the server's send queue.
const LOOK: usize = 100;
/// The lines that wait in the server when the queue is full.
const MORE: usize = 350;

pub(super) const CASE: Case = Case {
    about: "a member that stops reading until its queue is full and then reads on hears every line, and is not \
            dropped",
    faults: &[12],
    requires: &[Requires::AtOnce(3)],
    options: &["--output-limit=64MiB", "--soft-limit=64MiB"],
    run: |target| {
        let mut paused = Talker::join_over(Client::with_small_buffer(target.addr)?, "paused")?;
        let (mut alice, mut bob) = Talker::pair(target)?;
        let remote = paused.client().local_addr()?;
        let mut said = 0;
        let mut say = |lines: usize| {
            for _ in 0..lines {
                alice.say(format!("{said:0>1000}").as_bytes())?;
                bob.hears(format!("alice: {said:0>1000}").as_bytes())?;
                said += 1;
            }
            Ok::<_, Failure>(said)
        };
        // A busy server may not have come to write between two looks.
        let (mut queue, mut still) = (0, 0);
        while still < 3 {
            let said = say(LOOK)?;
            ensure!(
                said < MOST,
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
        let said = say(MORE)?;
        paused.client().enlarge_buffer()?;
        paused.hears(b"* alice joined")?;
        paused.hears(b"* bob joined")?;
        for number in 0..said {
            paused.hears(format!("alice: {number:0>1000}").as_bytes())?;
        }
        bob.say(b"go on")?;
        paused.hears(b"bob: go on")
    },
    ..Case::CHAT
};
