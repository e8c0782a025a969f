//! Every shape of a load: paces, stops, scripts, lives of connections, and what is left behind.
//! Against servers of a few lines, each on threads of the test.

#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

use std::{
    collections::BTreeSet,
    fs,
    io::{BufRead, BufReader, ErrorKind, Read, Write},
    net::{IpAddr, SocketAddr, TcpListener, TcpStream},
    path::PathBuf,
    process::{Command, Output, Stdio},
    sync::mpsc::{self, Receiver},
    thread,
    time::Duration,
};

use base64::Engine;
use hdrhistogram::serialization::{
    Deserializer,
    interval_log::{IntervalLogIterator, LogEntry},
};
use portlab_sys::spawn::{Signal, signal};
use serde_json::Value;

/// How long a test waits for what must come.
const PATIENCE: Duration = Duration::from_secs(30);

/// Serves every connection on `bind` with `serve`, on a thread each, until the test ends.
fn server_on(
    bind: &str,
    serve: impl Fn(TcpStream) -> std::io::Result<()> + Clone + Send + 'static,
) -> SocketAddr {
    let listener = TcpListener::bind(bind).unwrap();
    let addr = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let serve = serve.clone();
            thread::spawn(move || serve(stream));
        }
    });
    addr
}

fn server(serve: impl Fn(TcpStream) -> std::io::Result<()> + Clone + Send + 'static) -> SocketAddr {
    server_on("127.0.0.1:0", serve)
}

fn echo(mut stream: TcpStream) -> std::io::Result<()> {
    let mut buffer = [0; 4096];
    loop {
        match stream.read(&mut buffer)? {
            0 => return Ok(()),
            length => stream.write_all(&buffer[..length])?,
        }
    }
}

/// Answers each line with `answer`.
fn answering(
    answer: &'static [u8],
) -> impl Fn(TcpStream) -> std::io::Result<()> + Clone + Send + 'static {
    move |mut stream| {
        let mut lines = BufReader::new(stream.try_clone()?);
        let mut line = Vec::new();
        while lines.read_until(b'\n', &mut line)? > 0 {
            stream.write_all(answer)?;
            line.clear();
        }
        Ok(())
    }
}

fn load_with(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_portlab"));
    command.arg("load").args(arguments).output().unwrap()
}

fn load(addr: SocketAddr, options: &[&str]) -> Output {
    let addr = addr.to_string();
    let arguments: Vec<_> = [&[addr.as_str(), "--json"], options].concat();
    load_with(&arguments)
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
}

/// The result of a run in which nothing went wrong.
fn fine(addr: SocketAddr, options: &[&str]) -> Value {
    let output = load(addr, options);
    assert_eq!(output.status.code(), Some(0), "{options:?}: {output:?}");
    let result = json(&output);
    assert_eq!(result["errors"], 0, "{result}");
    assert_eq!(result["ended"], "done", "{result}");
    result
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// A folder of this test's own, empty.
fn folder(name: &str) -> PathBuf {
    let dir = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&dir);
    fs::create_dir_all(&dir).unwrap();
    dir
}

fn number(value: &Value) -> f64 {
    value
        .as_f64()
        .unwrap_or_else(|| panic!("{value} is no number"))
}

// Pace.

#[test]
fn an_open_loop_accounts_for_every_message_that_was_due() {
    let addr = server(echo);
    for arrivals in ["uniform", "poisson"] {
        let kind = format!("--arrivals={arrivals}");
        let result = fine(
            addr,
            &["--rate=2k", &kind, "-d=700ms", "-c=5", "--threads=2"],
        );
        assert_eq!(
            (&result["loop"], &result["arrivals"]),
            (&"open".into(), &arrivals.into())
        );
        let due = number(&result["elapsed_ns"]) / 1e9 * 2_000.0;
        let known = number(&result["latency_ns"]["count"])
            + number(&result["unanswered"])
            + number(&result["due_not_sent"]);
        // A Poisson process of 1,400 has a standard deviation of 37; and a busy machine may take a
        // moment between two readings of the clock.
        let allowed = if arrivals == "uniform" { 100.0 } else { 250.0 };
        assert!((known - due).abs() <= allowed, "{known} of {due}");
        assert_eq!(
            result["uncorrected_latency_ns"]["count"],
            result["latency_ns"]["count"]
        );
        assert!(number(&result["pacing_lag_ns"]["count"]) > 0.0);
    }
}

#[test]
fn a_stall_is_charged_to_every_message_that_had_to_wait_for_it() {
    // One connection: 300 ms after it began, the server is silent for 600 ms.
    let addr = server(|mut stream| {
        let (mut buffer, began, mut stalled) = ([0; 4096], std::time::Instant::now(), false);
        loop {
            let length = stream.read(&mut buffer)?;
            if length == 0 {
                return Ok(());
            }
            if !stalled && began.elapsed() > Duration::from_millis(300) {
                stalled = true;
                thread::sleep(Duration::from_millis(600));
            }
            stream.write_all(&buffer[..length])?;
        }
    });
    let result = fine(addr, &["--rate=500", "-d=1s", "--warmup=0s", "-c=1"]);
    let (from_due, from_sent) = (&result["latency_ns"], &result["uncorrected_latency_ns"]);
    // Of about 500 messages 300 had to wait, a sixth of them for more than 500 ms.
    assert!(number(&from_due["p90"]) > 450e6, "{from_due}");
    assert!(
        number(&from_sent["p90"]) < number(&from_due["p90"]),
        "{from_sent}"
    );
    // The one that was on its way.
    assert!(number(&from_sent["max"]) >= 600e6, "{from_sent}");
    // What others keep quiet about isn't the generator's own doing.
    assert!(number(&result["pacing_lag_ns"]["p50"]) < 450e6);
}

