//! What numbers mean and who listens: the real command, on real sockets of this test.

use std::{
    net::{TcpListener, TcpStream, UdpSocket},
    process::{Command, Output, Stdio},
};

use serde_json::Value;
use unicode_width::UnicodeWidthStr;

use portlab_testkit::{Running, binary, command, folder, listener, once, says, shell, stderr};

fn portlab(arguments: &[&str]) -> Output {
    portlab_testkit::portlab(&[&["ports"], arguments].concat())
}

/// What the command prints when it goes well, white space apart.
#[track_caller]
fn said(arguments: &[&str]) -> String {
    let output = portlab(arguments);
    let errors = stderr(&output);
    assert_eq!((output.status.code(), errors.as_str()), (Some(0), ""));
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(
        !text.contains('\x1b'),
        "colours without a terminal: {text:?}"
    );
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn json(arguments: &[&str]) -> Value {
    portlab_testkit::json(&portlab(&[arguments, &["--json"]].concat()))
}

/// The listener of `port` in a listing or a meaning.
fn listed(from: &Value, port: u16) -> &Value {
    let all = from["listeners"].as_array().unwrap();
    let mut of_port = all.iter().filter(|it| it["port"] == port);
    let found = of_port
        .next()
        .unwrap_or_else(|| panic!("{port} is not in {all:?}"));
    assert_eq!(of_port.next(), None);
    found
}

#[test]
fn who_listens_is_listed_with_its_process_and_its_connections() {
    // A process of its own holds the port: this one holds its sockets twice whenever another test starts a program.
    let server = Running::serve(&["--model=iterative"]);
    let port = server.addr.port();
    let clients = [(); 3].map(|()| server.connect());
    let all = once(|| {
        let all = json(&[]);
        let found = listed(&all, port);
        let connections = [
            &found["established_connections"],
            &found["queued_connections"],
        ];
        if connections.map(Value::as_u64) == [Some(3), Some(2)] {
            Ok(all)
        } else {
            Err(all)
        }
    });
    let found = listed(&all, port);
    assert_eq!(found["addresses"], serde_json::json!(["127.0.0.1"]));
    let program = &found["programs"][0];
    assert_eq!(program["pids"], serde_json::json!([server.pid()]));
    // The callers' ports, and this one, are of those that the system hands out.
    let handed_out = &all["handed_out"];
    assert!(handed_out["in_use_ports"].as_u64().unwrap() >= 4, "{all}");
    assert!(handed_out["first_port"].as_u64() < handed_out["last_port"].as_u64());

    let name = program["name"].as_str().unwrap();
    let row = format!("{port} 127.0.0.1 {name} (pid {}) 3 2", server.pid());
    for lang in ["en", "zh"] {
        let text = said(&["--lang", lang]);
        assert!(text.contains(&row), "{row:?} is not in {text}");
    }
    drop(clients);
}

#[test]
fn a_listener_at_all_addresses_stands_in_one_row() {
    let Ok(v6) = TcpListener::bind("[::1]:0") else {
        return;
    };
    let port = v6.local_addr().unwrap().port();
    let Ok(_v4) = TcpListener::bind(("127.0.0.1", port)) else {
        return;
    };
    let all = json(&[]);
    let addresses = &listed(&all, port)["addresses"];
    assert_eq!(*addresses, serde_json::json!(["127.0.0.1", "::1"]));
}

#[test]
fn processes_that_share_a_port_are_shown_together() {
    let mut server = Running::serve(&["--model=prefork", "--workers=3"]);
    let port = &server.addr.port().to_string();
    // The children are forked after the line, one after the other.
    let meaning = once(|| {
        let meaning = json(&[port]);
        let pids = &meaning["ports"][0]["listeners"][0]["programs"][0]["pids"];
        match pids.as_array().map(Vec::len) {
            Some(4) => Ok(meaning),
            _ => Err(meaning),
        }
    });
    let programs = meaning["ports"][0]["listeners"][0]["programs"]
        .as_array()
        .unwrap();
    assert_eq!(programs.len(), 1, "{programs:?}");
    assert_eq!(programs[0]["pids"][0], server.pid());
    let text = said(&[port, "--lang=en"]);
    let row = format!(
        "portlab (pid {} +3) listens at 127.0.0.1:{port}",
        server.pid()
    );
    says(&text, &[&row]);
    portlab_sys::spawn::signal(&mut server.child, portlab_sys::spawn::Signal::TERM).unwrap();
    assert_eq!(server.child.wait().unwrap().code(), Some(0));
}

#[test]
fn a_program_that_receives_udp_is_listed_apart() {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let port = socket.local_addr().unwrap().port();
    // A program that another test starts holds a copy of the socket for a moment.
    let all = once(|| {
        let all = json(&[]);
        let found = all["udp_receivers"].as_array().unwrap();
        let found = found.iter().find(|it| it["port"] == port).unwrap();
        let alone = found["programs"][0]["pids"] == serde_json::json!([std::process::id()]);
        if alone { Ok(all) } else { Err(all) }
    });
    assert!(
        all["listeners"]
            .as_array()
            .unwrap()
            .iter()
            .all(|it| it["port"] != port)
    );
    for (lang, here) in [("en", "receives at"), ("zh", "接收")] {
        let text = said(&["--lang", lang]);
        says(&text, &[&format!("{port} 127.0.0.1")]);
        let pid = format!("(pid {})", std::process::id());
        once(|| {
            let text = said(&[&port.to_string(), "--lang", lang]);
            let is_said = text.contains(here) && text.contains(&pid);
            if is_said { Ok(()) } else { Err(text) }
        });
    }
}

#[test]
fn the_messenger_of_the_classroom_is_known_by_number_and_by_name() {
    for asked in ["2425", "飞秋", "飞鸽传书", "feiq", "ipmsg", "IP-Messenger"] {
        let text = said(&[asked, "--lang=en"]);
        for part in ["2425", "IP Messenger", "UDP", "TCP"] {
            assert!(text.contains(part), "{asked}: {part:?} is not in {text}");
        }
        let text = said(&[asked, "--lang=zh"]);
        says(&text, &["飞秋", "UDP"]);
    }
}

#[test]
fn a_port_with_open_connections_and_no_listener_cannot_be_bound_and_says_why() {
    let door = listener();
    let addr = door.local_addr().unwrap();
    let client = TcpStream::connect(addr).unwrap();
    let served = door.accept().unwrap();
    drop(door);
    let port = addr.port().to_string();
    // A program that another test starts holds a copy of the listener for a moment.
    let text = once(|| {
        let text = said(&[&port, "--lang=en"]);
        if text.contains("no program listens") {
            Ok(text)
        } else {
            Err(text)
        }
    });
    let pid = format!("(pid {})", std::process::id());
    says(
        &text,
        &[
            "no program listens on it here",
            "1 connection is still open there",
            &pid,
            "until they are closed",
        ],
    );
    let text = said(&[&port, "--lang=zh"]);
    says(&text, &["还有 1 个连接没有关完"]);
    let left = &json(&[&port])["ports"][0]["left_behind"];
    assert_eq!(
        (&left["open_connections"], &left["time_wait_connections"]),
        (&1.into(), &0.into())
    );
    drop((client, served));
}

#[test]
fn a_program_that_calls_itself_something_odd_is_shown_without_power() {
    // A program is called as its file is.
    let file = folder("name").join("a\u{202e}\u{3164}\x1b[b");
    std::os::unix::fs::symlink(binary(), &file).unwrap();
    let mut command = Command::new(&file);
    command.args(["serve", "--model=threads", "--bind=127.0.0.1:0", "--json"]);
    let server = Running::start(command.stderr(Stdio::null()));
    let port = &server.addr.port().to_string();
    let text = said(&[port, "--lang=en"]);
    says(&text, &[&format!("a???[b (pid {})", server.pid())]);
}

#[test]
fn numbers_are_explained_in_both_languages() {
    let english = said(&["21", "8080", "50000", "0", "--lang=en"]);
    says(
        &english,
        &[
            "21 ftp file transfer (FTP)",
            "well known (0-1023)",
            "system ports",
            "8080 http-alt",
            "it calls 1024-49151 registered",
            "50000 no well-known service uses it",
            "to IANA (49152-65535)",
            "every user may listen",
            "\"let the system choose\"",
            "no client can connect to port 0",
        ],
    );
    let chinese = said(&["21", "8080", "50000", "0", "--lang=zh"]);
    for part in [
        "21 ftp 文件传输协议",
        "知名端口号（0-1023）",
        "8080 http-alt",
        "注册端口",
        "没有哪个常见的服务固定用它",
        "IANA（49152-65535）",
        "任何用户的程序都能监听它",
        "没有程序能连接到端口 0",
    ] {
        let tight = chinese.replace(' ', "");
        assert!(
            tight.contains(&part.replace(' ', "")),
            "{part:?} is not in {chinese}"
        );
    }
}

#[test]
fn numbers_are_explained_in_json_whatever_the_language() {
    let all = json(&["21", "http", "50000", "0", "--lang=zh"]);
    let ports = all["ports"].as_array().unwrap();
    let told: Vec<_> = ports
        .iter()
        .map(|it| {
            [&it["port"], &it["class"], &it["iana_class"]]
                .map(ToString::to_string)
                .join(" ")
        })
        .collect();
    assert_eq!(
        told,
        [
            r#"21 "well-known" "system""#,
            r#"80 "well-known" "system""#,
            r#"50000 "dynamic" "dynamic""#,
            r#"0 "well-known" "system""#,
        ]
    );
    assert_eq!(ports[0]["purpose"]["en"], "file transfer (FTP)");
    assert_eq!(ports[0]["purpose"]["zh"], "文件传输协议 FTP");
    assert_eq!(ports[3]["needs_root"], false);
    // What is handed out is as the system says: a port of its own choice is.
    let door = listener();
    let own = door.local_addr().unwrap().port().to_string();
    assert_eq!(json(&[&own])["ports"][0]["is_handed_out"], true);
    assert_eq!(json(&["1"])["ports"][0]["is_handed_out"], false);
}

#[test]
fn what_is_no_port_is_refused_with_the_remedy() {
    for (argument, en, zh) in [
        ("70000", "0 to 65535", "0 到 65535"),
        ("-1", "0 to 65535", "0 到 65535"),
        ("htpp", "did you mean http", "是想写 http"),
        ("no such", "such as http", "比如 http"),
    ] {
        for (lang, remedy) in [("en", en), ("zh", zh)] {
            let output = portlab(&["21", argument, "--lang", lang]);
            let text = String::from_utf8_lossy(&output.stderr).into_owned();
            assert_eq!(output.status.code(), Some(2), "{text}");
            assert!(output.stdout.is_empty());
            says(&text, &[argument, remedy]);
            assert_eq!(text.trim_end().lines().count(), 1, "{text}");
        }
    }
    let output = portlab(&["--lang=de"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("en or zh"));
}

#[test]
fn the_option_the_variable_or_the_locale_chooses_the_language() {
    for (option, variable, locale, word) in [
        ("--lang=en", "zh", "zh_CN.UTF-8", "port"),
        ("--lang=zh", "de", "C.UTF-8", "端口"),
        ("", "en", "zh_CN.UTF-8", "port"),
        ("", "zh", "C.UTF-8", "端口"),
        ("", "", "zh_CN.UTF-8", "端口"),
        ("", "", "C.UTF-8", "port"),
    ] {
        let arguments = [option, "ports"].into_iter().filter(|it| !it.is_empty());
        let mut command = command(&arguments.collect::<Vec<_>>());
        command.env("PORTLAB_LANG", variable).env("LC_ALL", locale);
        let output = command.output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(text.contains(word), "{option} {variable} {locale}: {text}");
    }
}

#[test]
fn an_unknown_language_of_the_environment_is_refused_with_the_remedy() {
    for (locale, remedy) in [
        ("zh_CN.UTF-8", "请设为 en 或 zh"),
        ("C", "expected en or zh"),
    ] {
        let mut command = command(&["ports"]);
        command.env("PORTLAB_LANG", "de").env("LC_ALL", locale);
        let output = command.output().unwrap();
        let text = stderr(&output);
        assert_eq!(output.status.code(), Some(2), "{text}");
        says(&text, &[remedy, "\"de\""]);
    }
}

#[test]
fn a_reader_that_has_seen_enough_ends_it_quietly() {
    for arguments in ["ports", "ports --json", "ports 21 80 443 8080 --json"] {
        let script = format!("set -o pipefail; $portlab {arguments} | head -1 >&2");
        let output = shell(&script);
        let text = stderr(&output);
        assert_eq!(output.status.code(), Some(0), "{text}");
        assert_eq!(text.lines().count(), 1, "{text}");
    }
}

/// What a command shows on a terminal of `width` columns; `None` where there is no `script`.
fn on_a_terminal(width: usize, arguments: &str) -> Option<String> {
    let script = format!("stty cols {width} rows 30; exec $portlab {arguments}");
    let mut command = portlab_testkit::on_a_terminal(&script)?;
    let output = command.env_remove("NO_COLOR").output().unwrap();
    Some(String::from_utf8(output.stdout).unwrap())
}

#[test]
fn what_is_shown_fits_its_terminal_and_reads_without_colours() {
    let doors = [(); 3].map(|()| listener());
    let receiver = UdpSocket::bind("127.0.0.1:0").unwrap();
    for width in [80, 60, 40] {
        for lang in ["en", "zh"] {
            for command in ["ports", "ports 21 8080 50000 0 http", "doctor", "doctor 1"] {
                let command = format!("{command} --lang {lang}");
                let Some(shown) = on_a_terminal(width, &command) else {
                    return;
                };
                assert!(shown.contains("\x1b["), "no colours: {shown}");
                let plain = anstream::adapter::strip_str(&shown).to_string();
                assert!(plain.lines().count() > 3, "{plain}");
                for line in plain.lines() {
                    assert!(line.width() <= width, "{width}, {command}: {line}");
                    assert_eq!(line, line.trim_end(), "{command}");
                }
            }
        }
    }
    drop((doors, receiver));
}
