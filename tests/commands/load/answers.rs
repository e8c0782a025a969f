//! Answers that aren't compared byte by byte.

use portlab_sys::listening::has_listener;

use super::*;

/// A request of HTTP, and where the head of its answer ends.
const HTTP: &str = r"--text=GET\x20/x\x20HTTP/1.1\r\nHost:\x20x\r\n\r\n --expect=until:\r\n\r\n";

/// Sends `greeting`, and answers message n of a connection, counted from 0, with `answer(n)`, byte by byte if `trickle`
/// is set. A message of HTTP ends with an empty line.
pub(super) fn talking(
    greeting: &'static [u8],
    trickle: bool,
    answer: fn(u64) -> &'static [u8],
) -> SocketAddr {
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
fn an_error_answer_fails_the_run_unless_any_answer_counts() {
    type Case = (&'static str, fn(u64) -> &'static [u8], &'static str);
    let cases: [Case; 5] = [
        (
            HTTP,
            |_| b"HTTP/1.1 404 Not Found\r\nA: b\r\n\r\n",
            "status 404",
        ),
        (HTTP, |_| b"HTTP/1.1 500 Oh\r\n\r\n", "status 500"),
        (
            r"--text=PNIG\r\n --expect=until:\r\n",
            |_| b"-ERR unknown command\r\n",
            "begins with -",
        ),
        (
            r"--text=MAIL\x20x\r\n --expect=until:\r\n --greeting=until:\r\n",
            |_| b"550 no\r\n",
            "reply code 550",
        ),
        (
            r"--text=gte\x20x\r\n --expect=until:\r\n",
            |_| b"ERROR\r\n",
            "ERROR",
        ),
    ];
    for (trickle, (script, answer, error)) in [false, true].into_iter().cycle().zip(cases) {
        let greeting: &[u8] = match script.contains("--greeting") {
            true => b"220 ready\r\n",
            false => b"",
        };
        let addr = talking(greeting, trickle, answer);
        let options = format!("-c=2 --messages=40 --depth=3 {script}");
        let (result, _) = failed(addr, &options);
        holds(
            &result,
            json!({
                "errors": 40,
                "error_answers": 40,
                "messages": 40,
                "checked": "framing",
                "verdict/word": "no",
                "first_lines/0/count": 40,
            }),
        );
        has(result["failures"][0]["cause"].as_str().unwrap(), &[error]);
        let first = result["first_answer"].as_str().unwrap();
        let line = result["first_lines"][0]["line"].as_str().unwrap();
        assert!(
            first.starts_with(line) && !line.is_empty(),
            "{first} {line}"
        );
        let result = fine(addr, &format!("{options} --any-answer"));
        let expected = json!({"error_answers": 0, "first_lines/0/count": 40});
        holds(&result, expected);
    }
}

#[test]
fn different_answers_are_counted_apart_and_only_the_errors_fail_the_run() {
    let addr = talking(b"", false, |number| match number % 5 {
        4 => b"HTTP/1.1 404 Not Found\r\n\r\n",
        _ => b"HTTP/1.1 200 OK\r\n\r\n",
    });
    let once = text(addr, &format!("-c=1 --messages=100 {HTTP}"), 1);
    has(
        &once,
        &[
            "framing checked, content not",
            "80x \"HTTP/1.1 200 OK\"",
            "20x \"HTTP/1.1 404 Not Found\"",
            "20x verify: the server answered with an error: status 404",
            "20 of 100 answers were errors",
        ],
    );
    // A ladder shows the same.
    let ladder = text(
        addr,
        &format!("-c=1 {HTTP} --rate=100..200 --steps=2 -d=300ms"),
        1,
    );
    has(&ladder, &["x \"HTTP/1.1 200 OK\"", "an error: status 404"]);
}

#[test]
fn many_errors_end_a_run_that_allows_few() {
    let addr = talking(b"", false, |_| b"-ERR no\r\n");
    let options = r"-c=1 -d=10m --text=X\r\n --expect=until:\r\n --max-errors=10";
    let (result, _) = failed(addr, options);
    holds(&result, json!({"ended": "too_many_errors"}));
}

#[test]
fn an_echo_is_never_taken_for_an_error() {
    let addr = server(echo);
    for text in [
        r"-ERR\x20no\r\n",
        r"HTTP/1.1\x20500\x20Oh\r\n",
        r"ERROR\r\n",
    ] {
        for expect in ["echo", "lines:1", r"until:\r\n"] {
            let options = format!("-c=2 --messages=20 --text={text} --expect={expect}");
            holds(&fine(addr, &options), json!({"error_answers": 0}));
        }
    }
    let said = unable(addr, "--messages=1 --any-answer");
    has(&said, &["--expect is echo"]);
}

#[test]
fn a_few_messages_are_no_faster_than_their_rate() {
    let addr = server(echo);
    for (options, most) in [
        ("--rate=10 --messages=1 -c=1 --warmup=0s", 10.0),
        ("--rate=10 --messages=2 -c=1 --warmup=0s", 10.0),
        ("--rate=4 -d=300ms -c=1 --warmup=0s", 8.0),
    ] {
        let rate = number(&fine(addr, options), "messages_per_s");
        assert!(rate > 0.0 && rate <= most * 1.001, "{options}: {rate}");
    }
    // So low a rate that no machine is too busy for it.
    let output = plain(addr, "--rate=0.1 --messages=1 -c=1 --plain");
    let text = String::from_utf8_lossy(&output.stdout);
    let parts = ["what became due takes 10.0 s", "100.0% of the rate"];
    has(&text, &parts);
    has(&stderr(&output), &[" 0.10/s"]);
}

#[test]
fn a_run_that_ends_in_the_warm_up_reports_its_answers() {
    let addr = talking(b"", false, |number| match number {
        0 => b"fine\r\n",
        _ => b"",
    });
    let options = r"--text=X\r\n --expect=lines:1 --max-errors=0 -c=2 --timeout=300ms --warmup=10m";
    let text = text(addr, options, 1);
    let parts = ["until then 2 messages were answered", "framing checked"];
    has(&text, &parts);
    assert!(!text.contains("no answer was complete"), "{text}");
}

/// Echoes until a connection has had `most` messages of 64 bytes, or all connections have had `altogether`.
fn closing(most: u64, altogether: u64) -> SocketAddr {
    let all = Arc::new(AtomicU64::new(0));
    server(move |mut stream| {
        for _ in 0..most {
            if all.load(Relaxed) >= altogether {
                return Ok(());
            }
            echo_one(&mut stream)?;
            all.fetch_add(1, Relaxed);
        }
        // Unread bytes would turn the FIN into a reset, which may overtake the last answer.
        stream.shutdown(std::net::Shutdown::Write)?;
        swallow(stream)
    })
}

#[test]
fn a_limit_of_answers_per_connection_is_recognised_and_the_option_named() {
    let addr = closing(50, u64::MAX);
    let (result, said) = failed(addr, "-c=4 -d=10m --warmup=0s");
    let expected = json!({"connections": 4, "least_answers": 50, "most_answers": 50});
    holds(&result["closed_by_server"], expected);
    has(&said, &["use --per-connection 50"]);
    let text = self::text(addr, "-c=4 -d=10m --warmup=0s --plain", 1);
    let last: Vec<_> = text.lines().rev().take(3).collect();
    let parts = ["the server closed 4 connections after 50 answers each"];
    has(&last.join(" "), &parts);
    // The option that the text names works.
    fine(addr, "-c=4 --messages=1000 --per-connection=50");
}

#[test]
fn a_server_that_closes_all_connections_and_listens_is_not_reported_as_gone() {
    let addr = closing(u64::MAX, 1_000);
    let (result, said) = failed(addr, "-c=4 -d=10m --warmup=0s");
    holds(&result, json!({"ended": "nobody_left"}));
    // The rest of the text depends on chance: whether all connections have had the same number of answers, and are
    // closed at once.
    has(&said, &["--per-connection"]);
    assert!(!said.contains("nothing listens"), "{said}");
}

#[test]
fn refused_connections_are_counted_and_the_first_has_its_time() {
    let listener = listener();
    let addr = listener.local_addr().unwrap();
    // One connection after the other, each with one message; after a hundred, the listener is closed.
    thread::spawn(move || {
        for stream in listener.incoming().take(100) {
            let _ = stream.and_then(|mut stream| echo_one(&mut stream));
        }
    });
    let (result, said) = failed(addr, "-c=1 -d=10m --warmup=0s --per-connection=1");
    let closed = &result["closed_by_server"];
    assert!(number(closed, "refused") > 0.0, "{closed}");
    assert!(number(closed, "refused_from_ns") > 0.0, "{closed}");
    has(
        &said,
        &["nothing listens there any more; look at your server's own terminal, start it again"],
    );
}

#[test]
fn a_closed_port_is_reported_when_all_connections_are_lost() {
    let listener = listener();
    let addr = listener.local_addr().unwrap();
    thread::spawn(move || {
        let streams: Vec<_> = listener.incoming().take(2).map_while(Result::ok).collect();
        drop(listener);
        // A process that another test starts may have a copy of the listener for a moment.
        wait_until("the port is closed", || has_listener(addr) != Some(true));
        for mut stream in streams {
            let _ = echo_one(&mut stream);
        }
    });
    let (result, said) = failed(addr, "-c=2 -d=10m --warmup=0s");
    holds(&result, json!({"closed_by_server/listens": false}));
    has(
        &said,
        &["nothing listens there any more; look at your server's own terminal, start it again"],
    );
}

#[test]
fn a_server_other_than_a_chat_is_shown_by_its_first_line() {
    let addr = talking(b"220 mail ready\r\n", false, |_| b"");
    let said = unable(addr, "--script=chat -c=4 --timeout=60s");
    has(&said, &["not a portlab chat", "it said \"220 mail ready\""]);
}
