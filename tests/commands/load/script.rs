//! What is sent, and what counts as the answer.

use super::*;

#[test]
fn lines_and_delimiters_and_lengths_end_an_answer() {
    let cases: [(&[u8], &str); 5] = [
        (b"+PONG\r\n", r"until:\r\n"),
        (b"HTTP/1.1 200 OK\r\nA: b\r\n\r\n", r#"until:"\r\n\r\n""#),
        (b"one\ntwo\nthree\n", "lines:3"),
        (b"0123456789", "bytes:10"),
        (b"\xc4\xe3\xba\xc3", "until:\u{597d}"),
    ];
    for (answer, expect) in cases {
        let addr = server(answering(answer));
        let options = r"-c=2 --messages=100 --depth=3 --text=PING\r\n --encoding=gbk";
        let result = fine(addr, &format!("{options} --expect {expect}"));
        holds(
            &result,
            json!({
                "messages": 100,
                "bytes_received": 100 * answer.len(),
                "every_byte_checked": false,
            }),
        );
    }
}

#[test]
fn connections_without_a_greeting_are_counted_as_made() {
    let said = unable(server(echo), "-c=2 --greeting=lines:1 --timeout=200ms");
    has(&said, &["2 connections", "failed before the first message"]);
}

#[test]
fn a_wrong_answer_is_shown_as_text() {
    let addr = server(|mut stream| {
        stream.read_exact(&mut [0; 64])?;
        stream.write_all("it's 你好\r\n".repeat(9).as_bytes())?;
        stream.read(&mut [0; 64]).map(drop)
    });
    let (_, said) = failed(addr, "-c=1 -d=10m");
    has(&said, &["\"it's 你好\\r\\n", "…\""]);
}

#[test]
fn the_beginning_of_an_incomplete_answer_is_shown() {
    let until = r"--text=PING\r\n --expect=until:\r\n";
    let cases = [
        (until, false, &b"+PONG\n"[..]),
        (until, true, b"+PONG\n"),
        (r"--text=x\n --expect=lines:2", false, b"one\n"),
        (r"--text=x\n --expect=bytes:99", false, b"too few"),
        (r"--text=x\n --expect=close", false, b"and on"),
        (r"--greeting=until:>\x20", false, b"220 hello\r\n"),
    ];
    // The timeout is so long that both pieces come even on a busy machine. All cases run at the same time.
    let check = |(expect, closes, answer): (&str, bool, &'static [u8])| {
        let greets = expect.starts_with("--greeting");
        // In two pieces, both of which are shown.
        let addr = server(move |mut stream| {
            stream.set_nodelay(true)?;
            if !greets {
                stream.read_exact(&mut [0; 2])?;
            }
            stream.write_all(&answer[..2])?;
            wait_until_read(&stream);
            stream.write_all(&answer[2..])?;
            match closes {
                true => Ok(()),
                false => swallow(stream),
            }
        });
        let output = load(addr, &format!("-c=1 -n=1 --timeout=3s {expect}"));
        assert_ne!(output.status.code(), Some(0), "{output:?}");
        let word = if greets { "it said" } else { "what came:" };
        let shown = format!("{word} \"{}\"", answer.escape_ascii());
        has(&stderr(&output), &[&shown]);
    };
    thread::scope(|scope| {
        for case in cases {
            scope.spawn(move || check(case));
        }
    });
}

#[test]
fn an_answer_that_is_longer_than_expected_is_found() {
    let addr = server(answering(b"+PONG\r\nand more"));
    let options = r"-c=1 --messages=1 --text=PING\n --expect=until:\r\n";
    // The complete answer is counted once.
    holds(
        &failed(addr, options).0,
        json!({
            "failures/0/phase": "verify",
            "answered": 1,
            "unanswered": 0,
            "first_lines/0/count": 1,
        }),
    );
}

#[test]
fn a_byte_too_many_is_found_even_after_the_last_answer() {
    let addr = server(|mut stream| {
        (0..10).try_for_each(|_| echo_one(&mut stream))?;
        // Later than the answer, and before the end.
        wait_until_read(&stream);
        stream.write_all(b"!")
    });
    let (result, _) = failed(addr, "-c=1 --messages=10");
    let cause = "more came back than was expected";
    holds(&result, json!({"failures/0/cause": cause}));
}

#[test]
fn text_reaches_the_server_in_its_encoding_and_files_and_hex_as_they_are() {
    let file = folder("payload").join("message.bin");
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
        let load = ["load", &addr.to_string(), "--json", "-c=1", "--messages=1"];
        let output = portlab(&[&load, options].concat());
        assert_eq!(output.status.code(), Some(0), "{options:?}: {output:?}");
        assert_eq!(heard.recv_timeout(PATIENCE).unwrap(), expected);
        holds(&json(&output), json!({"size_bytes": expected.len()}));
    }
}

