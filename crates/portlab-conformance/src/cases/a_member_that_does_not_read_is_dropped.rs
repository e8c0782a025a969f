//! Fault 12: a member that never reads.

use std::time::{Duration, Instant};

use portlab_sys::meter::anonymous_bytes;

use crate::{Case, Requires, failure::ensure, member::Member};

/// How many lines of 1000 bytes are sent at most: more than all the buffers on the way hold.
const MOST: usize = 30_000;
/// What the server's memory may grow by meanwhile.
const BOUND: u64 = 8 << 20;

/// How long a dropped member has to receive the reason; counted from before it was dropped, so that no case fails on a
/// busy machine.
const LINGER: Duration = Duration::from_secs(1);

pub(super) const CASE: Case = Case {
    about: "a member that does not read is told why and dropped at the hard limit; memory is bounded, and the others receive every line",
    faults: &[12],
    requires: &[Requires::AtOnce(3), Requires::Process],
    options: &["--output-limit=64KiB", "--soft-limit=64KiB"],
    run: |target| {
        let pid = target.pid()?;
        let silent = Member::join(target, "silent")?;
        let (mut alice, mut bob) = Member::pair(target)?;
        let before = anonymous_bytes(pid)?;
        // The buffers of the system come on top of the limit.
        let line = [b'x'; 1000];
        let mut sent = 0;
        let mut received = 0;
        let mut since = Instant::now();
        while sent < MOST {
            since = Instant::now();
            // So few that no other member has more than the limit waiting.
            for _ in 0..20 {
                alice.send_line(&line)?;
                sent += 1;
            }
            let mut dropped = false;
            while received < sent && !dropped {
                let next = bob.next()?;
                dropped = next.starts_with(b"* silent was dropped");
                received += usize::from(!dropped);
            }
            if dropped {
                while received < sent {
                    let next = bob.next()?;
                    ensure!(next.len() == line.len() + 7, "a line was lost");
                    received += 1;
                }
                break;
            }
        }
        ensure!(
            sent < MOST,
            "{MOST} lines were sent, and the member that reads none of them is still there"
        );
        let grown = anonymous_bytes(pid)?.saturating_sub(before);
        ensure!(
            grown < BOUND,
            "the server's memory grew by {grown} bytes; the bound is {BOUND}"
        );
        // It is told why, if it reads in time.
        let mut silent = silent;
        let told = silent.expect_line_with(b"you read too slowly");
        ensure!(
            told.is_ok() || since.elapsed() > LINGER,
            "a member that read {:?} after it was dropped was not told why",
            since.elapsed()
        );
        alice.expect_line_with(b"silent was dropped for reading too slowly")?;
        bob.send_line(b"next?")?;
        alice.expect_line(b"bob: next?")
    },
    ..Case::CHAT
};
