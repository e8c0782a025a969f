//! `portlab connect`: what it sends, shows and reports, and how it ends. The servers have a few lines, each on a thread
//! of the test.

use std::{
    fs,
    io::{self, Read, Write},
    net::{Shutdown, SocketAddr},
    process::{Command, Output, Stdio},
    sync::{
        atomic::{AtomicU64, Ordering::Relaxed},
        mpsc::Receiver,
    },
    thread,
    time::Duration,
};

use portlab_testkit::{
    PATIENCE, clients_of, free_addr, says, serve_once as server, stderr, wait_until,
    wait_until_read, words,
};

/// Longer than any test may take: a client that waits for this long doesn't end.
const NEVER: &str = "1h";

/// A locale in UTF-8.
const UTF_8: &str = "C.UTF-8";

/// Reads `length` bytes, answers with `answer`, and closes.
fn answering(length: usize, answer: &'static [u8]) -> (SocketAddr, Receiver<Vec<u8>>) {
    server(move |mut stream| {
        stream.set_read_timeout(Some(PATIENCE))?;
        let mut received = vec![0; length];
        stream.read_exact(&mut received)?;
        stream.write_all(answer)?;
        Ok(received)
    })
}

/// Reads to the end, and then answers with `answer`.
fn answering_at_the_end(answer: &'static [u8]) -> (SocketAddr, Receiver<Vec<u8>>) {
    server(move |mut stream| {
        let mut received = Vec::new();
        stream.read_to_end(&mut received)?;
        stream.write_all(answer)?;
        Ok(received)
    })
}

fn command(addr: SocketAddr, options: &[&str]) -> Command {
    let mut command = portlab_testkit::command(&["connect", &addr.to_string()]);
    command.args(options).env("LC_ALL", UTF_8);
    command
}

/// Runs the client on `input`.
fn piped(addr: SocketAddr, options: &[&str], input: &[u8]) -> Output {
    fed(&mut command(addr, options), input)
}

fn fed(command: &mut Command, input: &[u8]) -> Output {
    let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    child.wait_with_output().unwrap()
}

fn connect(addr: SocketAddr, options: &[&str]) -> Output {
    command(addr, options).output().unwrap()
}

#[track_caller]
fn check(output: &Output, code: i32, stdout: &[u8]) -> String {
    let stderr = stderr(output);
    assert_eq!(output.status.code(), Some(code), "{output:?}");
    assert_eq!(output.stdout, stdout, "{output:?}");
    assert!(!stderr.contains("panicked"), "{stderr}");
    stderr
}

/// Runs the client with `options`: the server must receive `received`, and answers with a point. Returns stderr.
#[track_caller]
fn sends(options: &[&str], received: &[u8]) -> String {
    let (addr, arrived) = answering(received.len(), b".");
    let stderr = check(
        &connect(addr, &[options, &["--wait", NEVER]].concat()),
        0,
        b".",
    );
    assert_eq!(
        arrived.recv_timeout(PATIENCE).unwrap(),
        received,
        "{options:?}"
    );
    stderr
}

/// Runs the client in `locale` on `input`: the server must receive `received` and the end, and answers with a point.
/// Returns stderr.
#[track_caller]
fn pipes(locale: &str, options: &[&str], input: &[u8], received: &[u8]) -> String {
    let (addr, arrived) = answering_at_the_end(b".");
    let mut command = command(addr, &[options, &["--timeout", NEVER]].concat());
    let output = fed(command.env("LC_ALL", locale), input);
    let stderr = check(&output, 0, b".");
    assert_eq!(
        arrived.recv_timeout(PATIENCE).unwrap(),
        received,
        "{options:?}"
    );
    stderr
}

/// Asserts that `stderr` has one note, with all `parts`.
#[track_caller]
fn check_note(stderr: &str, parts: &[&str]) {
    assert_eq!(stderr.matches("note:").count(), 1, "{stderr}");
    assert!(
        parts.iter().all(|it| stderr.contains(it)),
        "{parts:?}: {stderr}"
    );
}

