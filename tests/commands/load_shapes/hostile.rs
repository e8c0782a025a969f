//! Servers that send without an end, never, too early or twice: every run ends in time, on Ctrl-C with the
//! figures so far, and no server decides how much memory a run takes.

use std::{
    process::Child,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Instant,
};

use super::*;

/// More than any run here takes, and less than a server sends that is kept in memory.
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

/// Loads `addr`, and sends SIGINT when `interrupts` says so; returns the output, and the most memory that the
/// run took, in KiB.
fn attacked(addr: SocketAddr, options: &[&str], interrupts: impl Fn() -> bool) -> (Output, u64) {
    let mut command = command(&["load", &addr.to_string()]);
    let mut child = command.args(options).spawn().unwrap();
    let (began, mut peak_kib, mut interrupted) = (Instant::now(), 0, false);
    while child.try_wait().unwrap().is_none() {
        peak_kib = peak(&child).unwrap_or(peak_kib);
        if began.elapsed() > PATIENCE || peak_kib > MOST_KIB {
            child.kill().unwrap();
            let output = child.wait_with_output().unwrap();
            panic!(
                "{options:?}: {peak_kib} KiB after {:?}: {output:?}",
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

fn peak(child: &Child) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{}/status", child.id())).ok()?;
    let line = status.lines().find_map(|it| it.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.parse().ok()
}

#[test]
fn a_line_or_a_greeting_without_an_end_is_an_error_that_names_the_limit() {
    for (options, remedy) in [
        (
            &["--script=chat", "--connections=2"][..],
            "portlab serve --service chat",
        ),
        (
            &["--greeting=until:END", "--connections=2"],
            "--greeting 'until:",
        ),
        (
            &["--greeting=lines:2", "--connections=2"],
            "--greeting 'until:",
        ),
    ] {
        let (addr, _) = flood(When::AtOnce, b"abc");
        let (output, _) = attacked(addr, &[options, &["--timeout=1h"]].concat(), || false);
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        let said = stderr(&output);
        for part in [
            "greeting: more than 64.0 KiB came",
            "it said \"abcabc",
            remedy,
        ] {
            assert!(said.contains(part), "{options:?}: {said}");
        }
    }
}

#[test]
fn ctrl_c_is_heard_while_every_connection_always_has_bytes() {
    for (when, piece, options) in [
        (
            When::AtOnce,
            &b"x"[..],
            &["--greeting=bytes:1000000000000"][..],
        ),
        (When::AtOnce, b"x", &["--idle"]),
        (When::Asked, b"x", &["--expect=until:END"]),
        (When::Asked, b"\n", &["--expect=lines:1000000000000"]),
        (When::Asked, b"x", &["--expect=bytes:4294967296"]),
        (When::Asked, b"x", &["--expect=none"]),
        (When::Asked, b"x", &["--expect=close", "--any-answer"]),
        (When::InTheChat, b"x\n", &["--script=chat"]),
    ] {
        let (addr, sent) = flood(when, piece);
        let all = [
            options,
            &["--connections=4", "--timeout=1h", "--duration=1h"],
        ]
        .concat();
        let (output, _) = attacked(addr, &all, || sent.load(Relaxed) > ENOUGH);
        let stdout = String::from_utf8_lossy(&output.stdout);
        assert!(stdout.contains("ended before"), "{options:?}: {output:?}");
    }
}

#[test]
fn a_rate_that_is_too_high_leaves_time_for_the_clock_and_is_kept_nowhere() {
    let addr = server(|mut stream| {
        stream.write_all(WELCOME)?;
        std::io::copy(&mut stream, &mut std::io::sink()).map(drop)
    });
    for options in [&["--script=chat"][..], &["--expect=none"]] {
        let rate = words("--connections=4 --rate=10M --duration=500ms --timeout=500ms");
        let (output, _) = attacked(addr, &[options, &rate].concat(), || false);
        assert!(!output.stdout.is_empty(), "{output:?}");
    }
}

#[test]
fn an_answer_of_several_hundred_mebibytes_is_kept_nowhere() {
    const LENGTH: u64 = 256 << 20;
    let addr = server(|mut stream| {
        stream.read_exact(&mut [0; 64])?;
        let piece = [b'x'; 64 * 1024];
        (0..LENGTH / piece.len() as u64).try_for_each(|_| stream.write_all(&piece))
    });
    let length = format!("--expect=bytes:{LENGTH}");
    for expect in ["--expect=close", &length] {
        let options = [
            expect,
            "--connections=1",
            "--messages=1",
            "--timeout=1h",
            "--json",
        ];
        let (output, peak_kib) = attacked(addr, &options, || false);
        assert_eq!(json(&output)["bytes_received"], LENGTH, "{output:?}");
        assert!(peak_kib > 0);
    }
}

#[test]
fn a_deadline_does_not_move_with_each_byte() {
    let addr = server(|mut stream| {
        loop {
            stream.write_all(b"x")?;
            thread::sleep(Duration::from_millis(20));
        }
    });
    for (options, phase) in [
        (
            &["--greeting=until:END", "--timeout=300ms"][..],
            "greeting: timed out",
        ),
        (
            &["--script=chat", "--timeout=300ms"],
            "greeting: the next was not let in",
        ),
    ] {
        let (output, _) = attacked(addr, &[options, &["--connections=2"]].concat(), || false);
        assert!(stderr(&output).contains(phase), "{output:?}");
    }
}

#[test]
fn what_a_server_does_wrong_is_counted_in_the_phase_in_which_it_does_it() {
    let deaf = |_: TcpStream| {
        thread::sleep(PATIENCE);
        Ok(())
    };
    let half_closed = |mut stream: TcpStream| {
        stream.shutdown(std::net::Shutdown::Write)?;
        std::io::copy(&mut stream, &mut std::io::sink()).map(drop)
    };
    let twice = |mut stream: TcpStream| {
        stream.read_exact(&mut [0; 64])?;
        stream.write_all(b"yes\nyes\n")
    };
    let dripping = |mut stream: TcpStream| {
        stream.read_exact(&mut [0; 64])?;
        loop {
            stream.write_all(b"x")?;
            thread::sleep(Duration::from_millis(20));
        }
    };
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
        (
            server(dripping),
            "--expect=lines:1",
            "receive",
            "in the middle of an answer",
        ),
    ] {
        // `--connections` isn't above one: the first failure ends the run.
        let options = [
            option,
            "--connections=1",
            "--messages=1",
            "--timeout=500ms",
            "--json",
        ];
        let (output, _) = attacked(addr, &options, || false);
        let failure = &json(&output)["failures"][0];
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
    let options = words("--script=chat --connections=2 --connect-timeout=300ms");
    let (output, _) = attacked(addr, &options, || false);
    assert!(stderr(&output).contains("connect: timed out"), "{output:?}");
    // Ctrl-C also ends a run that waits for the answer to a handshake.
    let options = ["--script=chat", "--connections=2", "--connect-timeout=1h"];
    attacked(addr, &options, || callers(addr).len() > 1);
}
