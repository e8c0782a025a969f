//! `portlab load udp://HOST:PORT`: each message is a datagram.

use std::net::UdpSocket;

use super::*;

/// A UDP server. `answers` are the datagrams that it sends back for the datagram with this number, counted from 1.
fn datagrams(answers: impl Fn(u64, &[u8]) -> Vec<Vec<u8>> + Send + 'static) -> String {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let addr = socket.local_addr().unwrap();
    thread::spawn(move || -> io::Result<()> {
        let mut buffer = [0; 65_536];
        for number in 1.. {
            let (length, peer) = socket.recv_from(&mut buffer)?;
            for answer in answers(number, &buffer[..length]) {
                socket.send_to(&answer, peer)?;
            }
        }
        Ok(())
    });
    format!("udp://{addr}")
}

/// The result of a run with these options, and its exit code.
fn run(target: &str, options: &str) -> (Value, i32) {
    let output = portlab(&words(&format!("load {target} --json {options}")));
    (json(&output), output.status.code().unwrap())
}

#[test]
fn every_hundredth_datagram_that_a_server_drops_is_reported_as_lost() {
    let target = datagrams(|number, sent| match number % 100 {
        0 => Vec::new(),
        _ => vec![sent.to_vec()],
    });
    let (result, code) = run(&target, "-c=1 --messages=1000 --depth=4 --timeout=100ms");
    let found = &result["datagrams"];
    // A busy machine may answer late: such a message is lost as well, and reported as late.
    let late = number(found, "late");
    assert_eq!(number(found, "lost"), 10.0 + late, "{found}");
    holds(
        found,
        json!({"numbered": true, "due": 1000, "duplicates": 0}),
    );
    assert_eq!(code, 1);
}

#[test]
fn duplicates_and_reordering_are_counted_and_every_answer_is_checked() {
    // Of ten datagrams, the first is answered after the second, and the fifth twice.
    let held = std::sync::Mutex::new(Vec::new());
    let target = datagrams(move |number, sent| match number % 10 {
        1 => {
            *held.lock().unwrap() = sent.to_vec();
            Vec::new()
        }
        2 => vec![sent.to_vec(), std::mem::take(&mut *held.lock().unwrap())],
        5 => vec![sent.to_vec(); 2],
        _ => vec![sent.to_vec()],
    });
    let (result, code) = run(
        &target,
        "-c=1 --messages=100 --depth=2 --size=20..60 --timeout=60s",
    );
    let expected = json!({"lost": 0, "duplicates": 10, "reordered": 10, "late": 0});
    holds(&result["datagrams"], expected);
    holds(
        &result,
        json!({"messages": 100, "errors": 0, "checked": "every_byte"}),
    );
    assert_eq!(code, 0);
}

#[test]
fn a_datagram_that_comes_back_changed_is_an_error() {
    let target = datagrams(|number, sent| {
        let mut answer = sent.to_vec();
        match number {
            3 => answer[20] ^= 1,
            4 => answer.truncate(30),
            5 => answer[0] = 9,
            _ => {}
        }
        vec![answer]
    });
    let (result, code) = run(&target, "-c=1 --messages=10 --timeout=100ms");
    holds(&result, json!({"errors": 3, "unanswered": 1}));
    assert_eq!(code, 1);
}

#[test]
fn answers_without_a_number_are_judged_by_their_content() {
    let target = datagrams(|number, _| vec![format!("{} pong", number % 2).into_bytes()]);
    let options = "-c=1 --messages=10 --text=ping --expect=datagram&starts:1";
    let (result, code) = run(&target, options);
    holds(
        &result,
        json!({"errors": 5, "datagrams/numbered": false, "messages": 10}),
    );
    assert_eq!(code, 1);
    let (result, code) = run(&target, "-c=1 --messages=10 --text=ping --expect=bytes:6");
    holds(&result, json!({"errors": 0, "messages": 10}));
    assert_eq!(code, 0);
}

#[test]
fn a_port_without_a_program_is_told_as_such() {
    let closed = UdpSocket::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let (result, code) = run(
        &format!("udp://{closed}"),
        "-c=1 --messages=3 --timeout=50ms",
    );
    holds(&result, json!({"messages": 0, "failures/0/errno": 111}));
    assert_eq!(code, 1);
}

#[test]
fn what_udp_cannot_do_is_refused_with_the_reason() {
    for (options, part) in [
        ("--per-connection=1", "UDP has no connections"),
        ("--reconnect", "UDP has no connections"),
        ("--expect=lines:1", "an answer over UDP is one datagram"),
        ("--size=7", "--size 8"),
        ("--size=70000", "doesn't fit into a UDP datagram"),
        ("127.0.0.1:1", "load them in two runs"),
    ] {
        let said = refused(&words(&format!("load udp://127.0.0.1:1 {options}")));
        has(&said, &[part]);
    }
    let said = refused(&words("load 127.0.0.1:1 --expect=datagram"));
    has(&said, &["is for UDP"]);
}

#[test]
fn several_targets_have_their_own_figures() {
    let wrong = |piece: &mut [u8], _| {
        piece[0] ^= 1;
        true
    };
    let (one, other) = (server(echo), server(echo_changed(wrong)));
    let text = format!("load {one} {other} -c=4 --json --messages=40 --max-errors=1000");
    let result = json(&portlab(&words(&text)));
    let targets = &result["targets"];
    assert_eq!(targets[0]["target"], one.to_string());
    holds(&targets[0], json!({"errors": 0, "unanswered": 0}));
    let messages = [0, 1].map(|at| number(&targets[at], "messages"));
    assert_eq!(messages.iter().sum::<f64>(), number(&result, "messages"));
    assert!(messages[0] > 0.0, "{targets}");
    assert!(number(&targets[1], "errors") > 0.0, "{targets}");
}
