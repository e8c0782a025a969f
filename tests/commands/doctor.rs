//! `portlab doctor`: the real command, on this machine and on servers of this test.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream, ToSocketAddrs},
    os::fd::AsRawFd,
    process::Output,
    thread,
};

use portlab_sys::socket::accept_queue;
use serde_json::{Value, json};
use socket2::{Domain, Socket, Type};

use portlab_testkit::{listener, portlab, refused, says, shell, stderr, words};

fn doctor(arguments: &[&str]) -> Output {
    portlab(&[&["doctor"], arguments].concat())
}

/// The output of a command, with single spaces; it must exit with `code`.
#[track_caller]
pub(super) fn printed(arguments: &[&str], code: i32) -> String {
    let output = portlab(arguments);
    let errors = stderr(&output);
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(code), "{text}{errors}");
    assert_eq!(errors, "");
    assert!(
        !text.contains('\x1b'),
        "colours without a terminal: {text:?}"
    );
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[track_caller]
fn said(arguments: &[&str], code: i32) -> String {
    printed(&[&["doctor"], arguments].concat(), code)
}

/// Runs the command with the words of `line`, which must exit with `code`, and asserts that its output has all `parts`.
#[track_caller]
fn tells(line: &str, code: i32, parts: &[&str]) {
    says(&said(&words(line), code), parts);
}

fn json(arguments: &[&str]) -> Value {
    portlab_testkit::json(&doctor(&[arguments, &["--json"]].concat()))
}

/// Asserts that `found` has the values of `expected` at its paths.
#[track_caller]
fn has(found: &Value, expected: &Value) {
    for (path, value) in expected.as_object().unwrap() {
        assert_eq!(found.pointer(path), Some(value), "{path} of {found}");
    }
}

/// The grade of a step or a check.
#[track_caller]
fn grade<'a>(of: &'a Value, key: &str) -> &'a str {
    let mut all = of.as_array().unwrap().iter();
    let found = all.find(|it| it["check"] == key);
    found.unwrap_or_else(|| panic!("no {key} in {of}"))["grade"]
        .as_str()
        .unwrap()
}

/// A listener at loopback, and its address.
fn listening() -> (TcpListener, String) {
    let door = listener();
    let addr = door.local_addr().unwrap().to_string();
    (door, addr)
}

/// Binds a socket at loopback that doesn't listen: no other program can get its port.
fn bound() -> (Socket, SocketAddr) {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    socket.bind(&any.into()).unwrap();
    let addr = socket.local_addr().unwrap().as_socket().unwrap();
    (socket, addr)
}

/// Connects to `addr`, and waits until the connection is in the accept queue of `door`.
fn waiting(door: &impl AsRawFd, addr: impl ToSocketAddrs) -> TcpStream {
    let client = TcpStream::connect(addr).unwrap();
    while accept_queue(door).unwrap() == 0 {
        thread::yield_now();
    }
    client
}

/// Serves one connection: sends `words`, and returns the bytes that it receives to the end, and its listener.
fn server(words: &'static [u8]) -> (thread::JoinHandle<(Vec<u8>, TcpListener)>, String) {
    let (door, addr) = listening();
    let served = thread::spawn(move || (serve_one(&door, words), door));
    (served, addr)
}

fn serve_one(door: &TcpListener, words: &[u8]) -> Vec<u8> {
    let (mut stream, _) = door.accept().unwrap();
    stream.write_all(words).unwrap();
    let mut received = Vec::new();
    let _ = stream.read_to_end(&mut received);
    received
}

#[test]
fn a_server_of_this_machine_is_examined_without_a_connection() {
    let (door, addr) = listening();
    door.set_nonblocking(true).unwrap();
    let line = format!("{addr} --lang=en");
    tells(&line, 0, &["not tried", "A program listens at"]);
    let line = format!("{addr} --lang=zh");
    tells(&line, 0, &["没有去连", "有程序在监听"]);
    let all = json(&[&addr]);
    let expected = json!({"/is_reached": true, "/attempts/0/outcome": "listens"});
    has(&all, &expected);
    let expected = json!({
        "/connect_ns": null,
        "/first": null,
        "/is_accepted": null,
        "/listener_has_ended": null,
        "/listener/queued_connections": 0,
    });
    has(&all["attempts"][0], &expected);
    // No client has connected.
    let error = door.accept().unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::WouldBlock);
}

