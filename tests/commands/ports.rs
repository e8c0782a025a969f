//! `portlab ports`: the real command, on real sockets of this test.

use std::{
    net::{TcpListener, TcpStream, UdpSocket},
    process::{Command, Stdio},
};

use serde_json::{Value, json};
use unicode_width::UnicodeWidthStr;

use portlab_testkit::{
    Running, binary, command, folder, listener, listener_with_backlog, once, portlab, refused,
    says, shell, stderr, words,
};

use crate::doctor::printed;

/// The output of the command, with single spaces; it must exit with 0.
#[track_caller]
fn said(arguments: &[&str]) -> String {
    printed(&[&["ports"], arguments].concat(), 0)
}

/// The output of the command with the words of `line`, as soon as it has all `parts`: a program that another test starts
/// holds copies of the sockets of this process for a moment.
fn said_once(line: &str, parts: &[&str]) -> String {
    once(|| {
        let text = said(&words(line));
        let is_said = parts.iter().all(|it| text.contains(it));
        if is_said { Ok(text) } else { Err(text) }
    })
}

fn json(arguments: &[&str]) -> Value {
    portlab_testkit::json(&portlab(&[&["ports"], arguments, &["--json"]].concat()))
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
fn a_listener_is_listed_with_its_process_and_its_connections() {
    // A process of its own holds the port: this one holds its sockets twice whenever another test starts a program.
    let server = Running::serve(&["--model=iterative"]);
    let port = server.addr.port();
    let clients = [(); 3].map(|()| server.connect());
    let all = once(|| {
        let all = json(&[]);
        let found = listed(&all, port);
        let connections = ["established_connections", "queued_connections"].map(|it| &found[it]);
        if connections == [3, 2] {
            Ok(all)
        } else {
            Err(all)
        }
    });
    let found = listed(&all, port);
    assert_eq!(found["addresses"], json!(["127.0.0.1"]));
    let program = &found["programs"][0];
    assert_eq!(program["pids"], json!([server.pid()]));
    // The ports of the clients and of the server are among those that the system hands out.
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
    assert_eq!(*addresses, json!(["127.0.0.1", "::1"]));
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
    assert!(server.stop().success());
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
        let alone = found["programs"][0]["pids"] == json!([std::process::id()]);
        if alone { Ok(all) } else { Err(all) }
    });
    let listeners = all["listeners"].as_array().unwrap();
    assert!(listeners.iter().all(|it| it["port"] != port), "{all}");
    for (lang, here) in [("en", "receives at"), ("zh", "接收")] {
        let text = said(&["--lang", lang]);
        says(&text, &[&format!("{port} 127.0.0.1")]);
        let pid = format!("(pid {})", std::process::id());
        said_once(&format!("{port} --lang={lang}"), &[here, &pid]);
    }
}

#[test]
fn the_port_of_ip_messenger_is_known_by_number_and_by_name() {
    for asked in ["2425", "飞秋", "飞鸽传书", "feiq", "ipmsg", "IP-Messenger"] {
        let text = said(&[asked, "--lang=en"]);
        says(&text, &["2425", "IP Messenger", "UDP", "TCP"]);
        says(&said(&[asked, "--lang=zh"]), &["飞秋", "UDP"]);
    }
}

#[test]
fn a_port_with_open_connections_and_no_listener_is_reported_as_in_use() {
    // Unlike `TcpListener::bind`, this takes no port with connections in TIME-WAIT.
    let door = listener_with_backlog(1);
    let addr = door.local_addr().unwrap();
    let client = TcpStream::connect(addr).unwrap();
    let served = door.accept().unwrap();
    drop(door);
    let port = addr.port().to_string();
    let none = "no program listens on it here";
    let text = said_once(&format!("{port} --lang=en"), &[none]);
    let pid = format!("(pid {})", std::process::id());
    let open = "1 connection is still open there";
    says(&text, &[open, &pid, "until they are closed"]);
    said_once(&format!("{port} --lang=zh"), &["还有 1 个连接没有关完"]);
    let left = &json(&[&port])["ports"][0]["left_behind"];
    assert_eq!(
        (&left["open_connections"], &left["time_wait_connections"]),
        (&1.into(), &0.into())
    );
    drop((client, served));
}

