//! What `serve` counts: the same on every model, at its end, at SIGUSR1 and every so often.

#![allow(clippy::unwrap_used, reason = "a test that can't be set up has failed")]

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{Shutdown, SocketAddr, TcpStream},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use portlab_backends::MODELS;
use portlab_sys::spawn::{Signal, signal};
use serde_json::{Value, json};
use socket2::SockRef;

/// A server and the lines of its stdout.
struct Server {
    child: Child,
    lines: Box<dyn Iterator<Item = Value>>,
    addr: SocketAddr,
}

impl Server {
    fn start(options: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_portlab"))
            .args(["serve", "--json", "--bind=127.0.0.1:0"])
            .args(options)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .env("RUST_BACKTRACE", "1")
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut lines = lines.map(|line| serde_json::from_str::<Value>(&line.unwrap()).unwrap());
        let addr = lines.next().unwrap()["addr"]
            .as_str()
            .unwrap()
            .parse()
            .unwrap();
        Self {
            child,
            lines: Box::new(lines),
            addr,
        }
    }

    fn echo(&self, bytes: &[u8]) -> TcpStream {
        let mut client = TcpStream::connect(self.addr).unwrap();
        client.write_all(bytes).unwrap();
        client.read_exact(&mut vec![0; bytes.len()]).unwrap();
        client
    }

    fn end(mut self) -> Value {
        signal(&mut self.child, Signal::TERM).unwrap();
        let last = self.lines.by_ref().last().unwrap();
        assert!(self.child.wait().unwrap().success());
        last
    }
}

/// A test that fails leaves no server.
impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
    }
}

/// The client's half ends first, and the server's then.
fn close(mut client: TcpStream) {
    client.shutdown(Shutdown::Write).unwrap();
    assert_eq!(client.read(&mut [0]).unwrap(), 0);
}

#[test]
fn every_model_counts_the_same() {
    for model in MODELS.iter().map(|model| model.sheet().name) {
        let server = Server::start(&["--model", model, "--max-connections=1"]);
        for _ in 0..3 {
            close(server.echo(b"0123456789"));
        }
        let one = server.echo(b"the only one");
        // The iterative server doesn't accept while it serves, so it has none to refuse.
        let refused = u64::from(model != "iterative");
        if refused == 1 {
            let mut other = TcpStream::connect(server.addr).unwrap();
            assert_eq!(other.read(&mut [0]).unwrap(), 0, "{model}");
        }
        drop(one);
        let counts = server.end()["connections"].clone();
        let expected = json!({
            "accepted": 4 + refused, "ended": 4 + refused, "active": 0, "refused": refused,
            "bytes_in": 42, "bytes_out": 42, "panicked": 0, "reset": 0, "idle_timeouts": 0,
            "line_timeouts": 0, "long_lines": 0, "rooms_refused": 0, "too_slow": 0, "accept_errors": 0, "not_served": 0,
        });
        assert_eq!(counts, expected, "{model}");
    }
}

#[test]
fn what_a_chat_denies_is_counted() {
    let hubs = MODELS.iter().map(|model| model.sheet());
    for model in hubs.filter(|sheet| sheet.hub.is_ok()) {
        let model = model.name;
        let options = ["--service=chat", "--rooms=1", "--line-limit=64B"];
        let server = Server::start(&[&["--model", model][..], &options].concat());
        let mut client = TcpStream::connect(server.addr).unwrap();
        client.write_all(b"ann\n/join tea\n").unwrap();
        client.write_all(&[b'x'; 100]).unwrap();
        let mut heard = String::new();
        client.read_to_string(&mut heard).unwrap();
        assert!(heard.contains("at most 64 bytes"), "{model}: {heard}");
        let counts = server.end()["connections"].clone();
        let denied = (&counts["long_lines"], &counts["rooms_refused"]);
        assert_eq!(denied, (&1.into(), &1.into()), "{model}");
    }
}

#[test]
fn counts_are_told_when_asked_and_every_so_often() {
    for model in ["fork", "threads", "event-loop", "tasks"] {
        let mut server = Server::start(&["--model", model]);
        let client = server.echo(b"hello");
        signal(&mut server.child, Signal::USR1).unwrap();
        let counts = server.lines.next().unwrap();
        assert_eq!(counts["event"], "counts", "{model}");
        assert_eq!(
            (&counts["active"], &counts["bytes_in"]),
            (&1.into(), &5.into())
        );
        drop(client);
        assert_eq!(server.end()["event"], "stopped", "{model}");

        let mut server = Server::start(&["--model", model, "--stats=20ms"]);
        for _ in 0..3 {
            assert_eq!(server.lines.next().unwrap()["event"], "counts", "{model}");
        }
        server.end();
    }
}

#[test]
fn handlers_that_panic_are_counted_and_log_a_line_a_second() {
    for model in ["fork", "threads", "event-loop", "tasks"] {
        let began = Instant::now();
        let mut server = Server::start(&["--model", model, "--work=panic"]);
        for _ in 0..30 {
            let mut client = TcpStream::connect(server.addr).unwrap();
            client.write_all(b"x").unwrap();
            assert_eq!(client.read(&mut [0]).unwrap_or(0), 0);
        }
        let stderr = server.child.stderr.take().unwrap();
        let counts = server.end()["connections"].clone();
        let counted = (&counts["panicked"], &counts["active"], &counts["reset"]);
        assert_eq!(counted, (&30.into(), &0.into(), &0.into()), "{model}");
        let lines = BufReader::new(stderr).lines().count() as u64;
        assert!(
            (1..=began.elapsed().as_secs() + 2).contains(&lines),
            "{model}: {lines} lines"
        );
    }
}

#[test]
fn peers_that_break_off_while_a_handler_works_are_counted() {
    for model in ["threads", "event-loop", "tasks"] {
        let server = Server::start(&["--model", model, "--work=wait:100ms"]);
        for _ in 0..5 {
            let mut client = TcpStream::connect(server.addr).unwrap();
            client.write_all(b"x").unwrap();
            // Time for the handler to begin. If the test is so slow that the answer comes, the reset is counted all the same.
            std::thread::sleep(Duration::from_millis(20));
            SockRef::from(&client)
                .set_linger(Some(Duration::ZERO))
                .unwrap();
        }
        let counts = server.end()["connections"].clone();
        assert_eq!(
            (&counts["reset"], &counts["active"]),
            (&5.into(), &0.into()),
            "{model}"
        );
    }
}