#[test]
fn a_server_that_an_empty_connection_ends_is_reported() {
    // It serves one client and exits.
    let one_shot = || {
        let (door, addr) = listening();
        (thread::spawn(move || serve_one(&door, b"")), addr)
    };
    let (served, addr) = one_shot();
    let look = said(&[&addr, "--lang=en"], 0);
    assert!(!look.contains("ended"), "{look}");
    let sentence = "the program ended when the connection was closed: it serves one client and exits, or an empty read ends it";
    let line = format!("{addr} --lang=en --connect --timeout=1m");
    tells(&line, 1, &[sentence, "has ended since"]);
    served.join().unwrap();

    let (served, addr) = one_shot();
    let line = format!("{addr} --lang=zh --connect --timeout=1m");
    tells(&line, 1, &["doctor 一断开，程序就结束了"]);
    served.join().unwrap();

    let (served, addr) = one_shot();
    let output = doctor(&[&addr, "--connect", "--timeout=1m", "--json"]);
    let all = portlab_testkit::json(&output);
    assert_eq!(output.status.code(), Some(1));
    let expected = json!({"/is_reached": true, "/attempts/0/listener_has_ended": true});
    has(&all, &expected);
    assert_eq!(grade(&all["steps"], "afterwards"), "problem");
    served.join().unwrap();
}

#[test]
fn a_server_that_sends_first_is_reached_and_gets_no_byte() {
    let (served, addr) = server("220 你好\x1b[2J\r\n".as_bytes());
    let pid = format!("(pid {}) listens at {addr}", std::process::id());
    tells(
        &format!("{addr} --lang=en --connect"),
        0,
        &[
            "is an IP address",
            "this machine itself",
            &pid,
            "connected after",
            "has accepted",
            "sends first: “220 你好␛[2J”",
            "still listens after the connection was closed",
            "can be reached.",
        ],
    );
    assert_eq!(served.join().unwrap().0, b"");

    let (served, addr) = server(b"hello\n");
    let all = json(&[&addr, "--connect"]);
    let expected = json!({
        "/is_reached": true,
        "/attempts/0/outcome": "connected",
        "/attempts/0/first": "words",
        "/attempts/0/first_words_bytes": 6,
        "/attempts/0/is_accepted": true,
        "/attempts/0/listener_has_ended": false,
        "/attempts/0/listener/programs/0/pids/0": std::process::id(),
    });
    has(&all, &expected);
    assert!(all["attempts"][0]["connect_ns"].as_u64().unwrap() > 0);
    served.join().unwrap();
}

#[test]
fn a_server_that_sends_nothing_first_is_reached() {
    let (served, addr) = server(b"");
    // A server that is slow to accept, on a busy machine, has a minute to do it.
    let line = format!("{addr} --lang=zh --connect --timeout=1m");
    tells(&line, 0, &["不先发送", "可以连上"]);
    assert_eq!(served.join().unwrap().0, b"");
}

#[test]
fn a_server_that_closes_at_once_is_a_note() {
    let (door, addr) = listening();
    let served = thread::spawn(move || {
        drop(door.accept().unwrap());
        door
    });
    let all = json(&[&addr, "--connect"]);
    served.join().unwrap();
    assert_eq!(all["attempts"][0]["first"], "closed");
    assert_eq!(grade(&all["steps"], "first_words"), "note");
}

#[test]
fn a_server_that_never_accepts_is_a_problem() {
    let (door, addr) = listening();
    let earlier = waiting(&door, &addr);
    let problem = "the server doesn't accept";
    // The waiting connection shows it without another one.
    let line = format!("{addr} --timeout=50ms --lang=en");
    let parts = [problem, "in its queue: 1", "but it doesn't accept"];
    tells(&line, 1, &parts);
    // The same address in IPv6's form is the same listener, with the same queue.
    let mapped = format!("[::ffff:127.0.0.1]:{}", door.local_addr().unwrap().port());
    let all = json(&[&mapped, "--timeout=50ms"]);
    let expected = json!({"/queued_before_connections": 1, "/is_accepted": false});
    has(&all["attempts"][0], &expected);
    let line = line + " --connect";
    let parts = [problem, "1 before, 2 now", "doesn't accept the connection"];
    tells(&line, 1, &parts);
    let all = json(&[&addr, "--timeout=50ms"]);
    let expected = json!({"/outcome": "listens", "/is_accepted": false});
    has(&all["attempts"][0], &expected);
    assert_eq!(all["is_reached"], false);
    assert_eq!(grade(&all["steps"], "accept"), "problem");
    drop((door, earlier));
}

