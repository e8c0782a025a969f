//! What is said, and what counts as its answer.

use super::*;

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
fn what_came_of_an_answer_that_never_ends_is_shown() {
    let until = ["--text=PING\\r\\n", "--expect=until:\\r\\n"];
    for (expect, closes, answer) in [
        (&until[..], false, &b"+PONG\n"[..]),
        (&until, true, b"+PONG\n"),
        (&["--text=x\\n", "--expect=lines:2"], false, b"one\n"),
        (&["--text=x\\n", "--expect=bytes:99"], false, b"too few"),
        (&["--text=x\\n", "--expect=close"], false, b"and on"),
        (&["--greeting=until:> "], false, b"220 hello\r\n"),
    ] {
        let greets = expect[0].starts_with("--greeting");
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
                false => std::io::copy(&mut stream, &mut std::io::sink()).map(drop),
            }
        });
        let options = [&["-c=1", "-d=10s", "--timeout=300ms"], expect].concat();
        let output = load(addr, &options);
        assert_ne!(output.status.code(), Some(0), "{output:?}");
        let word = if greets { "it said" } else { "what came:" };
        let shown = format!("{word} \"{}\"", answer.escape_ascii());
        assert!(stderr(&output).contains(&shown), "{expect:?}: {output:?}");
    }
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
    let result = json(&output);
    assert_eq!(result["failures"][0]["phase"], "verify");
    // The answer was complete all the same, and is counted once.
    assert_eq!(
        (&result["answered"], &result["unanswered"]),
        (&1.into(), &0.into())
    );
    assert_eq!(result["first_lines"][0]["count"], 1);
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
        wait_until_read(&stream);
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
    let options = words("-c=2 --messages=2000 --size=1..2000 --depth=4 --seed=7");
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
    let options = ["--expect=none", "--rate=50k", "-d=300ms", "-c=1"];
    let result = fine(addr, &options);
    assert_eq!(result["due_not_sent"], 0, "{result}");
    // All that fell due in the time that was measured, which is 300 ms or a little more: one may be due at
    // either edge.
    let expected = 50_000.0 * number(&result["elapsed_ns"]) / 1e9;
    let counted = number(&result["latency_ns"]["count"]);
    assert!(
        (counted - expected).abs() <= 1.0,
        "{expected} expected: {result}"
    );
    // Each connection is done without ever hearing a word.
    for pace in [&[][..], &["--rate=20k"]] {
        let options = words("--expect=none --per-connection=10 --messages=1000 -c=2");
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
    let options = words("--expect=none --size=1MiB -c=1 -d=300ms --timeout=500ms");
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
            wait_until_read(&stream);
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
