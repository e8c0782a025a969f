//! Dialogue files.

use super::*;

/// A mail server that answers each command with `reply`, which also gets the number of the command on its connection.
fn mail(reply: impl Fn(u64, &str) -> Option<&'static str> + Clone + Send + 'static) -> SocketAddr {
    server(move |mut stream: TcpStream| {
        stream.set_nodelay(true)?;
        stream.write_all(b"220 mail.example ESMTP\r\n")?;
        let (mut lines, mut line) = (BufReader::new(stream.try_clone()?), String::new());
        for number in 0.. {
            line.clear();
            if lines.read_line(&mut line)? == 0 {
                break;
            }
            let Some(reply) = reply(number, line.trim_end()) else {
                break;
            };
            stream.write_all(reply.as_bytes())?;
            if line.starts_with("DATA") {
                while lines.read_line(&mut line)? > 0 && !line.ends_with("\n.\r\n") {}
                stream.write_all(b"250 queued\r\n")?;
            }
            if line.starts_with("QUIT") {
                break;
            }
        }
        Ok(())
    })
}

/// Accepts the commands of the dialogue in docs/load.md in their order, and no other.
fn in_order(number: u64, command: &str) -> Option<&'static str> {
    let (expected, reply) = match number {
        0 => ("EHLO load.example", "250-mail.example\r\n250 HELP\r\n"),
        10 => ("QUIT", "221 bye\r\n"),
        _ => match number % 3 {
            1 => ("MAIL FROM:<user", "250 ok\r\n"),
            2 => ("RCPT TO:<box@mail.example>", "250 ok\r\n"),
            _ => ("DATA", "354 go on\r\n"),
        },
    };
    Some(match command.starts_with(expected) {
        true => reply,
        false => "503 bad sequence\r\n",
    })
}

/// The dialogue of docs/load.md.
fn of_the_page() -> String {
    let page = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/load.md"));
    let page = page.unwrap();
    let (_, rest) = page.split_once("```text\n# mail.txt").unwrap();
    let (dialogue, _) = rest.split_once("```").unwrap();
    format!("# mail.txt{dialogue}")
}

/// A dialogue file, as an option.
fn dialogue(name: &str, text: &str) -> String {
    let file = folder(name).join("file.txt");
    fs::write(&file, text).unwrap();
    format!("--dialogue={}", file.display())
}

#[test]
fn the_mail_of_the_page_is_sent_in_order_on_every_connection() {
    let option = dialogue("mail", &of_the_page());
    let addr = mail(in_order);
    for pace in ["-t=2", "--rate=2k"] {
        // 14 messages on each connection.
        let result = fine(addr, &format!("-c=4 --messages=140 {option} {pace}"));
        holds(
            &result,
            json!({
                "messages": 140,
                "expect": "dialogue",
                "steps/0/line": 3,
                "steps/0/message": r"EHLO load.example\r\n",
                "steps/5/expect": "close",
            }),
        );
        let steps = result["steps"].as_array().unwrap();
        let counts = steps.iter().map(|it| number(it, "latency_ns/count"));
        assert_eq!((steps.len(), counts.sum::<f64>()), (6, 140.0), "{result}");
        assert!(number(&result, "connections_made") >= 10.0, "{result}");
    }
    let said = text(addr, &format!("-c=2 --messages=28 {option}"), 0);
    has(
        &said,
        &["a dialogue of 6 messages", r"EHLO load.example\r\n"],
    );
}

#[test]
fn an_error_is_counted_for_its_step() {
    let refusing = |number, command: &str| match command.starts_with("RCPT") {
        true => Some("550 no such box\r\n"),
        false => in_order(number, command),
    };
    let option = dialogue("refused", &of_the_page());
    let (result, _) = failed(mail(refusing), &format!("-c=1 --messages=14 {option}"));
    holds(
        &result,
        json!({"errors": 3, "steps/2/errors": 3, "steps/1/errors": 0, "answered": 14}),
    );
    // A reply that is an error by its protocol may be what a step expects.
    let expected = dialogue(
        "expected",
        "expect lines:1\nsay RCPT x\\r\\n\nexpect lines:1&starts:550\n",
    );
    let options = format!("-c=1 --messages=2 {expected} --any-answer");
    fine(mail(refusing), &options);
    // The server closes instead of answering DATA: the connection is lost, and another begins anew.
    let closing = |number, command: &str| match command {
        "DATA" => None,
        _ => in_order(number, command),
    };
    let option = format!("-c=1 -d=10m --max-errors=3 {option}");
    let (result, _) = failed(mail(closing), &option);
    holds(&result, json!({"ended": "too_many_errors"}));
    assert!(number(&result, "steps/3/errors") >= 3.0, "{result}");
    let doubts = result["verdict"]["doubts"].to_string();
    has(&doubts, &["before its last step", "expect close"]);
}

