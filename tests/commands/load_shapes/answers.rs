//! What the answers say, where they aren't compared byte by byte.

use super::*;

/// A request of HTTP, and where the head of its answer ends.
const HTTP: [&str; 2] = [
    "--text=GET /x HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n",
    "--expect=until:\\r\\n\\r\\n",
];

/// Says `greeting`, and answers the n-th message of a connection, counted from 0, with what `answer`
/// says of n, byte by byte if it is to `trickle`. A message ends with an empty line if it is of HTTP.
fn talking(greeting: &'static [u8], trickle: bool, answer: fn(u64) -> &'static [u8]) -> SocketAddr {
    server(move |mut stream| {
        stream.set_nodelay(true)?;
        stream.write_all(greeting)?;
        let mut lines = BufReader::new(stream.try_clone()?);
        let (mut line, mut number) = (Vec::new(), 0);
        while lines.read_until(b'\n', &mut line)? > 0 {
            let http = line.starts_with(b"GET ") || line.starts_with(b"Host");
            if !http {
                for piece in answer(number).chunks(if trickle { 1 } else { 1_000 }) {
                    stream.write_all(piece)?;
                }
                number += 1;
            }
            line.clear();
        }
        Ok(())
    })
}

#[test]
fn an_answer_that_says_no_is_an_error_unless_any_will_do() {
    type Case = (
        &'static [u8],
        [&'static str; 2],
        fn(u64) -> &'static [u8],
        &'static str,
    );
    let lines = |text| [text, "--expect=until:\\r\\n"];
    let cases: [Case; 5] = [
        (
            b"",
            HTTP,
            |_| b"HTTP/1.1 404 Not Found\r\nA: b\r\n\r\n",
            "status 404",
        ),
        (b"", HTTP, |_| b"HTTP/1.1 500 Oh\r\n\r\n", "status 500"),
        (
            b"",
            lines("--text=PNIG\\r\\n"),
            |_| b"-ERR unknown command\r\n",
            "begins with -",
        ),
        (
            b"220 ready\r\n",
            lines("--text=MAIL x\\r\\n"),
            |_| b"550 no\r\n",
            "reply code 550",
        ),
        (b"", lines("--text=gte x\\r\\n"), |_| b"ERROR\r\n", "ERROR"),
    ];
    for (greeting, script, answer, error) in cases {
        for trickle in [false, true] {
            let addr = talking(greeting, trickle, answer);
            let mut options = vec!["-c=2", "--messages=40", "--depth=3", script[0], script[1]];
            if !greeting.is_empty() {
                options.push("--greeting=until:\\r\\n");
            }
            let output = load(addr, &options);
            assert_eq!(output.status.code(), Some(1), "{error}: {output:?}");
            let result = json(&output);
            assert_eq!(
                (
                    &result["errors"],
                    &result["error_answers"],
                    &result["messages"]
                ),
                (&40.into(), &40.into(), &40.into()),
                "{result}"
            );
            let cause = result["failures"][0]["cause"].as_str().unwrap();
            assert!(cause.contains(error), "{cause}");
            assert_eq!(result["checked"], "framing");
            assert_eq!(result["verdict"]["word"], "no");
            assert_eq!(result["first_lines"][0]["count"], 40);
            let first = result["first_answer"].as_str().unwrap();
            let line = result["first_lines"][0]["line"].as_str().unwrap();
            assert!(
                first.starts_with(line) && !line.is_empty(),
                "{first} {line}"
            );
            options.push("--any-answer");
            let result = fine(addr, &options);
            assert_eq!(result["error_answers"], 0);
            assert_eq!(result["first_lines"][0]["count"], 40);
        }
    }
}

#[test]
fn distinct_answers_are_told_apart_and_only_the_errors_count() {
    let addr = talking(b"", false, |number| match number % 5 {
        4 => b"HTTP/1.1 404 Not Found\r\n\r\n",
        _ => b"HTTP/1.1 200 OK\r\n\r\n",
    });
    let addr_text = addr.to_string();
    let options = [
        addr_text.as_str(),
        "-c=1",
        "--messages=100",
        HTTP[0],
        HTTP[1],
    ];
    let output = load_with(&options);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    for part in [
        "framing checked, content not",
        "80x \"HTTP/1.1 200 OK\"",
        "20x \"HTTP/1.1 404 Not Found\"",
        "20x verify: the server answered with an error: status 404",
        "20 of 100 answers were errors",
    ] {
        assert!(text.contains(part), "no {part:?} in\n{text}");
    }
    // A ladder says it as well.
    let ladder = ["--rate=100..200", "--steps=2", "-d=300ms"];
    let output = load_with(&[&options[..2], &options[3..], &ladder].concat());
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("x \"HTTP/1.1 200 OK\""), "{text}");
    assert!(text.contains("an error: status 404"), "{text}");
}

