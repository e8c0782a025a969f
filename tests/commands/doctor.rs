//! What the doctor finds: the real command, on this machine and on servers of this test.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    process::Output,
    thread,
};

use portlab_sys::socket::accept_queue;
use serde_json::Value;
use socket2::{Domain, Socket, Type};

use portlab_testkit::{listener, portlab, refused, shell, stderr};

fn doctor(arguments: &[&str]) -> Output {
    portlab(&[&["doctor"], arguments].concat())
}

/// What the command prints, white space apart, when it ends with `code`.
#[track_caller]
fn said(arguments: &[&str], code: i32) -> String {
    let output = doctor(arguments);
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

fn json(arguments: &[&str]) -> Value {
    portlab_testkit::json(&doctor(&[arguments, &["--json"]].concat()))
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

/// A listener at loopback, and how one calls it.
fn listening() -> (TcpListener, String) {
    let door = listener();
    let addr = door.local_addr().unwrap().to_string();
    (door, addr)
}

/// Serves one connection: says `words`, and returns what it then hears to the end, and its listener.
fn server(words: &'static [u8]) -> (thread::JoinHandle<(Vec<u8>, TcpListener)>, String) {
    let (door, addr) = listening();
    let served = thread::spawn(move || (serve_one(&door, words), door));
    (served, addr)
}

fn serve_one(door: &TcpListener, words: &[u8]) -> Vec<u8> {
    let (mut stream, _) = door.accept().unwrap();
    stream.write_all(words).unwrap();
    let mut heard = Vec::new();
    let _ = stream.read_to_end(&mut heard);
    heard
}

#[test]
fn a_server_of_this_machine_is_examined_without_a_connection() {
    let (door, addr) = listening();
    door.set_nonblocking(true).unwrap();
    for (lang, parts) in [
        ("en", ["not tried", "A program listens at"]),
        ("zh", ["没有去连", "有程序在监听"]),
    ] {
        let text = said(&[&addr, "--lang", lang], 0);
        for part in parts {
            assert!(text.contains(part), "{part:?} is not in {text}");
        }
    }
    let all = json(&[&addr]);
    let attempt = &all["attempts"][0];
    assert_eq!(
        (&all["is_reached"], &attempt["outcome"]),
        (&true.into(), &"listens".into())
    );
    for unknown in ["connect_ns", "first", "is_accepted", "listener_has_ended"] {
        assert_eq!(attempt[unknown], Value::Null, "{unknown}");
    }
    assert_eq!(attempt["listener"]["queued_connections"], 0);
    // Nobody has called.
    let error = door.accept().unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::WouldBlock);
}

#[test]
fn a_server_that_an_empty_connection_ends_is_told_to_have_ended() {
    // It serves one client and exits.
    let one_shot = || {
        let (door, addr) = listening();
        (thread::spawn(move || serve_one(&door, b"")), addr)
    };
    let (served, addr) = one_shot();
    let look = said(&[&addr, "--lang=en"], 0);
    assert!(!look.contains("ended"), "{look}");
    let text = said(&[&addr, "--lang=en", "--connect", "--timeout=1m"], 1);
    let sentence = "the program ended when the connection was closed: it serves one client and exits, or an empty read ends it";
    assert!(
        text.contains(sentence) && text.contains("has ended since"),
        "{text}"
    );
    served.join().unwrap();

    let (served, addr) = one_shot();
    let text = said(&[&addr, "--lang=zh", "--connect", "--timeout=1m"], 1);
    assert!(text.contains("我们一断开，它就结束了"), "{text}");
    served.join().unwrap();

    let (served, addr) = one_shot();
    let output = doctor(&[&addr, "--connect", "--timeout=1m", "--json"]);
    let all: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(all["attempts"][0]["listener_has_ended"], true);
    assert_eq!(
        (&all["is_reached"], grade(&all["steps"], "afterwards")),
        (&true.into(), "problem")
    );
    served.join().unwrap();
}

#[test]
fn a_server_that_speaks_first_is_reached_and_heard_and_nothing_is_said_to_it() {
    let (served, addr) = server("220 你好\x1b[2J\r\n".as_bytes());
    let text = said(&[&addr, "--lang=en", "--connect"], 0);
    let pid = format!("(pid {}) listens at {addr}", std::process::id());
    for part in [
        "is an IP address",
        "this machine itself",
        &pid,
        "connected after",
        "has accepted",
        "sends first: “220 你好␛[2J”",
        "still listens after the connection was closed",
        "can be reached.",
    ] {
        assert!(text.contains(part), "{part:?} is not in {text}");
    }
    assert_eq!(served.join().unwrap().0, b"");

    let (served, addr) = server(b"hello\n");
    let all = json(&[&addr, "--connect"]);
    let attempt = &all["attempts"][0];
    assert_eq!(all["is_reached"], true);
    assert_eq!(
        (&attempt["outcome"], &attempt["first"]),
        (&"connected".into(), &"words".into())
    );
    assert_eq!(attempt["first_words_bytes"], 6);
    assert_eq!(attempt["is_accepted"], true);
    assert_eq!(attempt["listener_has_ended"], false);
    assert!(attempt["connect_ns"].as_u64().unwrap() > 0);
    assert_eq!(
        attempt["listener"]["programs"][0]["pids"][0],
        std::process::id()
    );
    served.join().unwrap();
}

#[test]
fn a_silent_server_is_as_well() {
    let (served, addr) = server(b"");
    // A server that is slow to accept, on a busy machine, has a minute to do it.
    let text = said(&[&addr, "--lang=zh", "--connect", "--timeout=1m"], 0);
    assert!(
        text.contains("不先说话") && text.contains("可以连上"),
        "{text}"
    );
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
fn a_server_that_never_accepts_is_called_deaf() {
    let (door, addr) = listening();
    let earlier = TcpStream::connect(&addr).unwrap();
    while accept_queue(&door).unwrap() == 0 {
        thread::yield_now();
    }
    // The connection that waits already tells.
    let text = said(&[&addr, "--timeout=50ms", "--lang=en"], 1);
    for part in [
        "the server doesn't accept",
        "in its queue: 1",
        "but it doesn't accept",
    ] {
        assert!(text.contains(part), "{part:?} is not in {text}");
    }
    // The same address in IPv6's form is the same listener, with the same queue.
    let mapped = format!("[::ffff:127.0.0.1]:{}", door.local_addr().unwrap().port());
    let attempt = &json(&[&mapped, "--timeout=50ms"])["attempts"][0];
    assert_eq!(
        (
            &attempt["queued_before_connections"],
            &attempt["is_accepted"]
        ),
        (&1.into(), &false.into())
    );
    let text = said(&[&addr, "--timeout=50ms", "--lang=en", "--connect"], 1);
    for part in [
        "the server doesn't accept",
        "1 before, 2 now",
        "doesn't take the connection",
    ] {
        assert!(text.contains(part), "{part:?} is not in {text}");
    }
    let all = json(&[&addr, "--timeout=50ms"]);
    assert_eq!(all["attempts"][0]["outcome"], "listens");
    assert_eq!(all["attempts"][0]["is_accepted"], false);
    assert_eq!(
        (&all["is_reached"], grade(&all["steps"], "accept")),
        (&false.into(), "problem")
    );
    drop((door, earlier));
}

#[test]
fn a_server_that_takes_those_who_wait_is_not_deaf() {
    let (door, addr) = listening();
    let earlier = TcpStream::connect(&addr).unwrap();
    while accept_queue(&door).unwrap() == 0 {
        thread::yield_now();
    }
    thread::scope(|scope| {
        let asked = scope.spawn(|| json(&[&addr, "--timeout=1m"]));
        // The doctor has seen it wait, or it sees an empty queue.
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
fn a_full_accept_queue_is_told_from_a_firewall() {
    let door = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    door.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into())
        .unwrap();
    // Linux takes one more than it is asked for.
    door.listen(0).unwrap();
    let addr = door.local_addr().unwrap().as_socket().unwrap();
    let waiting = TcpStream::connect(addr).unwrap();
    while accept_queue(&door).unwrap() == 0 {
        thread::yield_now();
    }
    let addr = addr.to_string();
    let text = said(&[&addr, "--timeout=100ms", "--lang=en"], 1);
    assert!(text.contains("its accept queue is full (1 wait"), "{text}");
    let text = said(&[&addr, "--timeout=100ms", "--lang=en", "--connect"], 1);
    assert!(text.contains("the accept queue is full (1 wait"), "{text}");
    let text = said(&[&addr, "--timeout=100ms", "--lang=zh"], 1);
    assert!(text.contains("等待队列满了（有 1 个"), "{text}");
    assert_eq!(
        json(&[&addr, "--timeout=100ms", "--connect"])["attempts"][0]["outcome"],
        "timed-out"
    );
    drop(waiting);
}

#[test]
fn a_refused_port_names_who_listens_nearby_and_where() {
    // Bound, so that nobody else gets it, and not listened on.
    let bound = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    bound
        .bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into())
        .unwrap();
    let closed = bound.local_addr().unwrap().as_socket().unwrap();
    let text = said(&[&closed.to_string(), "--lang=en"], 1);
    let port = closed.port();
    assert!(
        text.contains(&format!("no program listens on port {port}")),
        "{text}"
    );
    assert!(
        text.contains(&format!("portlab serve --bind {closed}")),
        "{text}"
    );
    let alone = said(&[&port.to_string(), "--lang=zh"], 1);
    assert!(
        alone.contains("被拒绝") && alone.contains("127.0.0.1"),
        "{alone}"
    );

    let (door, addr) = listening();
    let port = door.local_addr().unwrap().port();
    let other = format!("127.0.0.2:{port}");
    let text = said(&[&other, "--lang=en"], 1);
    assert!(text.contains(&format!("only at {addr}")), "{text}");
    assert!(
        text.contains(&format!("(pid {})", std::process::id())),
        "{text}"
    );
    let attempt = &json(&[&other])["attempts"][0];
    assert_eq!(
        (&attempt["outcome"], &attempt["listener"]),
        (&"refused".into(), &Value::Null)
    );
}

#[test]
fn who_calls_at_all_addresses_reaches_loopback_and_its_listener() {
    let (served, addr) = server(b"hello\n");
    let port = addr.rsplit_once(':').unwrap().1;
    let all = json(&[&format!("0.0.0.0:{port}"), "--connect"]);
    let attempt = &all["attempts"][0];
    assert_eq!(
        (&attempt["outcome"], &attempt["place"]),
        (&"connected".into(), &"loopback".into())
    );
    assert_eq!(attempt["listener"]["port"].to_string(), port);
    served.join().unwrap();
}

/// A port of 127.0.0.1 whose only trace is a connection in TIME-WAIT, of a server that did or did not set
/// SO_REUSEADDR; `None` where the kernel keeps none.
fn in_time_wait(reuses: bool) -> Option<SocketAddr> {
    let door = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    door.set_reuse_address(reuses).unwrap();
    let own = SocketAddr::from(([127, 0, 0, 1], 0));
    door.bind(&own.into()).unwrap();
    door.listen(1).unwrap();
    let addr = door.local_addr().unwrap().as_socket().unwrap();
    let client = TcpStream::connect(addr).unwrap();
    // The end that closes first stays behind.
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
fn a_port_in_time_wait_is_told_with_the_time_and_with_what_helps() {
    for (reuses, en, zh) in [
        (false, "fails, even with SO_REUSEADDR", "也没用"),
        (true, "works only with SO_REUSEADDR", "才能 bind"),
    ] {
        let Some(addr) = in_time_wait(reuses) else {
            return;
        };
        let addr = addr.to_string();
        let text = said(&[&addr, "--lang=en"], 1);
        for part in [
            "no program listens",
            "1 closed connection is remembered",
            "for another",
            en,
        ] {
            assert!(text.contains(part), "{part:?} is not in {text}");
        }
        let text = said(&[&addr, "--lang=zh"], 1);
        assert!(text.contains("TIME-WAIT") && text.contains(zh), "{text}");
        let left = &json(&[&addr])["attempts"][0]["left_behind"];
        assert_eq!(left["time_wait_connections"], 1);
        assert_eq!(left["can_bind_with_reuseaddr"], reuses);
        assert!((1..=60_000_000_000).contains(&left["time_wait_left_ns"].as_u64().unwrap()));
        // What is said of bind() is so: portlab serve sets SO_REUSEADDR.
        if !reuses {
            let text = refused(&["serve", "--model=threads", "--bind", &addr]);
            assert!(
                text.contains("TIME-WAIT") && text.contains("try --bind"),
                "{text}"
            );
        }
    }
}

#[test]
fn a_port_that_only_receives_udp_is_told_to_be_so() {
    let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let port = socket.local_addr().unwrap().port().to_string();
    let text = said(&[&port, "--lang=en"], 1);
    let who = format!("(pid {}) receives UDP there", std::process::id());
    assert!(text.contains(&who), "{text}");
    assert!(said(&[&port, "--lang=zh"], 1).contains("接收 UDP"));
}

#[test]
fn a_name_that_nobody_knows_is_said_to_be_so() {
    let all = json(&["nosuch.invalid:80"]);
    assert!(
        ["unknown", "unanswered"].contains(&all["name"].as_str().unwrap()),
        "{all}"
    );
    assert_eq!(
        (&all["is_reached"], &all["attempts"]),
        (&false.into(), &serde_json::json!([]))
    );
    let text = said(&["nosuch.invalid:80", "--lang=zh"], 1);
    assert!(
        text.contains("nosuch.invalid") && text.contains("IP 地址"),
        "{text}"
    );
}

#[test]
fn what_is_no_address_is_refused_with_the_remedy() {
    for (arguments, remedy) in [
        (&["localhost"][..], "localhost:8080"),
        (&["127.0.0.1:0"], "65535"),
        (&["127.0.0.1:70000"], "65535"),
        (&["-1"], "127.0.0.1:8080"),
        (&["::1"], "[::1]:8080"),
        (&["http://127.0.0.1:81/"], "doctor 127.0.0.1:81"),
        (&["127.0.0.1:1", "--timeout=0s"], "3s"),
        (&["127.0.0.1:1", "--timeout=3"], "10s"),
        (&["--timeout=3s"], "ADDR"),
        (&["127.0.0.1:1", "127.0.0.1:2"], "unexpected"),
    ] {
        for lang in ["--lang=en", "--lang=zh"] {
            let output = doctor(&[arguments, &[lang]].concat());
            let text = String::from_utf8_lossy(&output.stderr).into_owned();
            assert_eq!(output.status.code(), Some(2), "{arguments:?}: {text}");
            assert!(output.stdout.is_empty(), "{arguments:?}");
            assert!(text.contains(remedy), "{arguments:?}: {text}");
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
    let english = said(&["--lang=en"], 0);
    let chinese = said(&["--lang=zh"], 0);
    assert!(english.contains("This machine is ready"), "{english}");
    assert!(chinese.contains("这台机器"), "{chinese}");
    assert!(english.contains("no colours, no live screens"), "{english}");
}

#[test]
fn limits_of_the_shell_and_letters_of_the_locale_are_seen() {
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
    // Where nothing fits, nothing is advised that can't be.
    let output = shell("ulimit -n 16; $portlab load 127.0.0.1:1 --messages 1");
    let text = stderr(&output);
    assert_eq!(output.status.code(), Some(2), "{text}");
    assert!(
        text.contains("too low for any connection") && text.contains("prlimit"),
        "{text}"
    );
    assert_eq!(grade(&few["checks"], "letters"), "note");
    let (code, none) = run("ulimit -n 40; LC_ALL=C.UTF-8 $portlab doctor --json");
    assert_eq!((code, none["grade"].as_str()), (Some(1), Some("problem")));
    assert_eq!(grade(&none["checks"], "letters"), "ok");
}
