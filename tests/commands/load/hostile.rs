//! Servers that send without an end, never, too early or twice: every run ends in time, on Ctrl-C with the
//! figures so far, and no server decides how much memory a run takes.

use std::{process::Child, time::Instant};

use super::*;

/// More memory than any run here needs, and less than the bytes that a server sends.
const MOST_KIB: u64 = 96 * 1024;

/// How much a server has sent when its client is interrupted.
const ENOUGH: u64 = 16 << 20;

/// When a server begins to send without an end.
#[derive(Clone, Copy, Debug)]
enum When {
    AtOnce,
    /// After the first bytes of a request.
    Asked,
    /// After the answers that let a member into a chat.
    InTheChat,
}

/// What lets every member into a chat.
const WELCOME: &[u8] = b"* hello\n* from now on in utf-8\n* you are a\n* you are a in b\n";

/// Sends `piece` again and again from `when` on; counts the bytes.
fn flood(when: When, piece: &'static [u8]) -> (SocketAddr, Arc<AtomicU64>) {
    let sent = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&sent);
    let addr = server(move |mut stream| {
        match when {
            When::AtOnce => {}
            When::Asked => drop(stream.read(&mut [0; 4096])?),
            When::InTheChat => stream.write_all(WELCOME)?,
        }
        let pieces = piece.repeat(64 * 1024 / piece.len());
        loop {
            stream.write_all(&pieces)?;
            counted.fetch_add(pieces.len() as u64, Relaxed);
        }
    });
    (addr, sent)
}

/// Loads `addr`, and sends SIGINT when `interrupts` returns true; returns the output, and the most memory that the
/// run took, in KiB.
fn attacked(addr: SocketAddr, options: &str, interrupts: impl Fn() -> bool) -> (Output, u64) {
    let load = format!("load {addr} {options}");
    let mut child = command(&words(&load)).spawn().unwrap();
    let (began, mut peak_kib, mut interrupted) = (Instant::now(), 0, false);
    while child.try_wait().unwrap().is_none() {
        peak_kib = peak(&child).unwrap_or(peak_kib);
        if began.elapsed() > PATIENCE || peak_kib > MOST_KIB {
            child.kill().unwrap();
            let output = child.wait_with_output().unwrap();
            panic!(
                "{options}: {peak_kib} KiB in {:?}: {output:?}",
                began.elapsed()
            );
        }
        if !interrupted && interrupts() {
            signal(&mut child, Signal::INT).unwrap();
            interrupted = true;
        }
        thread::sleep(Duration::from_millis(5));
    }
    (child.wait_with_output().unwrap(), peak_kib)
}