#[test]
fn one_connection_is_given_all_that_is_due_up_to_its_depth() {
    let addr = server(echo);
    let options = ["--rate=50k", "--depth=64", "-c=1", "-d=300ms"];
    let result = fine(addr, &options);
    assert_eq!(result["due_not_sent"], 0, "{result}");
    // Some more may have been sent before the thread heard of the end.
    let due = number(&result["elapsed_ns"]) * 50e3 / 1e9;
    assert!(
        number(&result["latency_ns"]["count"]) >= due - 1.0,
        "{result}"
    );
}

#[test]
fn a_generator_that_was_stopped_says_so_and_blames_itself() {
    let addr = server(echo).to_string();
    let mut child = Command::new(env!("CARGO_BIN_EXE_portlab"))
        .args([
            "load",
            &addr,
            "--rate=2k",
            "-c=2",
            "-d=3s",
            "--json",
            "--plain",
        ])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = BufReader::new(child.stderr.take().unwrap()).lines();
    // A second has been measured.
    assert!(said.any(|line| line.unwrap().contains("p99")));
    signal(&mut child, Signal::STOP).unwrap();
    thread::sleep(Duration::from_millis(400));
    signal(&mut child, Signal::CONT).unwrap();
    thread::spawn(move || said.for_each(drop));
    let output = child.wait_with_output().unwrap();
    let result = json(&output);
    let doubts = result["verdict"]["doubts"].to_string();
    assert!(doubts.contains("held_up"), "{result}");
    // Of two connections, those messages waited for one that was free; but not for the server.
    assert!(number(&result["pacing_lag_ns"]["p99"]) > 200e6, "{result}");
    assert!(
        number(&result["uncorrected_latency_ns"]["p50"]) < 200e6,
        "{result}"
    );
}

#[test]
fn what_is_due_and_never_sent_is_counted() {
    // Silent from the third message on.
    let addr = server(|mut stream| {
        for _ in 0..2 {
            let mut message = [0; 64];
            stream.read_exact(&mut message)?;
            stream.write_all(&message)?;
        }
        loop {
            if stream.read(&mut [0; 4096])? == 0 {
                return Ok(());
            }
        }
    });
    let output = load(
        addr,
        &[
            "--rate=100",
            "-d=500ms",
            "--warmup=0s",
            "-c=1",
            "--timeout=1s",
        ],
    );
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let result = json(&output);
    assert_eq!(
        (&result["messages"], &result["unanswered"]),
        (&2.into(), &1.into())
    );
    let due = number(&result["elapsed_ns"]) / 1e9 * 100.0;
    let due_not_sent = number(&result["due_not_sent"]);
    assert!((due_not_sent + 3.0 - due).abs() <= 5.0, "{result}");
    let doubts = result["verdict"]["doubts"].to_string();
    assert!(
        doubts.contains("missing_answers") && doubts.contains("overload"),
        "{doubts}"
    );
}

#[test]
fn a_ladder_walks_its_rates_and_names_the_knee() {
    // Two connections, 10 ms for each message: 200 a second are the most there can be.
    let addr = server(|mut stream| {
        let mut message = [0; 64];
        loop {
            stream.read_exact(&mut message)?;
            thread::sleep(Duration::from_millis(10));
            stream.write_all(&message)?;
        }
    });
    let ladder = [
        "--rate=50..800",
        "--steps=3",
        "-d=500ms",
        "--warmup=0s",
        "-c=2",
    ];
    let result = json(&load(addr, &ladder));
    let rungs = result["rungs"].as_array().unwrap();
    let rates: Vec<_> = rungs
        .iter()
        .map(|rung| number(&rung["rate_per_s"]).round())
        .collect();
    assert_eq!(rates, [50.0, 200.0, 800.0]);
    assert_eq!(result["knee_is_beyond"], false);
    let last = rungs[2]["verdict"]["doubts"].to_string();
    assert!(last.contains("overload"), "{last}");
    let addr = addr.to_string();
    let arguments: Vec<_> = [addr.as_str()].into_iter().chain(ladder).collect();
    let text = String::from_utf8(load_with(&arguments).stdout).unwrap();
    assert!(text.contains("800/s") && text.contains("knee"), "{text}");
    assert!(!text.contains("go higher"), "{text}");
}

#[test]
fn a_ladder_that_finds_no_good_rate_says_why() {
    let lies = server(|mut stream| {
        stream.read_exact(&mut [0; 64])?;
        stream.write_all(b"no echo")?;
        stream.read(&mut [0; 64]).map(drop)
    });
    let silent = server(|mut stream| {
        loop {
            if stream.read(&mut [0; 4096])? == 0 {
                return Ok(());
            }
        }
    });
    for (addr, options, parts) in [
        (
            lies,
            &["-c=2"][..],
            ["answers were wrong", "every connection was lost"],
        ),
        (
            silent,
            &["-c=2"],
            ["no answer came", "every connection was lost"],
        ),
        (
            lies,
            &["-c=50", "--max-errors=0"],
            ["answers were wrong", "more than 0 errors"],
        ),
    ] {
        let addr = addr.to_string();
        let ladder = [
            &addr,
            "--rate=50..100",
            "--steps=2",
            "-d=5s",
            "--warmup=0s",
            "--timeout=300ms",
        ];
        let output = load_with(&[&ladder, options].concat());
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        let text = String::from_utf8(output.stdout).unwrap();
        for part in parts {
            assert!(text.contains(part), "{part}: {text}");
        }
        assert!(!text.contains("begin lower"), "{text}");
    }
}

#[test]
fn a_wrong_answer_in_a_ladder_counts_though_its_rate_is_interrupted() {
    // Right for the first rate, and wrong from the second on.
    let (sender, lied) = mpsc::channel();
    let connections = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let addr = server(move |mut stream| {
        let before = connections.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        if before != 2 {
            return echo(stream);
        }
        stream.read_exact(&mut [0; 64])?;
        stream.write_all(&[b'?'; 64])?;
        let _ = sender.send(());
        stream.read(&mut [0; 64]).map(drop)
    });
    let mut command = Command::new(env!("CARGO_BIN_EXE_portlab"));
    command.args(["load", &addr.to_string(), "--messages=40", "-d=10m"]);
    command.args(["--rate=100..100.1", "--steps=100", "-c=2"]);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    lied.recv_timeout(PATIENCE).unwrap();
    signal(&mut child, Signal::INT).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(stderr(&output).contains("wrong bytes"), "{output:?}");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("verify: wrong byte"), "{text}");
}