#[test]
fn many_errors_end_a_run_that_allows_few() {
    let addr = talking(b"", false, |_| b"-ERR no\r\n");
    let script = ["--text=X\\r\\n", "--expect=until:\\r\\n", "--max-errors=10"];
    let output = load(addr, &[&["-c=1", "-d=10m"], &script[..]].concat());
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert_eq!(json(&output)["ended"], "too_many_errors");
}

#[test]
fn what_an_echo_says_is_never_taken_for_an_error() {
    let addr = server(echo);
    for text in ["-ERR no\\r\\n", "HTTP/1.1 500 Oh\\r\\n", "ERROR\\r\\n"] {
        let text = format!("--text={text}");
        for expect in ["echo", "lines:1", "until:\\r\\n"] {
            let expect = format!("--expect={expect}");
            let result = fine(addr, &["-c=2", "--messages=20", &text, &expect]);
            assert_eq!(result["error_answers"], 0);
        }
    }
    let output = load(addr, &["--messages=1", "--any-answer"]);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert!(stderr(&output).contains("--expect is echo"), "{output:?}");
}

#[test]
fn a_few_messages_are_no_faster_than_their_rate() {
    let addr = server(echo);
    for (options, most) in [
        (["--rate=10", "--messages=1", "-c=1", "--warmup=0s"], 10.0),
        (["--rate=10", "--messages=2", "-c=1", "--warmup=0s"], 10.0),
        (["--rate=4", "-d=300ms", "-c=1", "--warmup=0s"], 8.0),
    ] {
        let result = fine(addr, &options);
        let rate = number(&result["messages_per_s"]);
        assert!(rate > 0.0 && rate <= most * 1.001, "{options:?}: {rate}");
    }
    // So low a rate that no machine is too busy for it.
    let addr = addr.to_string();
    let output = load_with(&[&addr, "--rate=0.1", "--messages=1", "-c=1", "--plain"]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(text.contains("what became due takes 10.0 s"), "{text}");
    assert!(text.contains("100.0% of the rate"), "{text}");
    let lines = stderr(&output);
    assert!(lines.contains(" 0.10/s"), "{lines}");
}

#[test]
fn a_run_that_ends_in_the_warm_up_does_not_deny_its_answers() {
    let addr = talking(b"", false, |number| match number {
        0 => b"fine\r\n",
        _ => b"",
    });
    let addr = addr.to_string();
    let script = ["--text=X\\r\\n", "--expect=lines:1", "--max-errors=0"];
    let times = ["-c=2", "--timeout=300ms", "--warmup=10m"];
    let output = load_with(&[&[addr.as_str()], &script[..], &times].concat());
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        text.contains("until then 2 messages were answered"),
        "{text}"
    );
    assert!(!text.contains("no answer was complete"), "{text}");
    assert!(text.contains("framing checked"), "{text}");
}

/// Echoes until a connection has had `most` messages of 64 bytes, or all together `altogether`.
fn closing(most: u64, altogether: u64) -> SocketAddr {
    let all = std::sync::Arc::new(std::sync::atomic::AtomicU64::new(0));
    server(move |mut stream| {
        let mut message = [0; 64];
        for _ in 0..most {
            if all.load(std::sync::atomic::Ordering::Relaxed) >= altogether {
                return Ok(());
            }
            stream.read_exact(&mut message)?;
            stream.write_all(&message)?;
            all.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        }
        // What has come already would turn the FIN into a reset, which may overtake the last answer.
        stream.shutdown(std::net::Shutdown::Write)?;
        std::io::copy(&mut stream, &mut std::io::sink()).map(drop)
    })
}