#[test]
fn a_server_that_takes_waiting_connections_is_fine() {
    let (door, addr) = listening();
    let earlier = waiting(&door, &addr);
    thread::scope(|scope| {
        let asked = scope.spawn(|| json(&[&addr, "--timeout=1m"]));
        // The doctor has seen it wait, or it sees an empty queue: the test passes in both cases.
        thread::sleep(std::time::Duration::from_millis(100));
        let accepted = door.accept().unwrap();
        let all = asked.join().unwrap();
        assert_eq!(all["is_reached"], true);
        assert_ne!(all["attempts"][0]["is_accepted"], false);
        drop(accepted);
    });
    drop(earlier);
}

#[test]
fn a_full_accept_queue_is_distinguished_from_a_firewall() {
    let (door, addr) = bound();
    // Linux takes one more than it is asked for.
    door.listen(0).unwrap();
    let waiting = waiting(&door, addr);
    let asked = format!("{addr} --timeout=100ms");
    let line = format!("{asked} --lang=en");
    tells(&line, 1, &["its accept queue is full (1 wait"]);
    let line = format!("{asked} --lang=en --connect");
    tells(&line, 1, &["the accept queue is full (1 wait"]);
    tells(&format!("{asked} --lang=zh"), 1, &["队列满了（有 1 个"]);
    let all = json(&[&addr.to_string(), "--timeout=100ms", "--connect"]);
    assert_eq!(all["attempts"][0]["outcome"], "timed-out");
    drop(waiting);
}

#[test]
fn a_refused_port_names_the_listeners_nearby_and_elsewhere() {
    let (_bound, closed) = bound();
    let port = closed.port();
    let none = format!("no program listens on port {port}");
    let start = format!("portlab serve --bind {closed}");
    tells(&format!("{closed} --lang=en"), 1, &[&none, &start]);
    tells(&format!("{port} --lang=zh"), 1, &["被拒绝", "127.0.0.1"]);

    let (door, addr) = listening();
    let other = format!("127.0.0.2:{}", door.local_addr().unwrap().port());
    let (only, pid) = (
        format!("only at {addr}"),
        format!("(pid {})", std::process::id()),
    );
    tells(&format!("{other} --lang=en"), 1, &[&only, &pid]);
    let all = json(&[&other]);
    let expected = json!({"/outcome": "refused", "/listener": null});
    has(&all["attempts"][0], &expected);
}

#[test]
fn a_connection_to_all_addresses_reaches_loopback_and_its_listener() {
    let (served, addr) = server(b"hello\n");
    let port = addr.rsplit_once(':').unwrap().1;
    let all = json(&[&format!("0.0.0.0:{port}"), "--connect"]);
    let attempt = &all["attempts"][0];
    has(
        attempt,
        &json!({"/outcome": "connected", "/place": "loopback"}),
    );
    assert_eq!(attempt["listener"]["port"].to_string(), port);
    served.join().unwrap();
}

/// A port of 127.0.0.1 whose only trace is a connection in TIME-WAIT, of a server that did or did not set
/// SO_REUSEADDR; `None` where the kernel keeps none.
fn in_time_wait(reuses: bool) -> Option<SocketAddr> {
    let (door, addr) = bound();
    door.set_reuse_address(reuses).unwrap();
    door.listen(1).unwrap();
    let client = TcpStream::connect(addr).unwrap();
    // The side that closes first keeps the connection in TIME-WAIT.
    drop(door.accept().unwrap());
    drop((client, door));
    let is_left = || {
        let all = portlab_sys::sockets::sockets_at(addr.port()).unwrap();
        all.iter()
            .any(|it| it.local == addr && it.state_name() == "TIME-WAIT")
    };
    while portlab_sys::time_wait::has_room() {
        if is_left() {
            return Some(addr);
        }
        thread::yield_now();
    }
    None
}