#[test]
fn a_ladder_is_no_wider_than_its_terminal() {
    let addr = server(echo);
    if Command::new("script").arg("--version").output().is_err() {
        eprintln!("skipped: no `script` here");
        return;
    }
    for (width, bars) in [(80, true), (60, false), (45, false)] {
        let load = format!(
            "stty cols {width} rows 30; exec {} load {addr} -c 2 -d 200ms --rate 100..200 --steps 2 \
             2>/dev/null",
            env!("CARGO_BIN_EXE_portlab")
        );
        let mut command = Command::new("script");
        command.args(["-qefc", &load, "/dev/null"]);
        let output = command.env("TERM", "xterm").env("NO_COLOR", "1");
        let output = output.stdin(Stdio::null()).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let wide = text.lines().find(|line| line.chars().count() > width);
        assert_eq!(wide, None, "{width}: {text}");
        assert_eq!(text.contains('█'), bars, "{width}: {text}");
    }
}

#[test]
fn a_closed_loop_says_how_far_it_keeps_littles_law() {
    let addr = server(echo);
    let result = fine(addr, &["-c=4", "-d=400ms"]);
    // What is in flight at its edges matters in so short a run.
    let residual = number(&result["verdict"]["littles_law_residual"]);
    assert!(residual.abs() < 0.05, "{result}");
    assert!(
        result["uncorrected_latency_ns"].is_null(),
        "there is nothing to correct"
    );
}

// Stop.

#[test]
fn too_many_errors_end_the_run() {
    let addr = server(|_| Ok(()));
    let output = load(
        addr,
        &["--per-connection=1", "-c=2", "--max-errors=20", "-d=10m"],
    );
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let result = json(&output);
    assert_eq!(result["ended"], "too_many_errors");
    // The other connection may be in the middle of failing.
    let errors = number(&result["errors"]);
    assert!((21.0..=23.0).contains(&errors), "{errors}");
}

