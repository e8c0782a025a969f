//! Addresses as people write them: every command reads the same forms, and advice about addresses works when it is typed.

use std::{
    io::Write,
    net::{SocketAddr, TcpListener},
    process::Stdio,
};

use serde_json::Value;

use portlab_testkit::{
    Running, command, echo, free_addr_of, listener, portlab, says, server_at, stderr,
};

/// The JSON that a command prints; it must exit with 0.
#[track_caller]
fn json(arguments: &[&str]) -> Value {
    let output = portlab(arguments);
    assert_eq!(output.status.code(), Some(0), "{arguments:?}: {output:?}");
    portlab_testkit::json(&output)
}

/// An echo at one port of 127.0.0.1 and, where there is IPv6, of ::1.
fn echoes() -> (u16, bool) {
    loop {
        let v4 = listener();
        let port = v4.local_addr().unwrap().port();
        if TcpListener::bind("[::1]:0").is_err() {
            server_at(v4, echo);
            return (port, false);
        }
        // Another program may have the port of ::1.
        if let Ok(v6) = TcpListener::bind(("::1", port)) {
            server_at(v4, echo);
            server_at(v6, echo);
            return (port, true);
        }
    }
}

/// The forms in which people write `port` of this machine, and the IP address of each.
fn forms(port: u16, with_v6: bool) -> Vec<(String, &'static str)> {
    let wide = |text: String| -> String {
        let wide = |it: char| char::from_u32(it as u32 + 0xff01 - u32::from(b'!')).unwrap();
        text.chars().map(wide).collect()
    };
    let mut forms = vec![
        (format!("127.0.0.1:{port}"), "127.0.0.1"),
        (format!("127.0.0.1：{port}"), "127.0.0.1"),
        (format!("127。0。0。1:{port}"), "127.0.0.1"),
        (wide(format!("127.0.0.1:{port}")), "127.0.0.1"),
        (format!("{port}"), "127.0.0.1"),
        (format!(":{port}"), "127.0.0.1"),
        (format!("localhost:{port}"), "127.0.0.1"),
    ];
    if with_v6 {
        forms.extend([
            (format!("[::1]:{port}"), "::1"),
            (format!("[::1%lo]:{port}"), "::1"),
            (format!("[::1%1]:{port}"), "::1"),
            (format!("【::1】：{port}"), "::1"),
            (format!("::1:{port}"), "::1"),
            (format!("[::ffff:127.0.0.1]:{port}"), "127.0.0.1"),
        ]);
    }
    forms
}

#[test]
fn every_command_that_connects_reads_the_same_forms() {
    let (port, with_v6) = echoes();
    for (form, _) in &forms(port, with_v6) {
        let reached = json(&["doctor", form, "--json"]);
        let attempts = reached["attempts"].as_array().unwrap();
        assert_eq!(attempts.last().unwrap()["listener"]["port"], port, "{form}");
        assert_eq!(json(&["ports", form, "--json"])["ports"][0]["port"], port);
        let load = [
            "load",
            form,
            "--messages=1",
            "--connections=1",
            "--warmup=0s",
            "--json",
        ];
        json(&load);
        assert_eq!(echoed(form), "hello\n", "{form}");
    }
}

/// What `portlab connect` receives after it has sent hello to `addr`.
fn echoed(addr: &str) -> String {
    let mut command = command(&["connect", addr, "--timeout=1m"]);
    let mut connect = command.stdin(Stdio::piped()).spawn().unwrap();
    connect.stdin.take().unwrap().write_all(b"hello\n").unwrap();
    String::from_utf8(connect.wait_with_output().unwrap().stdout).unwrap()
}

/// Starts `portlab` with these arguments, and returns where it listens.
#[track_caller]
fn served(arguments: &[&str]) -> SocketAddr {
    Running::start(command(arguments).args(["--model=threads", "--json"])).addr
}

#[test]
fn a_server_reads_the_same_forms_and_listens_at_loopback_by_default() {
    let (_, with_v6) = echoes();
    for (form, ip) in forms(0, with_v6) {
        let addr = served(&["serve", "--bind", &form]);
        assert_eq!(addr.ip().to_canonical().to_string(), ip, "{form}");
    }
    let addr = served(&["serve", "--bind", "0.0.0.0:0"]);
    assert!(addr.ip().is_unspecified());
    if with_v6 {
        // As netstat prints it.
        assert!(served(&["serve", "--bind", ":::0"]).ip().is_unspecified());
    }
}

#[test]
fn a_command_that_the_doctor_advises_works() {
    let ips: &[_] = if echoes().1 {
        &["127.0.0.1", "::1"]
    } else {
        &["127.0.0.1"]
    };
    for ip in ips {
        let closed = free_addr_of(ip.parse().unwrap());
        let output = portlab(&["doctor", &closed.to_string(), "--lang=en", "--json"]);
        let all: Value = serde_json::from_slice(&output.stdout).unwrap();
        let steps = all["steps"].as_array().unwrap();
        let connect = steps.iter().find(|it| it["check"] == "connect").unwrap();
        let remedy = connect["remedy"]["en"].as_str().unwrap();
        let (_, advice) = remedy.split_once("(portlab ").unwrap();
        let (advice, _) = advice.split_once(')').unwrap();
        let words: Vec<_> = advice.split(' ').collect();
        assert_eq!(served(&words), closed, "{advice}");
    }
}

#[test]
fn an_invalid_address_is_refused_by_every_command_with_the_remedy() {
    for command in [
        "serve --bind",
        "load",
        "connect",
        "doctor",
        "assist",
        "assist --to",
    ] {
        for (text, remedy) in [
            ("localhost", "localhost:8080"),
            ("http", ":http"),
            ("::1", "[::1]:8080"),
            ("http://127.0.0.1:8081/x", "127.0.0.1:8081"),
            ("127.0.0.1：", "127.0.0.1:8080"),
            ("my host:80", "127.0.0.1:8080"),
            ("[::1%nosuch]:80", "ip link"),
            ("fe80::1:80", "[fe80::1]:80"),
            ("127.0.0.1:htpp", "http"),
        ] {
            let words: Vec<_> = command.split(' ').chain([text]).collect();
            let mut program = portlab_testkit::command(&words);
            let output = program.env("LC_ALL", "C.UTF-8").output().unwrap();
            let error = stderr(&output);
            assert_eq!(output.status.code(), Some(2), "{words:?}: {error}");
            assert!(output.stdout.is_empty(), "{words:?}");
            assert!(error.contains(remedy), "{words:?}: {error}");
            if text == "localhost" {
                says(&error, &[&format!("portlab {command} {remedy}")]);
            }
        }
    }
}
