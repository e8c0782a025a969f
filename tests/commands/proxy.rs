//! `portlab proxy` as people run it: options, lines on stdin, signals. What each fault does is tested in its crate.

use std::{
    io::{ErrorKind, Read, Write},
    net::{TcpListener, TcpStream},
    process::Stdio,
};

use portlab_sys::spawn::{Signal, signal};
use serde_json::Value;

use portlab_testkit::{Running, command, listener, refused, words};

/// A proxy before a listener of the test.
struct Proxy {
    running: Running,
    target: TcpListener,
}

impl Proxy {
    fn start(options: &[&str]) -> Self {
        let target = listener();
        let to = target.local_addr().unwrap().to_string();
        let mut command = command(&["proxy", "--json", "--bind", "127.0.0.1:0", "--to", &to]);
        let running = Running::start(command.args(options).stdin(Stdio::piped()));
        assert_eq!(running.listening["event"], "listening");
        assert_eq!(running.listening["to"], to);
        Self { running, target }
    }

    /// Writes `line` to the proxy's stdin, and returns the faults that the proxy prints then.
    fn write(&mut self, line: &str) -> Value {
        let stdin = self.running.child.stdin.as_mut().unwrap();
        stdin.write_all(format!("{line}\n").as_bytes()).unwrap();
        self.running.event()["faults"].take()
    }

    /// Connects through it; the client's socket and the server's.
    fn connect(&self) -> (TcpStream, TcpStream) {
        (self.running.connect(), self.target.accept().unwrap().0)
    }

    /// Waits for the proxy's end; returns its counts, and its stderr.
    fn end(mut self) -> (Value, String) {
        let counted = self.running.event();
        assert_eq!(counted["event"], "stopped");
        let text = self.running.stderr();
        assert_eq!(self.running.child.wait().unwrap().code(), Some(0), "{text}");
        (counted, text)
    }
}

#[test]
fn lines_on_stdin_change_the_faults_of_open_connections() {
    let mut proxy = Proxy::start(&["--latency", "up:1h", "--pause", "down"]);
    let (mut client, mut server) = proxy.connect();
    client.write_all(b"late").unwrap();
    server.write_all(b"held").unwrap();
    let faults = proxy.write("show");
    assert_eq!(faults["up"], "latency 1h");
    assert_eq!(faults["down"], "pause");
    let faults = proxy.write("latency up：off");
    assert_eq!(faults["up"], "none");
    server.read_exact(&mut [0; 4]).unwrap();
    proxy.write("resume");
    client.read_exact(&mut [0; 4]).unwrap();
    // An invalid line changes nothing, and the next line is read.
    let long = "x".repeat(10_000);
    let faults = proxy.write(&format!("latancy 5ms\nbandwidth 0\n{long}\n\nshow"));
    assert_eq!(faults["up"], "none");
    proxy.write("reset_peer down:4");
    let error = client.read(&mut [0]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    writeln!(proxy.running.child.stdin.as_mut().unwrap(), "quit").unwrap();
    let (counted, text) = proxy.end();
    for (name, number) in [
        ("connections", 1),
        ("up_bytes", 4),
        ("down_bytes", 4),
        ("resets", 1),
    ] {
        assert_eq!(counted[name], number, "{name}");
    }
    for said in [
        "did you mean latency?",
        "the smallest value is 1",
        "at most 4096 bytes",
    ] {
        assert!(text.contains(said), "{text}");
    }
}

#[test]
fn a_signal_ends_the_proxy_and_the_end_of_stdin_does_not() {
    for told in [Signal::INT, Signal::TERM, Signal::HUP] {
        let mut proxy = Proxy::start(&[]);
        drop(proxy.running.child.stdin.take());
        let (mut client, mut server) = proxy.connect();
        client.write_all(b"x").unwrap();
        server.read_exact(&mut [0]).unwrap();
        signal(&mut proxy.running.child, told).unwrap();
        let (counted, _) = proxy.end();
        assert_eq!(
            (&counted["connections"], &counted["open"]),
            (&1.into(), &1.into())
        );
    }
}

#[test]
fn an_invalid_option_is_refused_with_the_reason() {
    let taken = listener();
    let taken = taken.local_addr().unwrap().to_string();
    for (options, expected) in [
        (
            "--to 9 --latancy 5ms",
            "similar argument exists: '--latency'",
        ),
        ("--to 9 --latency 5", "\"5\" is not a duration"),
        (
            "--to 9 --latency left:5ms",
            "a direction is up, down or both",
        ),
        ("--to 127.0.0.1", "portlab proxy --to 127.0.0.1:8080"),
        (&format!("--to 9 --bind {taken}"), "in use by"),
        (
            "--bind 127.0.0.3:29091 --to 127.0.0.3:29091",
            "the proxy's own port",
        ),
        ("--latency 5ms", "--to <ADDR>"),
    ] {
        let text = refused(&words(&format!("proxy {options}")));
        assert!(text.contains(expected), "{options}: {text}");
    }
}