#[test]
fn a_text_is_sent_and_received_in_gbk() {
    let (addr, received) = answering(4, b"\xc4\xe3\xba\xc3\xbf\xcd\xbb\xa7\xb6\xcb");
    let output = connect(addr, &["--encoding=gbk", "--send=你好", "--wait", NEVER]);
    assert_eq!(check(&output, 0, "你好客户端".as_bytes()), "");
    assert_eq!(
        received.recv_timeout(PATIENCE).unwrap(),
        b"\xc4\xe3\xba\xc3"
    );
}

#[test]
fn a_pipe_is_sent_with_its_line_ends_and_its_end() {
    let (addr, received) = answering_at_the_end(b"\xba\xc3\r\n\x1b[0m");
    let options = ["--encoding=gbk", "--timeout", NEVER];
    let output = piped(addr, &options, "你\r\n\n好".as_bytes());
    // A pipe gets escape sequences as they are.
    assert_eq!(check(&output, 0, "好\r\n\x1b[0m".as_bytes()), "");
    let received = received.recv_timeout(PATIENCE).unwrap();
    assert_eq!(received, b"\xc4\xe3\r\n\n\xba\xc3");
}

#[test]
fn bytes_that_are_not_text_are_sent_unchanged_from_a_pipe_in_utf_8() {
    pipes(UTF_8, &[], b"\xff\0\xc4\n", b"\xff\0\xc4\n");
}

#[test]
fn texts_and_bytes_are_sent_in_order() {
    let mut options = vec!["--hex=c4 E3", "--send=a\\r\\n", "--line"];
    options.extend(["--hex", "00ff", "--send", "b"]);
    sends(&options, b"\xc4\xe3a\r\n\n\x00\xffb\n");
}

#[test]
fn a_character_that_two_reads_cut_comes_out_whole() {
    let (addr, _received) = server(|mut stream| {
        stream.set_nodelay(true)?;
        stream.read_exact(&mut [0; 2])?;
        stream.write_all(b"\xc4")?;
        // The client has shown what arrived before it sends the next line, so it has read half of it.
        stream.read_exact(&mut [0; 2])?;
        stream.write_all(b"\xe3\xba")
    });
    let mut command = command(addr, &["--encoding=gbk", "--trace", "--timeout", NEVER]);
    let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let mut stderr = child.stderr.take().unwrap();
    stdin.write_all(b"1\n").unwrap();
    let mut told = String::new();
    while !told.contains("4 receive") {
        let mut byte = [0; 512];
        let length = stderr.read(&mut byte).unwrap();
        assert_ne!(length, 0, "{told}");
        told += &String::from_utf8_lossy(&byte[..length]);
    }
    stdin.write_all(b"2\n").unwrap();
    drop(stdin);
    stderr.read_to_string(&mut told).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{told}");
    // The last one has no second half.
    assert_eq!(String::from_utf8_lossy(&output.stdout), "你\u{fffd}");
}

#[test]
fn a_character_that_the_encoding_does_not_have_is_noted_once() {
    let stderr = sends(&["--encoding=gbk", "--send=€", "--send=a😀b"], b"?a?b");
    check_note(&stderr, &["'€'", "gb18030"]);
}

#[test]
fn an_answer_in_another_encoding_is_noted_once_with_its_encoding() {
    for (said, answer, name, label) in [
        (
            "utf-8",
            &b"\xc4\xe3\xba\xc3\n\xc4\xe3\xba\xc3\n"[..],
            "GBK",
            "gbk",
        ),
        ("gbk", "你好\n你好\n".as_bytes(), "UTF-8", "utf-8"),
    ] {
        // Cut in the middle of a character.
        let (addr, _received) = server(move |mut stream| {
            stream.set_nodelay(true)?;
            stream.read_exact(&mut [0])?;
            stream.write_all(&answer[..1])?;
            wait_until_read(&stream);
            stream.write_all(&answer[1..])
        });
        let output = connect(addr, &["--send=x", "--wait", NEVER, "--encoding", said]);
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        let remedy = format!("try --encoding {label}");
        check_note(&stderr(&output), &[name, "\"你好␊你好\"", &remedy]);
    }
}

