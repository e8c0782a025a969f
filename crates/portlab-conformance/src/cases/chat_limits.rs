//! The limits of a chat: members, time, workers, descriptors.

use std::{
    thread,
    time::{Duration, Instant},
};

use portlab_sys::{
    limits,
    meter::{tree, usage},
};

use crate::{Case, Requires, failure::ensure, member::Member, patience::eventually};

pub(super) const slow_lines_are_cut_off: Case = Case {
    about: "200 clients (or as many as are served) whose lines don't end within --line-timeout receive the reason and are \
            closed; others talk meanwhile, or (bounded pools) afterwards",
    faults: &[11],
    requires: &[Requires::AtOnce(3)],
    options: &["--line-timeout=1s"],
    run: |target| {
        let mut slow = Vec::new();
        for _ in 0..target.crowd(200) {
            let mut client = Member::connect(target)?;
            client.client().drip_beside()?;
            slow.push(client);
        }
        // In a full pool, these two members wait until slow clients are closed.
        let (mut alice, mut bob) = Member::pair(target)?;
        alice.send_line(b"are you there?")?;
        bob.expect_line(b"alice: are you there?")?;
        for mut client in slow {
            client.expect_close_reason(&["line"])?;
        }
        bob.send_line(b"they are closed")?;
        alice.expect_line_with(b"bob: they are closed")
    },
    ..Case::CHAT
};

pub(super) const idle_members_receive_the_reason_and_are_closed: Case = Case {
    about: "with --idle-timeout, a silent member receives the reason, its connection is closed, and the next member can join",
    faults: &[10],
    requires: &[Requires::AtOnce(2)],
    options: &["--idle-timeout=1s"],
    run: |target| {
        let since = Instant::now();
        let mut idle = Vec::new();
        for number in 0..target.crowd(20) {
            // Half of them have no name.
            idle.push(match number % 2 {
                0 => Member::connect(target)?,
                _ => Member::join(target, &format!("idle{number}"))?,
            });
        }
        for member in &mut idle {
            member.expect_close_reason(&["silent"])?;
        }
        let elapsed = since.elapsed();
        ensure!(
            elapsed >= Duration::from_secs(1),
            "all were closed after {elapsed:?}"
        );
        Member::join(target, "next").map(drop)
    },
    ..Case::CHAT
};

pub(super) const members_above_the_limit_receive_the_reason: Case = Case {
    about: "with --max-connections 10 the eleventh client of a chat receives the reason and is closed, and \
            when a member leaves, the next client can join",
    faults: &[16],
    requires: &[Requires::AtOnce(11)],
    options: &["--max-connections=10", "--workers=12"],
    run: |target| {
        let mut inside = Member::members(target, 10)?;
        for _ in 0..3 {
            let mut outside = Member::over(target.client()?);
            outside.expect_close_reason(&["too many"])?;
        }
        inside.pop();
        let served = eventually(|| Ok(Member::join(target, "next").is_ok()))?;
        ensure!(served, "after a member has left, the next one can't join");
        Ok(())
    },
    ..Case::CHAT
};

pub(super) const a_member_without_a_worker_receives_nothing: Case = Case {
    about: "when each worker serves a member, the next client is connected and receives nothing until a member leaves",
    faults: &[11],
    requires: &[Requires::Bound],
    run: |target| {
        let mut members = Member::members(target, target.crowd(usize::MAX))?;
        let mut next = target.client()?;
        next.expect_silence(Duration::from_millis(300))?;
        if let Some(mut first) = members.pop() {
            first.send_line(b"/quit")?;
            first.client().expect_to_be_dropped()?;
        }
        next.expect(b"* welcome; what is your name?\r\n")
    },
    ..Case::CHAT
};

/// Descriptors that each process of the server may have.
const LIMIT: u64 = 32;

pub(super) const no_descriptors_left_in_a_chat: Case = Case {
    about: "out of descriptors: members go on talking, the server takes less than 5 % CPU, and when others have closed, \
            new members can join",
    faults: &[15],
    requires: &[Requires::Process, Requires::AtOnce(20)],
    options: &["--workers=20"],
    run: |target| {
        let pid = target.pid()?;
        let (mut alice, mut bob) = Member::pair(target)?;
        for process in tree(pid)? {
            limits::limit_open_files(process, LIMIT)?;
        }
        let crowd = target.clients(50)?;
        // In the first second the server still serves the clients that have a descriptor.
        thread::sleep(Duration::from_secs(1));
        let (before, processes) = (usage(pid)?.cpu, tree(pid)?.len() as u32);
        thread::sleep(Duration::from_secs(2));
        let used = usage(pid)?.cpu.saturating_sub(before);
        // A process that ends meanwhile may add a tick of 10 ms.
        let bound = Duration::from_millis(100) + processes * Duration::from_millis(1);
        ensure!(
            used < bound,
            "the server spins: {used:?} of CPU time in 2 s"
        );
        alice.send_line(b"still there?")?;
        bob.expect_line(b"alice: still there?")?;
        drop(crowd);
        let joined = eventually(|| Ok(Member::join(target, "carol").is_ok()))?;
        ensure!(
            joined,
            "no new member can join although descriptors are free"
        );
        alice.expect_line_with(b"* carol joined")
    },
    ..Case::CHAT
};
