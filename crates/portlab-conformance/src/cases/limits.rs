//! The limits of a server: connections, time, its queue, descriptors, memory.

use std::{
    thread,
    time::{Duration, Instant},
};

use portlab_sys::{
    clock::process_cpu,
    limits,
    meter::{anonymous_bytes, tree},
    spawn::{Signal, signal_pid},
};

use crate::{
    Case, Failure, Requires, Target,
    client::Client,
    failure::ensure,
    patience::{beside, eventually},
};

pub(super) const connections_above_the_limit_are_closed: Case = Case {
    about: "with --max-connections 10 the next connections are closed, the ten are served, and when one of them \
            ends, the next connection is served",
    faults: &[16],
    requires: &[Requires::AtOnce(11)],
    options: &["--max-connections=10", "--workers=12"],
    run: |target| {
        let mut inside = target.served_clients(10)?;
        for _ in 0..3 {
            target.client()?.expect_to_be_dropped()?;
        }
        for client in &mut inside {
            client.exchange(b"still here")?;
        }
        for _ in 0..3 {
            inside.pop();
            let mut served = None;
            eventually(|| {
                served = target.served_client().ok();
                Ok(served.is_some())
            })?;
            ensure!(
                served.is_some(),
                "after a connection has ended, the next one is not served"
            );
            inside.extend(served);
            target.client()?.expect_to_be_dropped()?;
        }
        Ok(())
    },
    ..Case::ECHO
};

/// The value of `--idle-timeout`.
const TIMEOUT: Duration = Duration::from_secs(1);

pub(super) const idle_connections_are_closed: Case = Case {
    about: "with --idle-timeout, silent connections are closed after it and not before, a connection that talks stays, \
            and the next client is served",
    faults: &[10],
    options: &["--idle-timeout=1s"],
    run: |target| {
        let since = Instant::now();
        let mut idle = Vec::new();
        for _ in 0..target.crowd(50) {
            // Half of them have never sent a byte.
            idle.push(match idle.len() % 2 {
                0 => target.client()?,
                _ => target.served_client()?,
            });
        }
        let mut next = target.client()?;
        next.send(b"am I next?")?;
        for client in &mut idle {
            client.expect_to_be_dropped()?;
        }
        let elapsed = since.elapsed();
        ensure!(elapsed >= TIMEOUT, "all were closed after {elapsed:?}");
        next.expect(b"am I next?")?;
        drop(next);
        let mut active = target.served_client()?;
        // On a busy machine, this client may pause for too long; then the case ends without a result.
        let mut longest = Duration::ZERO;
        for _ in 0..15 {
            let paused = Instant::now();
            active.expect_silence(TIMEOUT / 10)?;
            let answered = active.exchange(b"not idle");
            longest = longest.max(paused.elapsed());
            if longest >= TIMEOUT / 2 {
                return Ok(());
            }
            answered?;
        }
        Ok(())
    },
    ..Case::ECHO
};

pub(super) const a_full_server_keeps_the_next_waiting: Case = Case {
    about: "while silent clients take all workers, the next client waits, and is served as soon as one of them \
            leaves",
    faults: &[11],
    requires: &[Requires::Bound],
    run: |target| {
        let Some(bound) = target.promises.at_once else {
            return Ok(());
        };
        ensure!(
            bound <= 1_000,
            "a bound of {bound} is too many clients for this case"
        );
        let mut inside = target.served_clients(bound)?;
        let mut outside = target.client()?;
        outside.send(b"are you there?")?;
        outside.expect_silence(Duration::from_millis(200))?;
        inside.pop();
        outside.expect(b"are you there?")
    },
    ..Case::ECHO
};

/// The clients that try to connect: more than the backlog holds.
const MOST: usize = 2_000;
/// Descriptors that the other tests of this process need.
const OTHERS: usize = 300;
/// How long a connection to loopback may take if the queue has room.
const ROOM: Duration = Duration::from_millis(500);