#[test]
fn stdin_has_an_encoding_of_its_own() {
    let gbk = b"\xc4\xe3\xba\xc3\n";
    let utf_8 = "你好\n".as_bytes();
    for (options, locale, received) in [
        // Into the encoding of the conversation.
        ("--input-encoding=gbk", UTF_8, utf_8),
        ("--input-encoding=cp936 --encoding=gbk", UTF_8, gbk),
        (
            "--input-encoding=gbk --encoding=big5",
            UTF_8,
            b"\xa7A\xa6n\n",
        ),
        // The locale's, unless told.
        ("--encoding=utf-8", "zh_CN.GBK", utf_8),
        ("--input-encoding=utf-8", "zh_CN.GBK", gbk),
    ] {
        let stderr = pipes(locale, &words(options), gbk, received);
        assert_eq!(stderr, "", "{options:?}");
    }
}

#[test]
fn a_file_in_gbk_is_sent_unchanged_in_a_conversation_in_gbk_and_noted_once() {
    let file = b"\xc4\xe3\xba\xc3\n\xba\xc3\n";
    let stderr = pipes(UTF_8, &["--encoding=gbk"], file, file);
    check_note(&stderr, &["--input-encoding gbk"]);
    // Bytes that are text in neither encoding are noted, and marked.
    let stderr = pipes(UTF_8, &["--encoding=gbk"], b"a\xffb\n\xff", b"a?b\n?");
    check_note(&stderr, &["are not UTF-8", "--input-encoding"]);
}

#[test]
fn a_text_on_the_command_line_is_in_the_encoding_of_the_terminal() {
    use std::os::unix::ffi::OsStringExt;
    let text = || std::ffi::OsString::from_vec(b"--send=\xc4\xe3\\n".to_vec());
    let (addr, received) = answering(4, b".");
    let mut gbk = command(addr, &["--input-encoding=gbk", "--wait", NEVER]);
    check(&gbk.arg(text()).output().unwrap(), 0, b".");
    assert_eq!(received.recv_timeout(PATIENCE).unwrap(), "你\n".as_bytes());

    let mut utf_8 = command(free_addr(), &[]);
    let stderr = check(&utf_8.arg(text()).output().unwrap(), 2, b"");
    says(&stderr, &["--input-encoding gbk"]);
}

#[test]
fn if_no_program_listens_the_error_names_the_remedy() {
    let addr = free_addr();
    let stderr = check(&connect(addr, &["--send=x"]), 2, b"");
    let said = format!("no program listens at {addr}");
    says(&stderr, &[&said, "portlab serve"]);
}

#[test]
fn if_nothing_is_received_it_fails_with_the_remedy() {
    let (addr, _received) = server(|mut stream| stream.read_to_end(&mut Vec::new()));
    let stderr = check(&connect(addr, &["--send=x", "--wait=50ms"]), 1, b"");
    says(&stderr, &["--line", "--wait"]);

    let (addr, received) = server(|mut stream| {
        stream.read_to_end(&mut Vec::new())?;
        Ok(stream)
    });
    let stderr = check(&piped(addr, &["--timeout=50ms"], b"x"), 1, b"");
    says(&stderr, &["--timeout"]);
    // The client closed the connection, and not the server.
    drop(received.recv_timeout(PATIENCE).unwrap());

    let (addr, _received) = answering(1, b"");
    let stderr = check(&connect(addr, &["--send=x", "--wait", NEVER]), 1, b"");
    says(&stderr, &["closed the connection and sent nothing"]);
}

#[test]
fn a_server_that_closes_first_ends_the_client_though_stdin_is_open() {
    let (addr, _received) = server(|mut stream| stream.write_all(b"the time\r\n"));
    let mut command = command(addr, &["--timeout", NEVER]);
    let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
    let stdin = child.stdin.take().unwrap();
    let output = child.wait_with_output().unwrap();
    drop(stdin);
    let stderr = check(&output, 0, b"the time\r\n");
    assert_eq!(stderr, "the server closed the connection\n");
}