#[test]
fn the_name_of_a_program_is_shown_without_control_characters() {
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
    says(
        &said(&words("21 8080 50000 0 --lang=en")),
        &[
            "21 ftp file transfer (FTP)",
            "well known (0-1023)",
            "system ports",
            "8080 http-alt",
            "registered (1024-49151)",
            "50000 no well-known service uses it",
            "at IANA (49152-65535)",
            "every user may listen",
            "\"let the system choose\"",
            "no client can connect to port 0",
        ],
    );
    // Lines are broken between Chinese characters, too.
    let chinese = said(&words("21 8080 50000 0 --lang=zh")).replace(' ', "");
    says(
        &chinese,
        &[
            "21ftp文件传输协议",
            "知名端口号（0-1023）",
            "8080http-alt",
            "注册端口",
            "没有哪个常见的服务固定用它",
            "IANA（49152-65535）",
            "任何用户的程序都能监听它",
            "没有程序能连接到端口0",
        ],
    );
}

#[test]
fn numbers_are_explained_in_json_whatever_the_language() {
    let all = json(&["21", "http", "50000", "0", "--lang=zh"]);
    let ports = all["ports"].as_array().unwrap();
    let told = ports
        .iter()
        .map(|it| json!([it["port"], it["class"], it["iana_class"]]));
    let expected = [
        json!([21, "well-known", "system"]),
        json!([80, "well-known", "system"]),
        json!([50_000, "dynamic", "dynamic"]),
        json!([0, "well-known", "system"]),
    ];
    assert!(told.eq(expected), "{all}");
    assert_eq!(ports[0]["purpose"]["en"], "file transfer (FTP)");
    assert_eq!(ports[0]["purpose"]["zh"], "文件传输协议 FTP");
    assert_eq!(ports[3]["needs_root"], false);
    // A port that the system has chosen is one of those that it hands out.
    let door = listener();
    let own = door.local_addr().unwrap().port().to_string();
    assert_eq!(json(&[&own])["ports"][0]["is_handed_out"], true);
    assert_eq!(json(&["1"])["ports"][0]["is_handed_out"], false);
}

#[test]
fn an_invalid_port_is_refused_with_the_remedy() {
    for (argument, en, zh) in [
        ("70000", "0 to 65535", "0 到 65535"),
        ("-1", "0 to 65535", "0 到 65535"),
        ("htpp", "did you mean http", "是想写 http"),
        ("no such", "such as http", "比如 http"),
    ] {
        for (lang, remedy) in [("en", en), ("zh", zh)] {
            let text = refused(&["ports", "21", argument, "--lang", lang]);
            says(&text, &[argument, remedy]);
            assert_eq!(text.trim_end().lines().count(), 1, "{text}");
        }
    }
    says(&refused(&["ports", "--lang=de"]), &["en", "zh"]);
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
fn a_closed_pipe_ends_the_output_without_an_error() {
    for arguments in ["ports", "ports --json", "ports 21 80 443 8080 --json"] {
        let script = format!("set -o pipefail; $portlab {arguments} | head -1 >&2");
        let output = shell(&script);
        let text = stderr(&output);
        assert_eq!(output.status.code(), Some(0), "{text}");
        assert_eq!(text.lines().count(), 1, "{text}");
    }
}

/// The output of a command on a terminal of `width` columns; `None` if there is no `script`.
fn on_a_terminal(width: usize, arguments: &str) -> Option<String> {
    let script = format!("stty cols {width} rows 30; exec $portlab {arguments}");
    let mut command = portlab_testkit::on_a_terminal(&script)?;
    let output = command.env_remove("NO_COLOR").output().unwrap();
    Some(String::from_utf8(output.stdout).unwrap())
}

#[test]
fn output_fits_its_terminal_and_reads_without_colours() {
    let doors = [(); 3].map(|()| listener());
    let receiver = UdpSocket::bind("127.0.0.1:0").unwrap();
    for width in [80, 60, 40] {
        for lang in ["en", "zh"] {
            let commands = "ports|ports 21 8080 50000 0 http|doctor|doctor 1|models|models tasks-single|lesson";
            for command in commands.split('|') {
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