pub(super) const a_full_queue_is_served_after_a_pause: Case = Case {
    about: "while the server is stopped (SIGSTOP), clients fill its queue; when it goes on, each is answered, \
            and so is the next",
    faults: &[17],
    requires: &[Requires::Process],
    run: |target| {
        let files = usize::try_from(limits::raise_open_files()).unwrap_or(usize::MAX);
        let most = MOST.min(files.saturating_sub(OTHERS));
        let processes = tree(target.pid()?)?;
        for &pid in &processes {
            signal_pid(pid, Signal::STOP)?;
        }
        let mut clients = Vec::new();
        while clients.len() < most {
            // When the queue is full, the kernel drops the SYN.
            let Ok(mut client) = Client::connect_within(target.addr, ROOM) else {
                break;
            };
            client.send(format!("client {}", clients.len()).as_bytes())?;
            client.half_close()?;
            clients.push(client);
        }
        for &pid in &processes {
            signal_pid(pid, Signal::CONT)?;
        }
        ensure!(
            clients.len() > 100,
            "the queue took {} clients",
            clients.len()
        );
        for (number, client) in clients.iter_mut().enumerate() {
            client.expect(format!("client {number}").as_bytes())?;
            client.expect_end()?;
        }
        target.served_client().map(drop)
    },
    ..Case::ECHO
};

/// The connections before memory is read for the first time, and all connections.
const FIRST: usize = 1_000;
const ALL: usize = 4_000;
/// Memory may grow by a tenth, and by so much: the pages of a thread or two.
const SLACK: u64 = 1 << 20;

pub(super) const short_connections_leave_no_trace: Case = Case {
    about: "after 4,000 short connections the server has as many descriptors and processes as before, and its memory is \
            within 10 %",
    faults: &[23],
    requires: &[Requires::Process],
    run: |target| {
        let pid = target.pid()?;
        come_and_go(target, FIRST)?;
        let before = target.settled_footprint()?;
        let memory = anonymous_bytes(pid)?;
        come_and_go(target, ALL - FIRST)?;
        let (mut after, mut grown) = (before, 0);
        let back = eventually(|| {
            after = target.footprint()?;
            grown = anonymous_bytes(pid)?.saturating_sub(memory);
            // The last connection may have been open when `before` was measured, with one descriptor more.
            let no_more = after.descriptors <= before.descriptors && after.zombies == 0;
            Ok(no_more && after.processes == before.processes && grown <= memory / 10 + SLACK)
        })?;
        ensure!(
            back,
            "before {before:?}, after {after:?}; memory grew from {memory} by {grown} bytes"
        );
        Ok(())
    },
    ..Case::ECHO
};

/// Lets so many clients connect, exchange some bytes and close, two at a time.
fn come_and_go(target: &Target<'_>, count: usize) -> Result<(), Failure> {
    let addr = target.addr;
    let half = move || (0..count / 2).try_for_each(|_| Client::connect(addr)?.exchange(b"short"));
    let other = beside(half);
    half()?;
    other()
}

/// Descriptors that the server may have.
const LIMIT: u64 = 32;

pub(super) const no_descriptors_left: Case = Case {
    about: "out of descriptors: connected clients are served, the server takes less than 5 % CPU and logs at most one \
            line a second, and when descriptors are free again, new clients are served",
    faults: &[15],
    requires: &[
        Requires::Process,
        Requires::OneProcess,
        Requires::AtOnce(100),
    ],
    // A pool needs more workers than there are descriptors. A thread that waited in accept before the limit was set has
    // a descriptor already, so there are more clients than workers.
    options: &["--workers=110"],
    run: |target| {
        let pid = target.pid()?;
        let mut inside = target.served_client()?;
        limits::limit_open_files(pid, LIMIT)?;
        let crowded = Instant::now();
        let mut crowd = target.clients(130)?;
        let (before, since) = (process_cpu(pid)?, Instant::now());
        thread::sleep(Duration::from_secs(2));
        let (used, elapsed) = (process_cpu(pid)? - before, since.elapsed());
        ensure!(
            used < elapsed / 20,
            "the server spins: {used:?} of CPU time in {elapsed:?}"
        );
        let complaints = target.process()?.complaints();
        let lines = complaints.lines().count() as u64;
        // The first second begins with the crowd.
        ensure!(
            lines <= crowded.elapsed().as_secs() + 2,
            "{lines} lines of log in {:?}",
            crowded.elapsed()
        );
        inside.exchange(b"still there?")?;
        // The limit is reached: the last client is not served.
        let last = crowd
            .last_mut()
            .ok_or_else(|| Failure::new("no members are connected"))?;
        last.send(b"let me in")?;
        last.expect_silence(Duration::from_millis(100))?;
        drop(crowd);
        let served = eventually(|| Ok(target.served_client().is_ok()))?;
        ensure!(served, "no client is served although descriptors are free");
        Ok(())
    },
    ..Case::ECHO
};