#[test]
fn a_reset_is_reported() {
    let (addr, _received) = server(|mut stream| {
        stream.read_exact(&mut [0])?;
        stream.write_all(b"bye")?;
        // When the next byte has arrived, so has the acknowledgement of `bye`; closing with a byte unread is a reset.
        stream.peek(&mut [0])?;
        Ok(())
    });
    let output = connect(addr, &["--send=x", "--send=y", "--wait", NEVER]);
    let stderr = stderr(&output);
    assert!(
        stderr.contains("the server reset the connection"),
        "{output:?}"
    );
    assert!(!stderr.contains("panicked"), "{output:?}");
}

/// The steps that `stderr` narrates.
fn steps(stderr: &str) -> Vec<&str> {
    let lines = stderr.lines().filter_map(|line| {
        let (at, _) = line.char_indices().nth(10)?;
        line.get(at..)
    });
    lines.filter(|line| !line.starts_with(' ')).collect()
}

#[test]
fn the_five_steps_are_narrated() {
    let (addr, received) = server(|mut stream| {
        let peer = stream.peer_addr()?;
        stream.read_exact(&mut [0; 4])?;
        stream.write_all(b"\xba\xc3")?;
        Ok(peer)
    });
    let options = ["--trace", "--encoding=gbk", "--send=你好", "--wait", NEVER];
    let stderr = check(&connect(addr, &options), 0, "好".as_bytes());
    let port = received.recv_timeout(PATIENCE).unwrap().port();
    let steps = steps(&stderr);
    let to = format!("2 connect  to {addr}");
    let expected = [
        ("1 create", ""),
        (&to, ""),
        ("3 send", "4 bytes  c4 e3 ba c3 "),
        ("4 receive", "2 bytes  ba c3 "),
        ("4 receive", "the server's FIN"),
        ("5 close", "the server's FIN came first"),
    ];
    assert_eq!(steps.len(), expected.len(), "{stderr}");
    for (step, (head, part)) in steps.iter().zip(expected) {
        assert!(step.starts_with(head) && step.contains(part), "{stderr}");
    }
    assert!(steps[2].ends_with("你好"), "{stderr}");
    let from = format!("the system chose port {port}");
    for part in [&from, "sent 4 bytes, received 2 bytes"] {
        assert!(stderr.contains(part), "{part:?}: {stderr}");
    }
    assert!(!stderr.contains('\x1b'), "colours into a pipe: {stderr}");
}

#[test]
fn the_side_that_sent_the_first_fin_is_narrated() {
    let stderr = pipes(UTF_8, &["--trace"], b"x\n", b"x\n");
    says(&stderr, &["the client's FIN came first: TIME_WAIT"]);

    let (addr, _received) = server(|mut stream| stream.read_to_end(&mut Vec::new()));
    let output = connect(addr, &["--trace", "--send=x", "--wait=100ms"]);
    let stderr = check(&output, 1, b"");
    says(&stderr, &["the client's FIN comes first"]);

    let stderr = check(&connect(free_addr(), &["--trace"]), 2, b"");
    says(&stderr, &["2 connect  to 127.0.0.1", "refused"]);
}

#[test]
fn more_than_fits_into_any_buffer_goes_through() {
    let (addr, received) = server(|mut stream| {
        let mut copy = stream.try_clone()?;
        let length = io::copy(&mut stream, &mut copy)?;
        copy.shutdown(Shutdown::Write)?;
        Ok(length)
    });
    let input: Vec<u8> = (0..80_000)
        .flat_map(|n| format!("{n} 你\n").into_bytes())
        .collect();
    let mut command = command(addr, &["--encoding=gb18030", "--timeout", NEVER]);
    let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let output = thread::scope(|scope| {
        let input = &input;
        scope.spawn(move || stdin.write_all(input).unwrap());
        child.wait_with_output().unwrap()
    });
    assert_eq!(output.status.code(), Some(0));
    assert!(
        output.stdout == input,
        "{} bytes arrived",
        output.stdout.len()
    );
    assert!(received.recv_timeout(PATIENCE).unwrap() > 500_000);
}

