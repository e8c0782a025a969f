//! `portlab load` against servers that are not ours, honest ones and others, each a few lines on a
//! thread of the test.

use std::{
    io::{Read, Write},
    net::SocketAddr,
    process::{Output, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};

use portlab_sys::{
    marked::started,
    spawn::{Signal, signal},
};

use portlab_testkit::{
    command, echo, echo_changed, folder, free_addr, json, on_a_terminal, portlab, server, stderr,
    wait_until, words,
};

fn load(addr: SocketAddr, options: &[&str]) -> Output {
    portlab(&[&["load", &addr.to_string()], options].concat())
}

#[test]
fn a_foreign_echo_is_loaded_and_every_message_counted() {
    let addr = server(echo);
    let output = load(
        addr,
        &["--connections=7", "--messages=1000", "--depth=3", "--json"],
    );
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let result = json(&output);
    assert_eq!(result["messages"], 1000);
    assert_eq!(result["connected"], 7);
    assert_eq!(result["errors"], 0);
    assert_eq!(result["latency_ns"]["count"], 1000);
    assert!(result["latency_ns"]["p50"].as_u64() <= result["latency_ns"]["max"].as_u64());
    assert!(result["generator_cpu_us_per_message"].as_f64().unwrap() > 0.0);
}

#[test]
fn messages_larger_than_any_buffer_and_as_small_as_a_byte_are_checked_too() {
    let addr = server(echo);
    for (size, messages) in [("1", "500"), ("3MiB", "60"), ("65537", "30")] {
        let size = format!("--size={size}");
        let output = load(
            addr,
            &[
                "--connections=2",
                &size,
                &format!("--messages={messages}"),
                "--depth=2",
                "--json",
            ],
        );
        assert_eq!(output.status.code(), Some(0), "{size}: {output:?}");
        assert_eq!(json(&output)["messages"].to_string(), messages);
    }
}

#[test]
fn every_thread_gets_its_share_and_none_is_dropped() {
    let addr = server(echo);
    let output = load(
        addr,
        &words("--connections=10 --threads=3 --messages=1001 --json"),
    );
    let result = json(&output);
    assert_eq!(
        (&result["connected"], &result["messages"]),
        (&10.into(), &1001.into())
    );
    assert_eq!(result["threads"], 3);
}

#[test]
fn a_run_by_the_clock_leaves_out_its_warm_up() {
    let addr = server(echo);
    let output = load(
        addr,
        &words("--connections=2 --duration=300ms --warmup=200ms --json"),
    );
    let result = json(&output);
    let number = |name: &str| result[name].as_u64().unwrap();
    // A thread that notices the beginning late measures for less time.
    assert!(number("elapsed_ns") >= 150_000_000, "{result}");
    // Two connections may have a message each on its way at either edge.
    let before = number("answered") - number("messages");
    assert!(before > 4, "a warm-up of {before} messages");
    assert!(number("bytes_sent") / 64 >= number("answered"));
}

#[test]
fn one_flipped_bit_in_a_megabyte_is_found_and_named_and_fails_the_run() {
    let addr = server(echo_changed(|piece, at| {
        if (at..at + piece.len() as u64).contains(&777_777) {
            piece[(777_777 - at) as usize] ^= 0x10;
        }
        true
    }));
    let output = load(
        addr,
        &words("--connections=1 --size=1000 --messages=1000 --json"),
    );
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let mismatch = &json(&output)["first_mismatch"];
    assert_eq!(mismatch["offset"], 777_777);
    let byte = |key: &str| mismatch[key].as_u64().unwrap();
    assert_eq!(byte("expected") ^ byte("got"), 0x10);
    let text = stderr(&output);
    assert!(
        text.contains("connection 0, offset 777777: expected 0x"),
        "{text}"
    );
}

#[test]
fn a_server_that_says_more_than_it_was_told_is_found() {
    let addr = server(|mut stream| {
        let mut buffer = [0; 4096];
        loop {
            let length = stream.read(&mut buffer)?;
            if length == 0 {
                return Ok(());
            }
            stream.write_all(&buffer[..length])?;
            stream.write_all(&buffer[..length])?;
        }
    });
    let output = load(addr, &["--connections=1", "--messages=100", "--json"]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert_eq!(json(&output)["failures"][0]["phase"], "verify");
}

#[test]
fn a_server_that_closes_early_is_reported_by_phase_and_the_run_ends() {
    let addr = server(echo_changed(|_, at| at < 5_000));
    let output = load(addr, &["--connections=4", "--messages=1M", "--json"]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let result = json(&output);
    assert_eq!(result["failures"][0]["phase"], "receive");
    // Closed, or reset (ECONNRESET), as its unread bytes decide.
    let errno = &result["failures"][0]["errno"];
    assert!(errno.is_null() || errno == 104 || errno == 32, "{result}");
    assert_eq!(result["unanswered"], 4);
    assert!(result["messages"].as_u64().unwrap() > 0);
}

#[test]
fn a_server_that_never_answers_is_given_up_after_the_timeout() {
    let addr = server(|mut stream| {
        while stream.read(&mut [0; 4096])? > 0 {}
        Ok(())
    });
    let output = load(
        addr,
        &words("--connections=3 --messages=10 --timeout=300ms --json"),
    );
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let result = json(&output);
    assert_eq!(result["messages"], 0);
    assert_eq!(result["unanswered"], 3);
    assert_eq!(result["failures"][0]["cause"], "timed out");
}

#[test]
fn a_slow_server_shows_its_slowness_in_the_latency() {
    let addr = server(echo_changed(|_, _| {
        thread::sleep(Duration::from_millis(20));
        true
    }));
    let output = load(addr, &["--connections=2", "--messages=20", "--json"]);
    let latency = &json(&output)["latency_ns"];
    for quantile in ["p50", "p90", "p99", "max"] {
        assert!(
            latency[quantile].as_u64().unwrap() >= 20_000_000,
            "{latency}"
        );
    }
}

#[test]
fn a_port_where_nobody_listens_cannot_be_loaded() {
    let output = load(free_addr(), &["--messages=10"]);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    let text = stderr(&output);
    assert!(
        text.contains("refused") && text.contains("is the server up?"),
        "{text}"
    );
    assert!(output.stdout.is_empty());
}

#[test]
fn an_interrupted_run_prints_what_it_has_and_ends_well() {
    let (heard, first_bytes) = mpsc::channel();
    let addr = server(echo_changed(move |_, at| {
        // Well after the first message: some have been answered by then.
        if at > 64 * 100 {
            let _ = heard.send(());
        }
        true
    }));
    for (warmup, measured) in [("--warmup=0s", true), ("--warmup=10m", false)] {
        let mut command = command(&["load", &addr.to_string(), "-c=2", "-d=10m", "--json"]);
        let mut child = command.arg(warmup).spawn().unwrap();
        first_bytes.recv_timeout(Duration::from_secs(20)).unwrap();
        signal(&mut child, Signal::INT).unwrap();
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        let result = json(&output);
        assert_eq!(result["interrupted"], true);
        assert_eq!(
            result["messages"].as_u64().unwrap() > 0,
            measured,
            "{result}"
        );
        assert_eq!(result["unanswered"], 0);
        first_bytes.try_iter().for_each(drop);
    }
}

#[test]
fn a_closed_terminal_ends_a_load_that_keeps_its_files() {
    let addr = server(echo);
    let dir = folder("hangup");
    let load = format!("echo $$ > pid; exec $portlab load {addr} -c 2 -d 10m --hgrm percentiles");
    let Some(mut command) = on_a_terminal(&load) else {
        return;
    };
    command.current_dir(&dir).stdin(Stdio::piped());
    let mut terminal = command.spawn().unwrap();
    let mut shown = terminal.stdout.take().unwrap();
    // Until the screen appears.
    let (mut seen, mut byte) = (Vec::new(), [0]);
    while !seen.ends_with(b"\x1b[?1049h") {
        shown.read_exact(&mut byte).unwrap();
        seen.extend(byte);
    }
    let pid = std::fs::read_to_string(dir.join("pid")).unwrap();
    let pid = pid.trim().parse().unwrap();
    terminal.kill().unwrap();
    terminal.wait().unwrap();
    wait_until("the load has ended with its terminal", || {
        started(pid).is_none()
    });
    let percentiles = std::fs::read_to_string(dir.join("percentiles")).unwrap();
    assert!(percentiles.contains("#[Buckets"), "{percentiles}");
}