#[test]
fn errors_while_connecting_leave_what_was_measured_and_who_had_come() {
    let accepted = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let addr = server(move |mut stream| {
        let number = accepted.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        // One closes at once, and the others wait.
        if number != 20 {
            let _ = stream.read(&mut [0]);
        }
        Ok(())
    });
    let output = load(addr, &["-c=200", "--ramp=2s", "--max-errors=0"]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let result = json(&output);
    assert_eq!(result["ended"], "too_many_errors");
    assert!(number(&result["connected"]) > 10.0, "{result}");
    assert_eq!(result["verdict"]["word"], "no");
    assert_eq!(result["verdict"]["doubts"][0]["name"], "not_measured");
}

#[test]
fn a_lost_message_is_no_reason_to_call_a_run_incomplete() {
    let accepted = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let addr = server(move |mut stream| {
        let mut message = [0; 64];
        stream.read_exact(&mut message)?;
        if accepted.fetch_add(1, std::sync::atomic::Ordering::Relaxed) != 50 {
            stream.write_all(&message)?;
        }
        Ok(())
    });
    let output = load(addr, &["--per-connection=1", "--messages=100", "-c=1"]);
    let result = json(&output);
    assert_eq!(
        (&result["messages"], &result["unanswered"]),
        (&99.into(), &1.into()),
        "{result}"
    );
    assert_eq!(
        result["ended"], "done",
        "all that was to be asked was asked"
    );
}

#[test]
fn what_is_lost_before_measuring_is_not_missed_in_it() {
    let accepted = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let addr = server(move |mut stream| {
        if accepted.fetch_add(1, std::sync::atomic::Ordering::Relaxed) == 0 {
            return stream.read_exact(&mut [0; 64]);
        }
        echo(stream)
    });
    let output = load(addr, &["-c=2", "--warmup=500ms", "-d=200ms"]);
    let result = json(&output);
    assert_eq!(
        (&result["errors"], &result["unanswered"]),
        (&1.into(), &0.into()),
        "{result}"
    );
}

#[test]
fn a_server_that_dies_ends_the_run_with_the_reason() {
    let addr = server(|mut stream| {
        let mut message = [0; 64];
        for _ in 0..100 {
            stream.read_exact(&mut message)?;
            stream.write_all(&message)?;
        }
        Ok(())
    });
    let output = load(addr, &["-c=3", "-d=10m", "--warmup=0s"]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let result = json(&output);
    assert_eq!(
        (&result["ended"], &result["messages"]),
        (&"nobody_left".into(), &300.into())
    );
    assert_eq!(
        (&result["errors"], &result["alive"]),
        (&3.into(), &0.into())
    );
    assert!(result["failures"][0]["hint"].is_string(), "{result}");
}

#[test]
fn whichever_end_comes_first_ends_the_run() {
    let addr = server(echo);
    assert_eq!(
        fine(addr, &["-c=1", "-d=10m", "--messages=50"])["messages"],
        50
    );
    let result = fine(addr, &["-c=1", "-d=200ms", "--messages=1G"]);
    assert!(number(&result["elapsed_ns"]) >= 200e6);
}

// Script.

#[test]
fn lines_and_delimiters_and_lengths_end_an_answer() {
    let cases: [(&[u8], &str); 5] = [
        (b"+PONG\r\n", "until:\\r\\n"),
        (b"HTTP/1.1 200 OK\r\nA: b\r\n\r\n", "until:\"\\r\\n\\r\\n\""),
        (b"one\ntwo\nthree\n", "lines:3"),
        (b"0123456789", "bytes:10"),
        (b"\xc4\xe3\xba\xc3", "until:\u{597d}"),
    ];
    for (answer, expect) in cases {
        let addr = server(answering(answer));
        let options = [
            "-c=2",
            "--messages=100",
            "--depth=3",
            "--text=PING\\r\\n",
            "--encoding=gbk",
        ];
        let expect = ["--expect", expect];
        let result = fine(addr, &[&options[..], &expect].concat());
        assert_eq!(result["messages"], 100, "{expect:?}");
        assert_eq!(result["bytes_received"], 100 * answer.len());
        assert_eq!(result["every_byte_checked"], false);
    }
}

#[test]
fn connections_that_hear_no_greeting_were_made_all_the_same() {
    let addr = server(echo);
    let output = load(addr, &["-c=2", "--greeting=lines:1", "--timeout=200ms"]);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    let text = stderr(&output);
    assert!(
        text.contains("2 connections") && text.contains("none got as far as talking"),
        "{text}"
    );
}

#[test]
fn a_wrong_answer_is_shown_as_the_text_that_it_is() {
    let addr = server(|mut stream| {
        stream.read_exact(&mut [0; 64])?;
        stream.write_all("it's 你好\r\n".repeat(9).as_bytes())?;
        stream.read(&mut [0; 64]).map(drop)
    });
    let output = load(addr, &["-c=1", "-d=10m"]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let text = stderr(&output);
    assert!(
        text.contains("\"it's 你好\\r\\n") && text.contains("…\""),
        "{text}"
    );
}

#[test]
fn an_answer_that_is_longer_than_expected_is_found() {
    let addr = server(answering(b"+PONG\r\nand more"));
    let output = load(
        addr,
        &[
            "-c=1",
            "--messages=1",
            "--text=PING\\n",
            "--expect=until:\\r\\n",
        ],
    );
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert_eq!(json(&output)["failures"][0]["phase"], "verify");
}

#[test]
fn a_byte_too_many_is_found_even_behind_the_last_answer() {
    let addr = server(|mut stream| {
        let mut message = [0; 64];
        for _ in 0..10 {
            stream.read_exact(&mut message)?;
            stream.write_all(&message)?;
        }
        // Later than the answer, and before the end.
        thread::sleep(Duration::from_millis(50));
        stream.write_all(b"!")?;
        Ok(())
    });
    let output = load(addr, &["-c=1", "--messages=10"]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert_eq!(
        json(&output)["failures"][0]["cause"],
        "more came back than was expected"
    );
}

#[test]
fn text_reaches_the_server_in_its_encoding_and_files_and_hex_as_they_are() {
    let dir = folder("payload");
    let file = dir.join("message.bin");
    fs::write(&file, [0, 255, 10]).unwrap();
    let payload = format!("--payload={}", file.display());
    let cases: [(&[&str], &[u8]); 3] = [
        (&["--text=你好\\n", "--encoding=gbk"], b"\xc4\xe3\xba\xc3\n"),
        (&[&payload], &[0, 255, 10]),
        (&["--hex=00 fF0a"], &[0, 255, 10]),
    ];
    for (options, expected) in cases {
        let (sender, heard) = mpsc::channel();
        let addr = server(move |mut stream| {
            let mut message = vec![0; expected.len()];
            stream.read_exact(&mut message)?;
            let _ = sender.send(message.clone());
            stream.write_all(&message)
        });
        let result = fine(addr, &[&["-c=1", "--messages=1"], options].concat());
        assert_eq!(heard.recv_timeout(PATIENCE).unwrap(), expected);
        assert_eq!(result["size_bytes"], expected.len());
    }
}

#[test]
fn lengths_are_drawn_from_a_range_and_every_byte_is_still_checked() {
    let addr = server(echo);
    let options = [
        "-c=2",
        "--messages=2000",
        "--size=1..2000",
        "--depth=4",
        "--seed=7",
    ];
    let result = fine(addr, &options);
    assert_eq!(
        (&result["size_bytes"], &result["size_max_bytes"]),
        (&1.into(), &2000.into())
    );
    let mean = number(&result["bytes_sent"]) / 2_000.0;
    assert!((900.0..1_100.0).contains(&mean), "{mean}");
    assert_eq!(result["bytes_sent"], result["bytes_received"]);
    assert_eq!(
        result["bytes_sent"],
        fine(addr, &options)["bytes_sent"],
        "seeded"
    );
}

#[test]
fn an_answer_may_be_all_until_the_server_closes() {
    let addr = server(|mut stream| {
        let mut line = String::new();
        BufReader::new(stream.try_clone()?).read_line(&mut line)?;
        stream.write_all(b"HTTP/1.0 200 OK\r\n\r\nhello")
    });
    let options = [
        "-c=3",
        "--messages=60",
        "--text=GET / HTTP/1.0\\r\\n",
        "--expect=close",
    ];
    let result = fine(addr, &options);
    assert_eq!(result["messages"], 60);
    assert!(
        number(&result["connections_made"]) >= 60.0,
        "each needs a connection"
    );
}

#[test]
fn a_one_way_load_reaches_the_server_to_the_last_byte() {
    let (sender, heard) = mpsc::channel();
    let addr = server(move |mut stream| {
        let mut all = Vec::new();
        stream.read_to_end(&mut all)?;
        let _ = sender.send(all.len());
        Ok(())
    });
    let result = fine(
        addr,
        &["-c=2", "--messages=1000", "--size=1000", "--expect=none"],
    );
    assert_eq!(result["messages"], 1000);
    let heard: usize = (0..2).map(|_| heard.recv_timeout(PATIENCE).unwrap()).sum();
    assert_eq!(heard, 1_000_000);
}

#[test]
fn messages_without_answers_take_turns_with_everything_else() {
    let sink = |mut stream: TcpStream| {
        let mut buffer = [0; 64 * 1024];
        while stream.read(&mut buffer)? > 0 {}
        Ok(())
    };
    let addr = server(sink);
    // More than can be sent: the run must end all the same.
    let options = ["--expect=none", "--rate=5M", "-d=200ms", "-c=2"];
    let output = load(addr, &[&options[..], &["--timeout=100ms"]].concat());
    let result = json(&output);
    assert!(number(&result["messages"]) > 0.0, "{output:?}");
    // What can be sent a little later is.
    let options = ["--expect=none", "--rate=200k", "-d=300ms", "-c=1"];
    let result = fine(addr, &options);
    assert_eq!(result["due_not_sent"], 0, "{result}");
    assert!(number(&result["latency_ns"]["count"]) >= 60_000.0);
    // Each connection is done without ever hearing a word.
    for pace in [&[][..], &["--rate=20k"]] {
        let options = [
            "--expect=none",
            "--per-connection=10",
            "--messages=1000",
            "-c=2",
        ];
        let result = fine(addr, &[&options[..], pace].concat());
        assert_eq!(result["messages"], 1000);
        assert!(number(&result["connections_made"]) >= 100.0, "{result}");
    }
}

#[test]
fn who_does_not_read_is_told_from_who_does_not_answer() {
    let addr = server(|_stream| {
        thread::sleep(PATIENCE);
        Ok(())
    });
    let options = [
        "--expect=none",
        "--size=1MiB",
        "-c=1",
        "-d=300ms",
        "--timeout=500ms",
    ];
    let result = json(&load(addr, &options));
    let failure = &result["failures"][0];
    assert_eq!(
        (&failure["phase"], &failure["cause"]),
        (&"send".into(), &"timed out".into())
    );
}

#[test]
fn a_server_that_speaks_first_is_listened_to_before_anything_is_said() {
    let greets = |greeting: &'static [u8]| {
        move |mut stream: TcpStream| {
            // In two pieces, the delimiter cut in the middle.
            let (first, last) = greeting.split_at(greeting.len() - 1);
            stream.write_all(first)?;
            thread::sleep(Duration::from_millis(20));
            stream.set_nonblocking(true)?;
            let early = stream.read(&mut [0; 1]).map_err(|error| error.kind());
            assert_eq!(early, Err(ErrorKind::WouldBlock), "it was spoken to");
            stream.set_nonblocking(false)?;
            stream.write_all(last)?;
            echo(stream)
        }
    };
    let addr = server(greets(b"220 mail.example ESMTP\r\n"));
    let greeting = "--greeting=until:\\r\\n";
    let result = fine(addr, &["-c=3", "--messages=30", greeting]);
    assert_eq!(result["connected"], 3);

    let silent = server(|mut stream| stream.read(&mut [0; 1]).map(drop));
    let output = load(
        silent,
        &["-c=1", "--messages=1", greeting, "--timeout=200ms"],
    );
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert!(
        stderr(&output).contains("greeting: timed out"),
        "{output:?}"
    );
}

#[test]
fn a_trickle_comes_a_byte_at_a_time() {
    let (sender, heard) = mpsc::channel();
    let addr = server(move |mut stream| {
        stream.set_nodelay(true)?;
        let mut buffer = [0; 64];
        loop {
            let length = stream.read(&mut buffer)?;
            if length == 0 {
                return Ok(());
            }
            let _ = sender.send(length);
            stream.write_all(&buffer[..length])?;
        }
    });
    let options = ["-c=1", "--messages=2", "--size=20", "--trickle=5ms"];
    let result = fine(addr, &options);
    assert!(
        number(&result["latency_ns"]["p50"]) >= 95e6,
        "19 pauses of 5 ms: {result}"
    );
    // A busy server may find two at once, but not most of them.
    assert!(heard.try_iter().count() > 20);
}

#[test]
fn a_slow_reader_takes_its_time() {
    let addr = server(echo);
    let options = ["-c=1", "--messages=2", "--size=2000", "--slow-reader=10k"];
    let result = fine(addr, &options);
    // 2,000 bytes in sips of 500, each followed by a pause of 50 ms.
    assert!(number(&result["latency_ns"]["p50"]) >= 140e6, "{result}");
}

// Connections.

#[test]
fn churn_closes_after_so_many_answers_and_connects_anew() {
    let (sender, ended) = mpsc::channel();
    let counted = move |mut stream: TcpStream| {
        let (mut total, mut message) = (0, [0; 64]);
        let how = loop {
            match stream.read(&mut message) {
                Ok(0) => break Ok(()),
                Ok(length) => {
                    total += length;
                    stream.write_all(&message[..length])?;
                }
                Err(error) => break Err(error.kind()),
            }
        };
        let _ = sender.send((total / 64, how));
        Ok(())
    };
    let addr = server(counted);
    for (options, expected) in [
        (&["--threads=2"][..], Ok(())),
        (&["--reset"], Err(ErrorKind::ConnectionReset)),
    ] {
        let result = fine(
            addr,
            &[&["-c=4", "--messages=400", "--per-connection=10"], options].concat(),
        );
        assert_eq!(result["messages"], 400);
        let made = result["connections_made"].as_u64().unwrap();
        assert!((40..=44).contains(&made), "{made}");
        assert_eq!(result["connect_latency_ns"]["count"], made);
        let of: Vec<_> = (0..made)
            .map(|_| ended.recv_timeout(PATIENCE).unwrap())
            .collect();
        assert!(of.iter().all(|(messages, _)| *messages <= 10), "{of:?}");
        let full = of.iter().filter(|(messages, _)| *messages == 10);
        // The last ones may have been opened for messages that others took.
        assert!(full.clone().count() >= 36, "{of:?}");
        assert!(full.clone().all(|(_, how)| *how == expected), "{of:?}");
    }
}

#[test]
fn a_full_accept_queue_shows_as_what_it_is() {
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    socket
        .bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into())
        .unwrap();
    socket.listen(1).unwrap();
    let listener = TcpListener::from(socket);
    let addr = listener.local_addr().unwrap();
    thread::spawn(move || {
        // By now all have knocked, and only two found a place in the queue.
        thread::sleep(Duration::from_millis(500));
        for stream in listener.incoming().map_while(Result::ok) {
            thread::spawn(move || echo(stream));
        }
    });
    let output = load(addr, &["-c=8", "--messages=80", "--connect-timeout=30s"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(
        stderr(&output).contains("the server's accept queue was full"),
        "{output:?}"
    );
    let result = json(&output);
    assert!(
        number(&result["connect_latency_ns"]["max"]) >= 1e9,
        "{result}"
    );
    // It is not mixed up with the latency of messages.
    assert_eq!(result["latency_ns"]["count"], 80);
}

#[test]
fn a_ramp_spreads_the_connections() {
    let addr = server(echo);
    let result = fine(addr, &["-c=5", "--ramp=400ms", "--messages=10"]);
    // The fifth begins after four fifths.
    assert!(number(&result["connect_phase_ns"]) >= 320e6, "{result}");
}

#[test]
fn idle_connections_are_held_and_those_that_die_are_told() {
    let addr = server(echo);
    let result = fine(addr, &["-c=7", "--idle", "-d=300ms"]);
    assert_eq!(
        (&result["alive"], &result["bytes_sent"]),
        (&7.into(), &0.into())
    );

    let impatient = server(|_| {
        thread::sleep(Duration::from_millis(100));
        Ok(())
    });
    let output = load(impatient, &["-c=7", "--idle", "-d=10m"]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let result = json(&output);
    assert_eq!(
        (&result["alive"], &result["ended"]),
        (&0.into(), &"nobody_left".into())
    );
    assert_eq!(
        result["failures"][0]["cause"],
        "the server closed an idle connection"
    );
    assert_eq!(result["failures"][0]["count"], 7);
}

#[test]
fn a_line_about_idle_connections_says_how_many_are_open() {
    let addr = server(echo).to_string();
    let output = load_with(&[&addr, "-c=3", "--idle", "-d=1100ms", "--plain"]);
    assert!(stderr(&output).contains("3 of 3 open"), "{output:?}");
    assert!(!stderr(&output).contains("p99"), "{output:?}");
}

#[test]
fn an_idle_load_listens_to_whatever_is_said_and_notices_every_end() {
    let chatty = server(|mut stream| {
        loop {
            stream.write_all(b"ping\r\n")?;
            thread::sleep(Duration::from_millis(20));
        }
    });
    assert_eq!(fine(chatty, &["-c=3", "--idle", "-d=300ms"])["alive"], 3);
    // The end comes together with the greeting.
    let full = server(|mut stream| stream.write_all(b"421 too many\r\n"));
    let output = load(
        full,
        &["-c=3", "--idle", "-d=10m", "--greeting=until:\\r\\n"],
    );
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let result = json(&output);
    assert_eq!(
        (&result["alive"], &result["connected"]),
        (&0.into(), &3.into())
    );
}

#[test]
fn a_port_that_swallows_everything_costs_one_timeout_and_not_one_for_each() {
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    socket
        .bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into())
        .unwrap();
    socket.listen(0).unwrap();
    let listener = TcpListener::from(socket);
    let addr = listener.local_addr().unwrap();
    // Fills the queue: nobody else gets an answer.
    let _first = TcpStream::connect(addr).unwrap();
    let began = std::time::Instant::now();
    let output = load(addr, &["-c=2000", "--connect-timeout=1s", "--messages=1"]);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert!(stderr(&output).contains("timed out"), "{output:?}");
    // One after the other, 64 at a time, they would take half a minute.
    assert!(began.elapsed() < Duration::from_secs(15));
}

/// A server that tells where its connections come from.
fn telling_peers(bind: &str) -> (SocketAddr, Receiver<IpAddr>) {
    let (sender, peers) = mpsc::channel();
    let addr = server_on(bind, move |stream| {
        let _ = sender.send(stream.peer_addr()?.ip());
        echo(stream)
    });
    (addr, peers)
}

#[test]
fn connections_come_from_the_addresses_they_are_told_to() {
    let (addr, peers) = telling_peers("127.0.0.1:0");
    fine(
        addr,
        &["-c=6", "--messages=60", "--source=127.0.0.2,127.0.0.3"],
    );
    let from: BTreeSet<_> = peers.try_iter().map(|peer| peer.to_string()).collect();
    assert_eq!(from, ["127.0.0.2", "127.0.0.3"].map(str::to_owned).into());
    fine(addr, &["-c=6", "--messages=60", "--source=auto"]);
    assert!(
        peers
            .try_iter()
            .all(|peer| peer != IpAddr::from([127, 0, 0, 1]))
    );
}

#[test]
fn ipv6_and_names_are_targets_too() {
    let (addr, peers) = telling_peers("127.0.0.1:0");
    let named = format!("localhost:{}", addr.port());
    let output = load_with(&[&named, "-c=1", "--messages=1"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(
        peers.recv_timeout(PATIENCE).unwrap(),
        IpAddr::from([127, 0, 0, 1])
    );
    if TcpListener::bind("[::1]:0").is_err() {
        eprintln!("skipped: this machine has no IPv6");
        return;
    }
    let (addr, peers) = telling_peers("[::1]:0");
    fine(addr, &["-c=2", "--messages=20"]);
    assert!(peers.recv_timeout(PATIENCE).unwrap().is_ipv6());
    let output = load(addr, &["--source=127.0.0.2"]);
    assert!(
        stderr(&output).contains("one is IPv4 and the other IPv6"),
        "{output:?}"
    );
    let output = load(addr, &["--source=auto"]);
    assert!(stderr(&output).contains("name addresses"), "{output:?}");
}

#[test]
fn fairness_tells_the_least_and_the_most_served() {
    // Every other connection is slow.
    let (sender, order) = mpsc::channel();
    (0..100).for_each(|number| sender.send(number).unwrap());
    let order = std::sync::Arc::new(std::sync::Mutex::new(order));
    let addr = server(move |mut stream| {
        let slow = order.lock().unwrap().recv().unwrap() % 2 == 0;
        let mut message = [0; 64];
        loop {
            stream.read_exact(&mut message)?;
            if slow {
                thread::sleep(Duration::from_millis(20));
            }
            stream.write_all(&message)?;
        }
    });
    let result = fine(addr, &["-c=4", "-d=400ms", "--warmup=0s"]);
    let fairness = &result["fairness"];
    assert_eq!(fairness["connections"], 4);
    let most_of_a_slow_one = number(&result["elapsed_ns"]) / 20e6 + 1.0;
    assert!(
        number(&fairness["least_messages"]) <= most_of_a_slow_one,
        "{fairness}"
    );
    assert!(number(&fairness["least_messages"]) < number(&fairness["most_messages"]));
    assert!(number(&fairness["jain_index"]) < 1.0);
}

// What is said before, and left behind.

#[test]
fn what_will_fail_is_said_before_the_run() {
    let addr = server(echo);
    let output = load(
        addr,
        &["-c=1", "--messages=1", "--trickle=1ms", "--timeout=20ms"],
    );
    assert!(
        stderr(&output).contains("a message takes 64.0 ms"),
        "{output:?}"
    );
    assert!(
        json(&output)["preflight"][0]
            .as_str()
            .unwrap()
            .contains("raise --timeout")
    );
}

#[test]
fn the_files_of_a_run_agree_with_its_result() {
    let addr = server(echo);
    let dir = folder("files");
    let path = |name: &str| dir.join(name);
    let option = |name: &str| format!("--{name}={}", path(name).display());
    let result = fine(
        addr,
        &[
            "-c=2",
            "-d=1200ms",
            "--warmup=50ms",
            &option("hgrm"),
            &option("hlog"),
            &option("csv"),
        ],
    );
    let count = result["latency_ns"]["count"].as_u64().unwrap();

    let csv = fs::read_to_string(path("csv")).unwrap();
    let mut rows = csv.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let head = rows.next().unwrap();
    let rows: Vec<_> = rows.collect();
    assert!(
        rows.len() >= 2 && rows.iter().all(|row| row.len() == head.len()),
        "{csv}"
    );
    let column = |name: &str| head.iter().position(|title| *title == name).unwrap();
    let of = |name: &str| {
        let at = column(name);
        rows.iter().map(move |row| row[at].parse::<f64>().unwrap())
    };
    assert_eq!(of("messages").sum::<f64>(), number(&result["messages"]));
    assert!(
        of("from_s").skip(1).eq(of("to_s").take(rows.len() - 1)),
        "a gap: {csv}"
    );

    let hgrm = fs::read_to_string(path("hgrm")).unwrap();
    let last = hgrm.lines().rfind(|line| !line.starts_with('#')).unwrap();
    assert_eq!(last.split_whitespace().nth(2).unwrap(), count.to_string());

    let hlog = fs::read(path("hlog")).unwrap();
    let logged = IntervalLogIterator::new(&hlog).filter_map(|entry| match entry {
        Ok(LogEntry::Interval(interval)) => {
            let engine = base64::engine::general_purpose::STANDARD;
            let bytes = engine.decode(interval.encoded_histogram()).unwrap();
            let histogram: hdrhistogram::Histogram<u64> =
                Deserializer::new().deserialize(&mut &bytes[..]).unwrap();
            Some(histogram.len())
        }
        _ => None,
    });
    let logged: u64 = logged.sum();
    // Answers that came after measuring had ended belong to no interval.
    assert!(
        logged <= count && logged + 2 >= count,
        "{logged} of {count}"
    );
}

#[test]
fn a_file_that_cannot_be_written_is_an_error_and_no_panic() {
    let addr = server(echo);
    for (option, part) in [
        ("--csv=/dev/full", "can't write /dev/full"),
        ("--hgrm=/dev/full", "can't write /dev/full"),
        ("--hlog=/dev/full", "can't write /dev/full"),
        ("--csv=/no/such/folder/x", "can't write /no/such/folder/x"),
    ] {
        let output = load(addr, &["-c=1", "--messages=10", option]);
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        let text = stderr(&output);
        assert!(text.contains(part) && !text.contains("panicked"), "{text}");
    }
    let full = fs::OpenOptions::new()
        .write(true)
        .open("/dev/full")
        .unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_portlab"));
    command.args(["load", &addr.to_string(), "-c=1", "--messages=10"]);
    let output = command
        .stdout(full)
        .stderr(Stdio::piped())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert!(stderr(&output).contains("No space left"), "{output:?}");
}

#[test]
fn a_reader_that_has_seen_enough_ends_a_load_quietly() {
    let addr = server(echo);
    for options in ["", "--json", "--rate=100..200 --steps=2"] {
        let script = format!(
            "set -o pipefail; {} load {addr} -c 1 -d 200ms {options} 2>&1 | true",
            env!("CARGO_BIN_EXE_portlab")
        );
        let output = Command::new("bash").args(["-c", &script]).output().unwrap();
        assert_eq!(stderr(&output), "", "{options}");
        assert_eq!(output.status.code(), Some(0), "{options}");
    }
}

#[test]
fn off_a_terminal_a_line_a_second_is_told_on_stderr() {
    let addr = server(echo);
    let output = load(addr, &["-c=1", "-d=2s", "--warmup=0s"]);
    let text = stderr(&output);
    let lines: Vec<_> = text
        .lines()
        .filter(|line| line.contains("/s  p50"))
        .collect();
    // The last one may be a short one.
    assert!((2..=3).contains(&lines.len()), "{text}");
    assert!(!text.contains("warming up"), "there is no warm-up: {text}");
}

#[test]
fn a_terminal_shows_a_screen_and_is_given_back() {
    let addr = server(echo);
    // `script` runs a command on a terminal of its own.
    if Command::new("script").arg("--version").output().is_err() {
        eprintln!("skipped: no `script` here");
        return;
    }
    // Without a size there would be nothing to draw on.
    let load = format!(
        "stty cols 100 rows 30; exec {} load {addr} -c 2 -d 30s --rate 500",
        env!("CARGO_BIN_EXE_portlab")
    );
    let mut command = Command::new("script");
    command
        .args(["-qefc", &load, "/dev/null"])
        .env("TERM", "xterm");
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let (mut keys, mut screen) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    let (mut seen, mut buffer, mut asked) = (String::new(), [0; 4096], false);
    loop {
        let length = screen.read(&mut buffer).unwrap();
        if length == 0 {
            break;
        }
        seen += &String::from_utf8_lossy(&buffer[..length]);
        // By now it has drawn what it measures.
        if !asked && seen.contains("CPU") {
            asked = true;
            keys.write_all(b"+q").unwrap();
        }
    }
    assert!(child.wait().unwrap().success(), "{seen}");
    let (drawn, after) = seen
        .split_once("\u{1b}[?1049l")
        .expect("the screen is left");
    assert!(
        drawn.contains("\u{1b}[?1049h") && drawn.contains("throughput"),
        "{drawn}"
    );
    assert!(
        after.contains("interrupted") && after.contains("the rate was changed"),
        "{after}"
    );
}

#[test]
fn what_is_printed_is_as_the_schema_says() {
    let addr = server(echo);
    let schema: Value = serde_json::from_slice(&load_with(&["--json-schema"]).stdout).unwrap();
    let closing = server(|_| Ok(()));
    for (addr, options) in [
        (addr, &["-c=2", "--messages=10"][..]),
        (
            addr,
            &["-c=2", "-d=100ms", "--rate=100", "--arrivals=poisson"],
        ),
        (addr, &["-c=2", "-d=100ms", "--idle"]),
        (addr, &["-c=2", "-d=100ms", "--rate=100..200", "--steps=2"]),
        (closing, &["-c=2", "--messages=10"]),
    ] {
        let output = load(addr, options);
        let problems = schema::problems(&schema, &schema, &json(&output), "");
        assert!(problems.is_empty(), "{options:?}: {problems:?}");
    }
    // The check can fail.
    let mut result = json(&load(addr, &["-c=2", "--messages=10"]));
    result["messages"] = "ten".into();
    assert!(!schema::problems(&schema, &schema, &result, "").is_empty());
    result["messages"] = 10.into();
    result["mesages"] = 10.into();
    assert!(!schema::problems(&schema, &schema, &result, "").is_empty());
}

/// As much of JSON Schema as our schema uses. The libraries for all of it bring forty crates.
mod schema {
    use serde_json::Value;

    /// What is wrong with `value`, which stands at `path`, by `schema`, a part of `root`.
    pub(super) fn problems(root: &Value, schema: &Value, value: &Value, path: &str) -> Vec<String> {
        let Some(keywords) = schema.as_object() else {
            return Vec::new();
        };
        let mut found = Vec::new();
        for (keyword, rule) in keywords {
            match keyword.as_str() {
                "$schema" | "title" | "description" | "$defs" | "format" => {}
                "$ref" => {
                    let pointer = rule.as_str().unwrap().trim_start_matches('#');
                    let part = root.pointer(pointer).expect("the schema has the part");
                    found.extend(problems(root, part, value, path));
                }
                "anyOf" => {
                    let any = rule.as_array().unwrap().iter();
                    let tried: Vec<_> = any.map(|one| problems(root, one, value, path)).collect();
                    if tried.iter().all(|problems| !problems.is_empty()) {
                        found.extend(tried.into_iter().flatten());
                    }
                }
                "type" => {
                    let types = rule
                        .as_array()
                        .cloned()
                        .unwrap_or_else(|| vec![rule.clone()]);
                    if !types.iter().any(|name| is_a(value, name.as_str().unwrap())) {
                        found.push(format!("{path}: {value} is no {rule}"));
                    }
                }
                "minimum" => {
                    if value.as_f64() < rule.as_f64() && value.is_number() {
                        found.push(format!("{path}: {value} is less than {rule}"));
                    }
                }
                "maximum" => {
                    if value.is_number() && value.as_f64() > rule.as_f64() {
                        found.push(format!("{path}: {value} is more than {rule}"));
                    }
                }
                "required" => {
                    let names = rule
                        .as_array()
                        .unwrap()
                        .iter()
                        .map(|name| name.as_str().unwrap());
                    let missing =
                        names.filter(|name| value.is_object() && value.get(name).is_none());
                    found.extend(missing.map(|name| format!("{path}: {name} is missing")));
                }
                "properties" => {
                    for (name, part) in rule.as_object().unwrap() {
                        if let Some(value) = value.get(name) {
                            found.extend(problems(root, part, value, &format!("{path}/{name}")));
                        }
                    }
                }
                "additionalProperties" => {
                    assert_eq!(rule, false);
                    let known = schema["properties"].as_object().unwrap();
                    let names = value
                        .as_object()
                        .into_iter()
                        .flatten()
                        .map(|(name, _)| name);
                    let stray = names.filter(|name| !known.contains_key(*name));
                    found.extend(stray.map(|name| format!("{path}: {name} is not in the schema")));
                }
                "items" => {
                    for (index, value) in value.as_array().into_iter().flatten().enumerate() {
                        found.extend(problems(root, rule, value, &format!("{path}/{index}")));
                    }
                }
                unknown => panic!("this check doesn't know the keyword {unknown}"),
            }
        }
        found
    }

    fn is_a(value: &Value, name: &str) -> bool {
        match name {
            "null" => value.is_null(),
            "boolean" => value.is_boolean(),
            "string" => value.is_string(),
            "integer" => value.is_u64() || value.is_i64(),
            "number" => value.is_number(),
            "array" => value.is_array(),
            "object" => value.is_object(),
            _ => panic!("this check doesn't know the type {name}"),
        }
    }
}