#[test]
fn a_slow_reader_misses_nothing() {
    // More than the client and a pipe hold, and so little that the buffers of the two sockets hold the rest.
    const LENGTH: usize = 300_000;
    let (addr, written) = server(|mut stream| stream.write_all(&[b'x'; LENGTH]));
    let mut command = command(addr, &["--timeout=2s"]);
    let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
    // From here on the client needs no byte of another process.
    written.recv_timeout(PATIENCE).unwrap();
    let mut before = 0;
    wait_until("the client waits for stdout and reads no more", || {
        thread::sleep(Duration::from_millis(20));
        let clients = clients_of(addr);
        let unread = clients.first().map_or(0, |it| it.unread);
        std::mem::replace(&mut before, unread) == unread && unread > 0
    });
    drop(child.stdin.take());
    // Longer than --timeout, which must not include the time in which stdout takes nothing.
    thread::sleep(Duration::from_millis(2500));
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(output.stdout.len(), LENGTH);
}

#[test]
fn an_invalid_option_is_refused_with_the_remedy() {
    let addr = free_addr();
    for (options, remedy) in [
        (&["--send=\\q"][..], "\\r \\n"),
        (&["--hex=5"], "pairs of digits"),
        (&["--encoding=gkb"], "gbk"),
        (&["--send=x", "--wait=0s"], "between 1ms and 1h"),
        (&["--connect-timeout=0s"], "between 1ms and 1h"),
        (&["--wait=1s"], "--send"),
        (&["--line"], "--send"),
        (&["--send=x", "--timeout=1s"], "cannot be used"),
    ] {
        let stderr = check(&connect(addr, options), 2, b"");
        assert!(stderr.contains(remedy), "{options:?}: {stderr}");
    }
}

#[test]
fn a_full_disk_is_an_error_and_a_closed_pipe_is_not() {
    let full = fs::File::create("/dev/full").unwrap();
    let (addr, _received) = answering(1, b"answer");
    let mut command = command(addr, &["--send=x", "--wait", NEVER]);
    let output = command.stdout(full).output().unwrap();
    let stderr = check(&output, 2, b"");
    says(&stderr, &["No space left"]);

    let (addr, _received) = server(|mut stream| {
        // Until the client has closed the connection.
        while stream.write_all(&[b'x'; 4096]).is_ok() {}
        Ok(())
    });
    let connect = format!("$portlab connect {addr} --send x --wait {NEVER} 2>&1");
    let output = portlab_testkit::shell(&format!("set -o pipefail; {connect} | head -c 1"));
    check(&output, 0, b"x");
}

/// Runs the client on a terminal of its own. `type_in` gets a writer for the keys, and a function that waits until the
/// screen has shown a text. Returns everything that the screen has shown.
fn on_a_terminal(
    addr: SocketAddr,
    options: &str,
    type_in: impl FnOnce(&mut dyn Write, &mut dyn FnMut(&str)),
) -> Option<String> {
    let connect = format!("$portlab connect {addr} {options}; echo code $?");
    let mut command = portlab_testkit::on_a_terminal(&format!("stty cols 100 rows 30; {connect}"))?;
    let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
    let (mut keys, mut screen) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    let (mut seen, mut from) = (Vec::<u8>::new(), 0);
    let mut read_on = |until: Option<&str>| {
        let mut buffer = [0; 4096];
        loop {
            let shown = until.and_then(|until| {
                let mut windows = seen[from..].windows(until.len());
                Some(windows.position(|bytes| bytes == until.as_bytes())? + until.len())
            });
            if let Some(length) = shown {
                // The next wait begins behind this text.
                from += length;
                return String::new();
            }
            match screen.read(&mut buffer).unwrap() {
                0 if until.is_some() => {
                    let seen = String::from_utf8_lossy(&seen);
                    panic!("{until:?} was not shown: {seen:?}")
                }
                0 => return String::from_utf8_lossy(&seen).into_owned(),
                length => seen.extend_from_slice(&buffer[..length]),
            }
        }
    };
    type_in(&mut keys, &mut |until| {
        read_on(Some(until));
    });
    let seen = read_on(None);
    child.wait().unwrap();
    Some(seen)
}

