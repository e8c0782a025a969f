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
    let (result, code) = run(&target, "-c=1 --messages=10 --timeout=2s");
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
fn an_answer_is_matched_by_the_number_that_a_text_contains() {
    // Of ten datagrams, the first is answered after the second, the fifth twice, and the ninth not at all.
    let held = std::sync::Mutex::new(Vec::new());
    let target = datagrams(move |number, sent| {
        let id = String::from_utf8_lossy(&sent[4..]);
        let answer = format!("200 OK {id}").into_bytes();
        match number % 10 {
            1 => {
                *held.lock().unwrap() = answer;
                Vec::new()
            }
            2 => vec![answer, std::mem::take(&mut *held.lock().unwrap())],
            5 => vec![answer; 2],
            9 => Vec::new(),
            _ => vec![answer],
        }
    });
    let args = ["--text=get {seq}", "--expect=datagram&starts:200"];
    let options = words("-c=1 --messages=150 --depth=8 --timeout=1s --json");
    let result = json(&portlab(
        &[&["load", &target], &args[..], &options].concat(),
    ));
    holds(&result, json!({"errors": 0, "datagrams/numbered": true}));
    let found = &result["datagrams"];
    // A busy machine may answer after the timeout: such a message is lost as well, and reported as late.
    assert_eq!(
        number(found, "lost"),
        15.0 + number(found, "late"),
        "{found}"
    );
    assert_eq!(number(found, "duplicates"), 15.0, "{found}");
    assert!(
        number(found, "reordered") + number(found, "late") >= 15.0,
        "{found}"
    );
}

#[test]
fn texts_and_lines_that_differ_are_echoed_and_compared() {
    let file = folder("udp-lines").join("lines");
    fs::write(&file, "one\ntwo\n").unwrap();
    let lines = format!("--lines={}", file.display());
    let target = datagrams(|number, sent| {
        let mut answer = sent.to_vec();
        answer[0] ^= u8::from(number == 3) * 64;
        vec![answer]
    });
    let args = ["load", &target, &lines, "--text=get {line} {seq}", "--json"];
    let options = words("-c=2 --messages=10 --think=1ms --timeout=60s");
    let result = json(&portlab(&[&args[..], &options].concat()));
    holds(
        &result,
        json!({"messages": 10, "errors": 1, "checked": "every_byte", "datagrams/lost": 0}),
    );
    assert_eq!(result["first_mismatch"]["offset"], 0, "{result}");
}

#[test]
fn a_message_without_an_answer_is_sent_to_a_closed_port_as_well() {
    let closed = UdpSocket::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let options = "-c=1 --messages=20 --text=ping --expect=none --timeout=1h";
    let (result, code) = run(&format!("udp://{closed}"), options);
    holds(&result, json!({"messages": 20, "failures/0/errno": 111}));
    assert_eq!(code, 1);
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
        ("--text={rand:8}", "{seq} in --text"),
        ("--size=70000", "doesn't fit into a UDP datagram"),
        ("127.0.0.1:1", "load them in two runs"),
    ] {
        let said = refused(&words(&format!("load udp://127.0.0.1:1 {options}")));
        has(&said, &[part]);
    }
    let said = refused(&words("load 127.0.0.1:1 --expect=datagram"));
    has(&said, &["is for UDP"]);
}
