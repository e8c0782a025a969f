//! Fault 12: a member that never reads.

use std::time::{Duration, Instant};

use portlab_sys::meter::anonymous_bytes;

use crate::{Case, Requires, failure::ensure, talker::Talker};

/// How many lines of 1000 bytes are said at most: more than all the buffers on the way hold.
const MOST: usize = 30_000;
/// What the server's memory may grow by meanwhile.
const BOUND: u64 = 8 << 20;

/// How long a dropped member is given to take what it is told; counted from before it was dropped, so
/// that a busy machine accuses nobody.
const FAREWELL: Duration = Duration::from_secs(1);

pub(super) const CASE: Case = Case {
    about: "who does not read is dropped with a reason at the hard limit; memory is bounded, and the others hear everything",
    faults: &[12],
    requires: &[Requires::AtOnce(3), Requires::Process],
    options: &["--output-limit=64KiB", "--soft-limit=64KiB"],
    run: |target| {
        let pid = target.pid()?;
        let silent = Talker::join(target, "silent")?;
        let (mut alice, mut bob) = Talker::pair(target)?;
        let before = anonymous_bytes(pid)?;
        // What the system's own buffers take comes on top of the limit.
        let line = [b'x'; 1000];
        let mut said = 0;
        let mut heard = 0;
        let mut since = Instant::now();
        while said < MOST {
            since = Instant::now();
            // Few enough that nobody else has more than the limit waiting.
            for _ in 0..20 {
                alice.say(&line)?;
                said += 1;
            }
            let mut dropped = false;
            while heard < said && !dropped {
                let next = bob.next()?;
                dropped = next.starts_with(b"* silent was dropped");
                heard += usize::from(!dropped);
            }
            if dropped {
                while heard < said {
                    let next = bob.next()?;
                    ensure!(next.len() == line.len() + 7, "a line was lost");
                    heard += 1;
                }
                break;
            }
        }
        ensure!(
            said < MOST,
            "{MOST} lines were sent, and who reads none of them is still there"
        );
        let grown = anonymous_bytes(pid)?.saturating_sub(before);
        ensure!(
            grown < BOUND,
            "the server's memory grew by {grown} bytes; the bound is {BOUND}"
        );
        // It is told why, should it look in time.
        let mut silent = silent;
        let told = silent.hears_of(b"you read too slowly");
        ensure!(
            told.is_ok() || since.elapsed() > FAREWELL,
            "a member that looked {:?} after it was dropped was not told why",
            since.elapsed()
        );
        alice.hears_of(b"silent was dropped for reading too slowly")?;
        bob.say(b"who is next?")?;
        alice.hears(b"bob: who is next?")
    },
    ..Case::CHAT
};