#[test]
fn received_text_is_shown_above_the_line_that_is_being_typed() {
    let (addr, received) = server(|mut stream| {
        let mut received = [0; 5];
        stream.read_exact(&mut received)?;
        stream.write_all(b"\xc4\xe3\x1b[2J\r\n")?;
        // Half a line is not sent.
        let mut rest = Vec::new();
        stream.read_to_end(&mut rest)?;
        assert_eq!(rest, b"");
        Ok(received)
    });
    let seen = on_a_terminal(addr, "--encoding=gbk", |keys, wait_for| {
        wait_for("> ");
        // The second line is begun when the answer to the first one comes.
        keys.write_all("你好\rhalf".as_bytes()).unwrap();
        wait_for("你␛[2J");
        wait_for("half");
        keys.write_all(b"\x15\x04").unwrap();
    });
    let Some(seen) = seen else { return };
    assert_eq!(
        &received.recv_timeout(PATIENCE).unwrap(),
        b"\xc4\xe3\xba\xc3\n"
    );
    assert!(seen.ends_with("\ncode 0\r\n"), "{seen:?}");
    assert!(!seen.contains("\x1b[2J"), "{seen:?}");
}

#[test]
fn typed_bytes_that_are_not_utf_8_lose_a_line_and_not_the_connection() {
    let (addr, received) = answering(3, b"bye\n");
    let seen = on_a_terminal(addr, "", |keys, wait_for| {
        wait_for("> ");
        keys.write_all(b"ab\xc4\xe3\xba\xc3").unwrap();
        wait_for("not UTF-8");
        wait_for("> ");
        // The Enter of the line that was lost.
        keys.write_all(b"\r").unwrap();
        keys.write_all(b"ok\r").unwrap();
    });
    let Some(seen) = seen else { return };
    assert_eq!(
        received.recv_timeout(PATIENCE).unwrap(),
        b"ok\n",
        "{seen:?}"
    );
    says(&seen, &["--input-encoding gbk", "bye"]);
    assert!(seen.ends_with("code 0\r\n"), "{seen:?}");
}

#[test]
fn a_terminal_in_gbk_is_read_and_shown_in_gbk() {
    let (addr, received) = answering("你\n".len(), "<好>\n".as_bytes());
    let seen = on_a_terminal(addr, "--input-encoding gbk --trace", |keys, wait_for| {
        wait_for("2 connect");
        keys.write_all(b"\xc4\xe3\r").unwrap();
    });
    let Some(seen) = seen else { return };
    assert_eq!(
        received.recv_timeout(PATIENCE).unwrap(),
        "你\n".as_bytes(),
        "{seen:?}"
    );
    // Two bytes that are no UTF-8.
    says(&seen, &["<\u{fffd}\u{fffd}>"]);
    assert!(seen.ends_with("code 0\r\n"), "{seen:?}");
}

#[test]
fn the_terminal_is_restored_when_the_server_closes() {
    let (addr, _received) = answering(2, b"bye\n");
    let seen = on_a_terminal(addr, "; stty -a", |keys, wait_for| {
        wait_for("> ");
        keys.write_all(b"x\r").unwrap();
    });
    let Some(seen) = seen else { return };
    let (_, after) = seen
        .split_once("the server closed the connection")
        .expect(&seen);
    says(&seen, &["bye"]);
    assert!(
        after.contains(" icanon") && after.contains(" echo "),
        "{seen:?}"
    );
}

#[test]
fn stdin_is_not_read_without_bound_while_stdout_takes_nothing() {
    const MUCH: u64 = 256 << 20;
    static TAKEN: AtomicU64 = AtomicU64::new(0);
    let (addr, _received) = server(|stream| {
        let mut talking = stream.try_clone()?;
        thread::spawn(move || talking.write_all(&[b'x'; 1 << 20]));
        io::copy(&mut &stream, &mut io::sink())
    });
    let mut command = command(addr, &["--timeout", NEVER]);
    let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    thread::spawn(move || {
        while TAKEN.load(Relaxed) < MUCH && stdin.write_all(&[0; 65_536]).is_ok() {
            TAKEN.fetch_add(65_536, Relaxed);
        }
    });
    // Until the client takes no more, or has taken everything.
    let mut last = u64::MAX;
    while TAKEN.load(Relaxed) != last {
        last = TAKEN.load(Relaxed);
        thread::sleep(Duration::from_secs(1));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(last < MUCH, "{last} bytes");
}