/// The most memory that `child` has taken, in KiB. `None` before it executes its program: until then its memory is the
/// one of the test.
fn peak(child: &Child) -> Option<u64> {
    let of_child = |file| fs::read_to_string(format!("/proc/{}/{file}", child.id())).ok();
    // The kernel changes the name after the memory.
    (of_child("comm")? == "portlab\n").then_some(())?;
    let status = of_child("status")?;
    let line = status.lines().find_map(|it| it.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.parse().ok()
}

#[test]
fn a_line_or_a_greeting_without_an_end_is_an_error_that_names_the_limit() {
    for (option, remedy) in [
        ("--script=chat", "portlab serve --service chat"),
        ("--greeting=until:END", "--greeting 'until:"),
        ("--greeting=lines:2", "--greeting 'until:"),
    ] {
        let (addr, _) = flood(When::AtOnce, b"abc");
        let options = format!("{option} --connections=2 --timeout=1h");
        let (output, _) = attacked(addr, &options, || false);
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        let limit = "greeting: more than 64.0 KiB came";
        has(&stderr(&output), &[limit, "it said \"abcabc", remedy]);
    }
}

#[test]
fn ctrl_c_ends_a_run_whose_connections_always_have_bytes() {
    let cases = [
        (When::AtOnce, &b"x"[..], "--greeting=bytes:1000000000000"),
        (When::AtOnce, b"x", "--idle"),
        (When::Asked, b"x", "--expect=until:END"),
        (When::Asked, b"\n", "--expect=lines:1000000000000"),
        (When::Asked, b"x", "--expect=bytes:4294967296"),
        (When::Asked, b"x", "--expect=none"),
        (When::Asked, b"x", "--expect=close --any-answer"),
        (When::InTheChat, b"x\n", "--script=chat"),
    ];
    // The cases run at the same time.
    let check = |(when, piece, option)| {
        let (addr, sent) = flood(when, piece);
        let options = format!("{option} --connections=4 --timeout=1h --duration=1h");
        let (output, _) = attacked(addr, &options, || sent.load(Relaxed) > ENOUGH);
        let stdout = String::from_utf8_lossy(&output.stdout);
        assert!(stdout.contains("ended before"), "{options}: {output:?}");
    };
    thread::scope(|scope| {
        for case in cases {
            scope.spawn(move || check(case));
        }
    });
}

#[test]
fn a_rate_that_is_too_high_leaves_time_for_the_clock_and_is_kept_nowhere() {
    let addr = server(|mut stream| {
        stream.write_all(WELCOME)?;
        swallow(stream)
    });
    for option in ["--script=chat", "--expect=none"] {
        let rate = "--connections=4 --rate=10M --duration=500ms --timeout=500ms";
        let (output, _) = attacked(addr, &format!("{option} {rate}"), || false);
        assert!(!output.stdout.is_empty(), "{output:?}");
    }
}

#[test]
fn an_answer_of_more_than_a_hundred_mebibytes_is_kept_nowhere() {
    const LENGTH: u64 = 128 << 20;
    let addr = server(|mut stream| {
        stream.read_exact(&mut [0; 64])?;
        let piece = [b'x'; 64 * 1024];
        (0..LENGTH / piece.len() as u64).try_for_each(|_| stream.write_all(&piece))
    });
    let all = format!("bytes:{LENGTH}");
    for expect in ["close", &all, "close&match:x"] {
        let options = format!("--expect={expect} --connections=1 --messages=1 --timeout=1h --json");
        let (output, peak_kib) = attacked(addr, &options, || false);
        holds(&json(&output), json!({"bytes_received": LENGTH}));
        assert!(peak_kib > 0);
    }
}

/// Sends a byte now and then, without an end.
fn drip(mut stream: TcpStream) -> io::Result<()> {
    loop {
        stream.write_all(b"x")?;
        thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_deadline_does_not_move_with_each_byte() {
    let addr = server(drip);
    for (option, phase) in [
        ("--greeting=until:END", "greeting: timed out"),
        (
            "--script=chat",
            "greeting: the next member was not admitted",
        ),
    ] {
        let options = format!("{option} --timeout=300ms --connections=2");
        let (output, _) = attacked(addr, &options, || false);
        has(&stderr(&output), &[phase]);
    }
}

#[test]
fn what_a_server_does_wrong_is_counted_in_the_phase_in_which_it_does_it() {
    let deaf = |_: TcpStream| {
        thread::sleep(PATIENCE);
        Ok(())
    };
    let half_closed = |stream: TcpStream| {
        stream.shutdown(std::net::Shutdown::Write)?;
        swallow(stream)
    };
    let twice = |mut stream: TcpStream| {
        stream.read_exact(&mut [0; 64])?;
        stream.write_all(b"yes\nyes\n")
    };
    let dripping = |mut stream: TcpStream| {
        stream.read_exact(&mut [0; 64])?;
        drip(stream)
    };
    let unended = "in the middle of an answer";
    for (addr, option, phase, cause) in [
        (server(deaf), "--size=64MiB", "send", "timed out"),
        (server(deaf), "--size=64", "receive", "timed out"),
        (
            server(half_closed),
            "--size=64",
            "receive",
            "the server closed",
        ),
        (
            server(twice),
            "--expect=lines:1",
            "verify",
            "more came back",
        ),
        (server(dripping), "--expect=lines:1", "receive", unended),
    ] {
        // With one connection, the first failure ends the run.
        let options = format!("{option} --connections=1 --messages=1 --timeout=500ms --json");
        let failure = &json(&attacked(addr, &options, || false).0)["failures"][0];
        let told = failure["cause"].as_str().unwrap();
        assert!(
            failure["phase"] == phase && told.contains(cause),
            "{option}: {failure}"
        );
    }
}

#[test]
fn a_chat_whose_accept_queue_is_full_fails_to_connect() {
    let listener = listener_with_backlog(0);
    let addr = listener.local_addr().unwrap();
    let _first = TcpStream::connect(addr).unwrap();
    let options = "--script=chat --connections=2 --connect-timeout=300ms";
    let (output, _) = attacked(addr, options, || false);
    has(&stderr(&output), &["connect: timed out"]);
    // Ctrl-C also ends a run that waits for the answer to a handshake.
    let options = "--script=chat --connections=2 --connect-timeout=1h";
    attacked(addr, options, || client_ports(addr).len() > 1);
}