#[test]
fn a_block_without_a_number_is_repeated_on_the_same_connection() {
    let option = dialogue(
        "endless",
        "say hello\\n\nexpect echo\nrepeat\n say {seq}\\n\n expect lines:1\n hex 0a\n expect echo\nend\n",
    );
    let result = fine(server(echo), &format!("-c=3 --messages=300 {option}"));
    holds(
        &result,
        json!({"connections_made": 3, "steps/0/latency_ns/count": 3}),
    );
}

/// Echoes lines until the end or `bye`, and then sends all lines of the connection to the receiver.
fn recording() -> (SocketAddr, Receiver<Vec<String>>) {
    let (sender, heard) = mpsc::channel();
    let addr = server(move |mut stream: TcpStream| {
        let (mut lines, mut all) = (BufReader::new(stream.try_clone()?), Vec::new());
        let mut line = String::new();
        while lines.read_line(&mut line)? > 0 {
            stream.write_all(line.as_bytes())?;
            all.push(std::mem::take(&mut line));
            if all.last().is_some_and(|it| it == "bye\n") {
                break;
            }
        }
        let _ = sender.send(all);
        Ok(())
    });
    (addr, heard)
}

#[test]
fn what_stands_behind_an_endless_block_is_said_when_the_run_ends() {
    let option = dialogue(
        "last",
        "say hello\\n\nexpect echo\nrepeat\n think 1ms\n say {seq}\\n\n expect echo\nend\n\
         think 1h\nsay see you\\n\nexpect lines:1\nsay bye\\n\nexpect close\n",
    );
    let (addr, heard) = recording();
    let check = |pace: &str| {
        for _ in 0..3 {
            let all = heard.recv_timeout(PATIENCE).unwrap();
            let last = all.len() - 2;
            assert_eq!(all[0], "hello\n", "{pace}");
            assert_eq!(all[last..], ["see you\n", "bye\n"], "{pace}: {all:?}");
        }
    };
    for pace in ["--messages=50 -t=2", "-d=200ms", "--rate=300 -d=200ms"] {
        let result = fine(addr, &format!("-c=3 {option} {pace}"));
        holds(&result, json!({"connections_made": 3, "steps/3/errors": 0}));
        check(pace);
    }
    let (output, _) = interrupted(addr, &format!("-c=3 --warmup=0s {option}"), |_| ());
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    check("interrupted");
}

#[test]
fn a_message_without_an_answer_is_done_when_it_is_sent() {
    let option = dialogue("one_way", "say a\\n\nsay b\\n\nthink 1ms\nsay c\\n\n");
    let (sender, heard) = mpsc::channel();
    let addr = server(move |mut stream: TcpStream| {
        let mut all = String::new();
        stream.read_to_string(&mut all)?;
        let _ = sender.send(all);
        Ok(())
    });
    for pace in ["", "--rate=1k"] {
        let result = fine(addr, &format!("-c=1 --messages=60 {option} {pace}"));
        holds(&result, json!({"messages": 60}));
        // A connection that was opened when all had been sent says nothing.
        let mut all = String::new();
        while all.len() < 120 {
            all += &heard.recv_timeout(PATIENCE).unwrap();
        }
        assert_eq!(all, "a\nb\nc\n".repeat(20));
    }
}

#[test]
fn a_dialogue_is_sent_and_checked_in_its_encoding() {
    let option = dialogue(
        "gbk",
        "say 你好{conn}\\n\nexpect lines:1&contains:好&not:错\n",
    );
    let result = fine(
        server(echo),
        &format!("-c=2 --messages=20 --encoding=gbk {option}"),
    );
    holds(&result, json!({"size_bytes": 6, "bytes_received": 120}));
}