#[test]
fn a_server_that_limits_its_connections_is_told_with_what_to_type() {
    let addr = closing(50, u64::MAX);
    let output = load(addr, &["-c=4", "-d=10m", "--warmup=0s"]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let closed = &json(&output)["closed_by_server"];
    assert_eq!(closed["connections"], 4);
    assert_eq!(
        (&closed["least_answers"], &closed["most_answers"]),
        (&50.into(), &50.into())
    );
    let said = stderr(&output);
    assert!(said.contains("use --per-connection 50"), "{said}");
    let addr = addr.to_string();
    let output = load_with(&[&addr, "-c=4", "-d=10m", "--warmup=0s", "--plain"]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let last: Vec<_> = text.lines().rev().take(3).collect();
    assert!(
        last.join(" ")
            .contains("the server closed 4 connections after 50 answers each"),
        "{text}"
    );
    // And what it says to type works.
    let output = load_with(&[&addr, "-c=4", "--messages=1000", "--per-connection=50"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
}

#[test]
fn a_server_that_closes_all_and_listens_has_not_gone() {
    let addr = closing(u64::MAX, 1_000);
    let output = load(addr, &["-c=4", "-d=10m", "--warmup=0s"]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert_eq!(json(&output)["ended"], "nobody_left");
    let said = stderr(&output);
    // What it says depends on chance: whether all have come equally far, and are closed at once.
    assert!(said.contains("use --per-connection"), "{said}");
    assert!(!said.contains("nothing listens"), "{said}");
}

#[test]
fn a_server_that_listens_no_more_has_refused_from_a_moment_on() {
    let listener = portlab_testkit::listener();
    let addr = listener.local_addr().unwrap();
    // One after the other, a message each; after a hundred it listens no more.
    thread::spawn(move || {
        for stream in listener.incoming().take(100) {
            let _ = stream.and_then(|mut stream| {
                let mut message = [0; 64];
                stream.read_exact(&mut message)?;
                stream.write_all(&message)
            });
        }
    });
    let output = load(
        addr,
        &["-c=1", "-d=10m", "--warmup=0s", "--per-connection=1"],
    );
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let closed = &json(&output)["closed_by_server"];
    assert!(closed["refused"].as_u64() > Some(0), "{closed}");
    assert!(closed["refused_from_ns"].as_u64() > Some(0), "{closed}");
    let said = stderr(&output);
    assert!(
        said.contains("nothing listens there any more; start it again"),
        "{said}"
    );
}

#[test]
fn a_server_that_has_gone_is_to_be_started_again() {
    let listener = portlab_testkit::listener();
    let addr = listener.local_addr().unwrap();
    thread::spawn(move || {
        let streams: Vec<_> = listener.incoming().take(2).map_while(Result::ok).collect();
        drop(listener);
        for mut stream in streams {
            let mut message = [0; 64];
            let _ = stream.read_exact(&mut message);
            let _ = stream.write_all(&message);
        }
    });
    let output = load(addr, &["-c=2", "-d=10m", "--warmup=0s"]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert_eq!(json(&output)["closed_by_server"]["listens"], false);
    let said = stderr(&output);
    assert!(
        said.contains("nothing listens there any more; start it again"),
        "{said}"
    );
}

#[test]
fn a_server_that_is_no_chat_is_shown_by_what_it_says() {
    let addr = talking(b"220 mail ready\r\n", false, |_| b"");
    let output = load(addr, &["--script=chat", "-c=4", "--timeout=60s"]);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    let said = stderr(&output);
    assert!(said.contains("not a portlab chat"), "{said}");
    assert!(said.contains("it said \"220 mail ready\""), "{said}");
}
