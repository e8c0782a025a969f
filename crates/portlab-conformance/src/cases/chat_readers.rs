//! Members that read slowly, or not at all.

use std::{
    thread,
    time::{Duration, Instant},
};

use portlab_sys::{meter::anonymous_bytes, sockets::sockets_at};

use crate::{
    Case, Failure, Requires, client::Client, failure::ensure, member::Member, patience::beside,
};

/// The lines of 1000 bytes that are sent at most: more than all the buffers on the way hold.
const MOST: usize = 30_000;
/// How much the server's memory may grow meanwhile.
const BOUND: u64 = 8 << 20;

/// The time in which a dropped member can receive the reason. The case counts from a moment before the drop, so that it
/// doesn't fail on a busy machine.
const LINGER: Duration = Duration::from_secs(1);

pub(super) const a_member_that_does_not_read_is_dropped: Case = Case {
    about: "a member that does not read is disconnected at the hard limit and receives the reason; memory is bounded, and the others receive every line",
    faults: &[12],
    requires: &[Requires::AtOnce(3), Requires::Process],
    options: &["--output-limit=64KiB", "--soft-limit=64KiB"],
    run: |target| {
        let pid = target.pid()?;
        let mut silent = Member::join(target, "silent")?;
        let (mut alice, mut bob) = Member::pair(target)?;
        let before = anonymous_bytes(pid)?;
        // The limit doesn't include the buffers of the system.
        let line = [b'x'; 1000];
        let mut sent = 0;
        let mut received = 0;
        let mut since = Instant::now();
        while sent < MOST {
            since = Instant::now();
            // So few lines that less than the limit waits for every other member.
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
            "{MOST} lines were sent, and the member that reads none of them is still connected"
        );
        let grown = anonymous_bytes(pid)?.saturating_sub(before);
        ensure!(
            grown < BOUND,
            "the server's memory grew by {grown} bytes; the bound is {BOUND}"
        );
        // If the dropped member reads in time, it receives the reason.
        let reason = silent.expect_line_with(b"you read too slowly");
        ensure!(
            reason.is_ok() || since.elapsed() > LINGER,
            "a member that read {:?} after it was dropped did not receive the reason",
            since.elapsed()
        );
        alice.expect_line_with(b"silent was dropped for reading too slowly")?;
        bob.send_line(b"next?")?;
        alice.expect_line(b"bob: next?")
    },
    ..Case::CHAT
};

/// The lines of 1000 bytes that are sent: more than all the buffers on the way hold.
const LINES: usize = 10_000;

pub(super) const the_oldest_lines_are_dropped_when_asked: Case = Case {
    about: "with --overflow drop-oldest, a member that does not read stays connected, and receives the last lines and the number of the lines \
            that it missed",
    faults: &[12],
    requires: &[Requires::AtOnce(3)],
    options: &["--overflow=drop-oldest", "--output-limit=64KiB"],
    run: |target| {
        let mut silent = Member::join(target, "silent")?;
        let (mut alice, mut bob) = Member::pair(target)?;
        silent.expect_line(b"* alice joined")?;
        silent.expect_line(b"* bob joined")?;
        for number in 0..LINES {
            alice.send_line(format!("{number:0>1000}").as_bytes())?;
            bob.next()?;
        }
        alice.send_line(b"the last one")?;
        bob.expect_line(b"alice: the last one")?;
        let (mut received, mut missed) = (0, 0);
        loop {
            let line = silent.next()?;
            if line == b"alice: the last one" {
                break;
            }
            let text = String::from_utf8_lossy(&line).into_owned();
            match text.strip_prefix("* you have missed ") {
                Some(rest) => {
                    let count = rest.split(' ').next().and_then(|count| count.parse().ok());
                    missed += count.unwrap_or(0);
                }
                None => received += 1,
            }
        }
        ensure!(
            missed > 0,
            "the member read none of {LINES} lines, and missed none"
        );
        ensure!(
            received + missed == LINES,
            "{received} received and {missed} missed of {LINES}"
        );
        Ok(())
    },
    ..Case::CHAT
};

/// The most lines that the buffers on the way may hold.
const HELD: usize = 60_000;
/// The lines between two readings of the server's send queue.
const LOOK: usize = 100;
/// The lines that wait in the server when the queue is full.
const MORE: usize = 350;

pub(super) const a_member_that_pauses_misses_no_line: Case = Case {
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
        // On a busy machine, the server may not have written between two readings.
        let (mut queue, mut still) = (0, 0);
        while still < 3 {
            let sent = send(LOOK)?;
            ensure!(
                sent < HELD,
                "the send queue of {remote} grew for {HELD} lines"
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

/// 128 KiB of line ends, and 128 KiB of lines.
const PASTES: [(&[u8], usize); 2] = [
    (b"\n", 128 << 10),
    (b"a line of a text that was pasted\n", 4 << 10),
];

pub(super) const a_paste_drops_no_member_that_reads: Case = Case {
    about: "when a member pastes 128 KiB, members that read receive every line of it, and no member is dropped",
    requires: &[Requires::AtOnce(4)],
    // Without the limit on a member's lines per second.
    options: &["--member-rate=off"],
    run: |target| {
        let readers = Member::members(target, 3)?;
        let mut paster = Member::join(target, "paster")?;
        let read = |mut reader: Member| {
            beside(move || {
                reader.expect_line_with(b"* paster joined")?;
                for (line, count) in PASTES {
                    for _ in 0..count {
                        let line = [b"paster: ", line.trim_ascii_end()].concat();
                        reader.expect_line(line.trim_ascii_end())?;
                    }
                }
                Ok(reader)
            })
        };
        let threads: Vec<_> = readers.into_iter().map(read).collect();
        for (line, count) in PASTES {
            paster.send(&line.repeat(count))?;
            // A pause, after which a server may start to count the member's lines anew.
            thread::sleep(Duration::from_millis(300));
        }
        let mut readers = threads
            .into_iter()
            .map(|ended| ended())
            .collect::<Result<Vec<_>, _>>()?;
        // Each is still connected, and has received no other line.
        for reader in &mut readers {
            reader.expect_no_other_line()?;
        }
        let still_in = paster.expect_no_other_line();
        ensure!(still_in.is_ok(), "the paster was dropped: {still_in:?}");
        Ok(())
    },
    ..Case::CHAT
};