#[test]
fn lengths_are_drawn_from_a_range_and_every_byte_is_still_checked() {
    let addr = server(echo);
    let options = "-c=2 --messages=2000 --size=1..2000 --depth=4 --seed=7";
    let result = fine(addr, options);
    let sent = number(&result, "bytes_sent");
    let mean = sent / 2_000.0;
    assert!((900.0..1_100.0).contains(&mean), "{mean}");
    assert_eq!(result["bytes_sent"], result["bytes_received"]);
    holds(&result, json!({"size_bytes": 1, "size_max_bytes": 2000}));
    // Seeded.
    assert_eq!(number(&fine(addr, options), "bytes_sent"), sent);
}

#[test]
fn an_answer_may_end_when_the_server_closes() {
    let addr = server(|mut stream| {
        let mut line = String::new();
        BufReader::new(stream.try_clone()?).read_line(&mut line)?;
        stream.write_all(b"HTTP/1.0 200 OK\r\n\r\nhello")
    });
    let options = r"-c=3 --messages=60 --text=GET\x20/\x20HTTP/1.0\r\n --expect=close";
    let result = fine(addr, options);
    holds(&result, json!({"messages": 60}));
    // Each needs a connection.
    assert!(number(&result, "connections_made") >= 60.0);
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
    let result = fine(addr, "-c=2 --messages=1000 --size=1000 --expect=none");
    holds(&result, json!({"messages": 1000}));
    let heard: usize = (0..2).map(|_| heard.recv_timeout(PATIENCE).unwrap()).sum();
    assert_eq!(heard, 1_000_000);
}

#[test]
fn messages_without_answers_take_turns_with_everything_else() {
    let addr = server(swallow);
    // More than can be sent: the run must end all the same.
    let options = "--expect=none --rate=5M -d=200ms -c=2 --timeout=100ms";
    let output = load(addr, options);
    assert!(number(&json(&output), "messages") > 0.0, "{output:?}");
    // Messages that can be sent a little later are sent.
    let result = fine(addr, "--expect=none --rate=50k -d=300ms -c=1");
    holds(&result, json!({"due_not_sent": 0}));
    // All that fell due in the time that was measured, which is 300 ms or a little more: one may be due at either edge.
    let expected = 50_000.0 * number(&result, "elapsed_ns") / 1e9;
    let counted = number(&result, "latency_ns/count");
    assert!(
        (counted - expected).abs() <= 1.0,
        "{expected} expected: {result}"
    );
    // Each connection is done without an answer.
    for pace in ["", "--rate=20k"] {
        let options = format!("--expect=none --per-connection=10 --messages=1000 -c=2 {pace}");
        let result = fine(addr, &options);
        holds(&result, json!({"messages": 1000}));
        assert!(number(&result, "connections_made") >= 100.0, "{result}");
    }
}

#[test]
fn a_server_that_does_not_read_counts_as_an_error_of_sending() {
    let addr = server(|_stream| {
        thread::sleep(PATIENCE);
        Ok(())
    });
    let options = "--expect=none --size=1MiB -c=1 -d=300ms --timeout=500ms";
    let expected = json!({"failures/0/phase": "send", "failures/0/cause": "timed out"});
    holds(&json(&load(addr, options)), expected);
}

#[test]
fn nothing_is_sent_before_the_greeting_is_complete() {
    let greeting = b"220 mail.example ESMTP\r\n";
    let addr = server(move |mut stream| {
        // In two pieces, the delimiter cut in the middle.
        let (first, last) = greeting.split_at(greeting.len() - 1);
        stream.write_all(first)?;
        wait_until_read(&stream);
        stream.set_nonblocking(true)?;
        let early = stream.read(&mut [0; 1]).map_err(|error| error.kind());
        assert_eq!(early, Err(ErrorKind::WouldBlock), "a byte came early");
        stream.set_nonblocking(false)?;
        stream.write_all(last)?;
        echo(stream)
    });
    let result = fine(addr, r"-c=3 --messages=30 --greeting=until:\r\n");
    holds(&result, json!({"connected": 3}));

    let silent = server(|mut stream| stream.read(&mut [0; 1]).map(drop));
    let options = r"-c=1 --messages=1 --greeting=until:\r\n --timeout=200ms";
    let said = unable(silent, options);
    has(&said, &["greeting: timed out"]);
}

#[test]
fn a_trickle_comes_a_byte_at_a_time() {
    let (sender, heard) = mpsc::channel();
    let addr = server(move |stream| {
        stream.set_nodelay(true)?;
        let sender = sender.clone();
        echo_changed(move |piece, _| sender.send(piece.len()).is_ok())(stream)
    });
    let result = fine(addr, "-c=1 --messages=2 --size=20 --trickle=5ms");
    // 19 pauses of 5 ms.
    assert!(number(&result, "latency_ns/p50") >= 95e6, "{result}");
    // A busy server may read two bytes at once, but rarely.
    assert!(heard.try_iter().count() > 20);
}

#[test]
fn a_slow_reader_pauses_after_each_read() {
    let options = "-c=1 --messages=2 --size=2000 --slow-reader=10k";
    let result = fine(server(echo), options);
    // 2,000 bytes in reads of 500, each followed by a pause of 50 ms.
    assert!(number(&result, "latency_ns/p50") >= 140e6, "{result}");
}