#[test]
fn a_port_in_time_wait_is_reported_with_the_time_and_the_remedy() {
    for (reuses, en, zh) in [
        (false, "fails, even with SO_REUSEADDR", "也没用"),
        (true, "works only with SO_REUSEADDR", "才能 bind"),
    ] {
        let Some(addr) = in_time_wait(reuses) else {
            return;
        };
        let addr = addr.to_string();
        let remembered = "1 closed connection is remembered";
        let parts = ["no program listens", remembered, "for another", en];
        tells(&format!("{addr} --lang=en"), 1, &parts);
        tells(&format!("{addr} --lang=zh"), 1, &["TIME-WAIT", zh]);
        let left = &json(&[&addr])["attempts"][0]["left_behind"];
        has(
            left,
            &json!({"/time_wait_connections": 1, "/can_bind_with_reuseaddr": reuses}),
        );
        assert!((1..=60_000_000_000).contains(&left["time_wait_left_ns"].as_u64().unwrap()));
        // The report about bind() is right: portlab serve sets SO_REUSEADDR.
        if !reuses {
            let text = refused(&["serve", "--model=threads", "--bind", &addr]);
            says(&text, &["TIME-WAIT", "try --bind"]);
        }
    }
}

#[test]
fn a_port_that_receives_udp_only_is_reported() {
    let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let port = socket.local_addr().unwrap().port();
    let receives = format!("(pid {}) receives UDP there", std::process::id());
    tells(&format!("{port} --lang=en"), 1, &[&receives]);
    tells(&format!("{port} --lang=zh"), 1, &["接收 UDP"]);
}

#[test]
fn an_unknown_name_is_reported() {
    let all = json(&["nosuch.invalid:80"]);
    let name = all["name"].as_str().unwrap();
    assert!(["unknown", "unanswered"].contains(&name), "{all}");
    has(&all, &json!({"/is_reached": false, "/attempts": []}));
    tells(
        "nosuch.invalid:80 --lang=zh",
        1,
        &["nosuch.invalid", "IP 地址"],
    );
}

#[test]
fn an_invalid_address_or_timeout_is_refused_with_the_remedy() {
    for (arguments, remedy) in [
        ("localhost", "localhost:8080"),
        ("127.0.0.1:0", "65535"),
        ("127.0.0.1:70000", "65535"),
        ("-1", "127.0.0.1:8080"),
        ("::1", "[::1]:8080"),
        ("http://127.0.0.1:81/", "doctor 127.0.0.1:81"),
        ("127.0.0.1:1 --timeout=0s", "3s"),
        ("127.0.0.1:1 --timeout=3", "10s"),
        ("--timeout=3s", "ADDR"),
        ("127.0.0.1:1 127.0.0.1:2", "'127.0.0.1:2'"),
    ] {
        for lang in ["en", "zh"] {
            let text = refused(&words(&format!("doctor {arguments} --lang={lang}")));
            assert!(text.contains(remedy), "{arguments}: {text}");
        }
    }
}

#[test]
fn this_machine_is_examined_in_words_and_in_json() {
    let all = json(&[]);
    assert_eq!(grade(&all["checks"], "loopback"), "ok");
    let machine = &all["machine"];
    assert!(machine["usable_processors"].as_u64().unwrap() >= 1);
    assert!(machine["memory_total_bytes"].as_u64() >= machine["memory_available_bytes"].as_u64());
    assert_eq!(machine["loopback_works"], true);
    for check in all["checks"].as_array().unwrap() {
        let both = |of: &str| check[of]["en"].is_string() && check[of]["zh"].is_string();
        assert!(both("text"), "{check}");
        assert!(check["grade"] == "ok" || both("remedy"), "{check}");
    }
    let ready = ["This machine is ready", "no colours, no live screens"];
    tells("--lang=en", 0, &ready);
    tells("--lang=zh", 0, &["这台机器"]);
}

#[test]
fn limits_of_the_shell_and_the_encoding_of_the_locale_are_reported() {
    let run = |script: &str| {
        let output = shell(script);
        (output.status.code(), portlab_testkit::json(&output))
    };
    let (code, few) = run("ulimit -n 200; LC_ALL=C $portlab doctor --json");
    assert_eq!(
        (code, grade(&few["checks"], "open_files")),
        (Some(0), "note")
    );
    assert_eq!(few["machine"]["open_files_hard_limit"], 200);
    // If no connection fits, no number of connections is advised.
    let output = shell("ulimit -n 16; $portlab load 127.0.0.1:1 --messages 1");
    let text = stderr(&output);
    assert_eq!(output.status.code(), Some(2), "{text}");
    says(&text, &["too low for any connection", "prlimit"]);
    assert_eq!(grade(&few["checks"], "letters"), "note");
    let (code, none) = run("ulimit -n 40; LC_ALL=C.UTF-8 $portlab doctor --json");
    assert_eq!((code, none["grade"].as_str()), (Some(1), Some("problem")));
    assert_eq!(grade(&none["checks"], "letters"), "ok");
}
