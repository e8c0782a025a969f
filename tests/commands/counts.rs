//! The counts of `serve`: the same on every model, printed at the end, at SIGUSR1 and at an interval.

#![allow(clippy::unwrap_used, reason = "a test that can't be set up has failed")]

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{Shutdown, TcpStream},
    time::{Duration, Instant},
};

use portlab_backends::{Backend, models::runnable};
use portlab_sys::{
    sockets::sockets_at,
    spawn::{Signal, signal},
};
use serde_json::{Value, json};
use socket2::SockRef;

use portlab_testkit::{Running, command, wait_until, wait_until_read};

fn start(options: &[&str]) -> Running {
    let serve = ["serve", "--json", "--bind=127.0.0.1:0"];
    Running::start(command(&serve).args(options).env("RUST_BACKTRACE", "1"))
}

/// Connects, and has `bytes` echoed.
fn echo(server: &Running, bytes: &[u8]) -> TcpStream {
    let mut client = server.connect();
    client.write_all(bytes).unwrap();
    client.read_exact(&mut vec![0; bytes.len()]).unwrap();
    client
}

/// Ends `server`, and returns its last line.
fn end(mut server: Running) -> Value {
    signal(&mut server.child, Signal::TERM).unwrap();
    let mut lines = String::new();
    server.stdout.read_to_string(&mut lines).unwrap();
    assert!(server.child.wait().unwrap().success());
    serde_json::from_str(lines.lines().last().unwrap()).unwrap()
}

/// Closes the client's sending half, and then waits for the server to close.
fn close(mut client: TcpStream) {
    client.shutdown(Shutdown::Write).unwrap();
    assert_eq!(client.read(&mut [0]).unwrap(), 0);
}

/// Resets the connection, and waits until the reset has arrived.
fn reset(client: TcpStream, server: &Running) {
    let socket = SockRef::from(&client);
    socket.set_linger(Some(Duration::ZERO)).unwrap();
    // While another test starts a program, the new process has a copy of the socket, and the reset waits for it.
    let own = client.local_addr().unwrap();
    drop(client);
    wait_until("the reset has arrived", || {
        let sockets = sockets_at(own.port()).unwrap();
        !sockets.iter().any(|it| it.joins(own, server.addr))
    });
}

#[test]
fn every_model_counts_the_same() {
    for model in runnable().map(|model| model.sheet().name) {
        let server = start(&["--model", model, "--max-connections=1"]);
        for _ in 0..3 {
            close(echo(&server, b"0123456789"));
        }
        let one = echo(&server, b"the only one");
        // The iterative server doesn't accept while it serves, so it has none to refuse.
        let refused = u64::from(model != "iterative");
        if refused == 1 {
            let mut other = server.connect();
            assert_eq!(other.read(&mut [0]).unwrap(), 0, "{model}");
        }
        drop(one);
        let mut counts = end(server)["connections"].clone();
        // Only a model whose workers accept for themselves has the counts of each.
        if let Some(by_worker) = counts.as_object_mut().unwrap().remove("accepted_by_worker") {
            let by_worker = by_worker.as_array().unwrap().iter();
            let accepted = by_worker.map(|count| count.as_u64().unwrap());
            assert_eq!(accepted.sum::<u64>(), 4 + refused, "{model}");
        }
        let expected = json!({
            "accepted": 4 + refused, "ended": 4 + refused, "active": 0, "refused": refused,
            "bytes_in": 42, "bytes_out": 42, "panicked": 0, "reset": 0, "idle_timeouts": 0,
            "line_timeouts": 0, "long_lines": 0, "rooms_refused": 0, "too_slow": 0, "accept_errors": 0, "not_served": 0,
        });
        assert_eq!(counts, expected, "{model}");
    }
}

#[test]
fn lines_and_rooms_that_a_chat_refuses_are_counted() {
    let hubs = runnable().map(Backend::sheet);
    for model in hubs.filter(|sheet| sheet.hub.is_ok()) {
        let model = model.name;
        let options = ["--service=chat", "--rooms=1", "--line-limit=64B"];
        let server = start(&[&["--model", model][..], &options].concat());
        let mut client = server.connect();
        client.write_all(b"ann\n/join tea\n").unwrap();
        client.write_all(&[b'x'; 100]).unwrap();
        let mut received = String::new();
        client.read_to_string(&mut received).unwrap();
        assert!(received.contains("at most 64 bytes"), "{model}: {received}");
        let counts = end(server)["connections"].clone();
        let denied = (&counts["long_lines"], &counts["rooms_refused"]);
        assert_eq!(denied, (&1.into(), &1.into()), "{model}");
    }
}

#[test]
fn counts_are_printed_at_sigusr1_and_at_an_interval() {
    for model in ["fork", "threads", "event-loop", "tasks"] {
        let mut server = start(&["--model", model]);
        let client = echo(&server, b"hello");
        signal(&mut server.child, Signal::USR1).unwrap();
        let counts = server.event();
        assert_eq!(counts["event"], "counts", "{model}");
        let counted = ["active", "bytes_in"].map(|name| &counts[name]);
        assert_eq!(counted, [1, 5]);
        drop(client);
        assert_eq!(end(server)["event"], "stopped", "{model}");

        let mut server = start(&["--model", model, "--stats=20ms"]);
        for _ in 0..3 {
            assert_eq!(server.event()["event"], "counts", "{model}");
        }
        end(server);
    }
}

#[test]
fn handlers_that_panic_are_counted_and_log_a_line_a_second() {
    for model in ["fork", "threads", "event-loop", "tasks"] {
        let began = Instant::now();
        let mut server = start(&["--model", model, "--work=panic"]);
        for _ in 0..30 {
            let mut client = server.connect();
            client.write_all(b"x").unwrap();
            assert_eq!(client.read(&mut [0]).unwrap_or(0), 0);
        }
        let stderr = server.child.stderr.take().unwrap();
        let counts = end(server)["connections"].clone();
        let counted = ["panicked", "active", "reset"].map(|name| &counts[name]);
        assert_eq!(counted, [30, 0, 0], "{model}");
        let lines = BufReader::new(stderr).lines().count() as u64;
        let most = began.elapsed().as_secs() + 2;
        assert!((1..=most).contains(&lines), "{model}: {lines} lines");
    }
}

#[test]
fn clients_that_reset_while_a_handler_works_are_counted() {
    for model in ["threads", "event-loop", "tasks"] {
        let server = start(&["--model", model, "--work=wait:100ms"]);
        for _ in 0..5 {
            let mut client = server.connect();
            client.write_all(b"x").unwrap();
            // The handler begins. If the test is so slow that the answer comes, the reset is counted all the same.
            wait_until_read(&client);
            reset(client, &server);
        }
        let counts = end(server)["connections"].clone();
        let counted = ["reset", "active"].map(|name| &counts[name]);
        assert_eq!(counted, [5, 0], "{model}: {counts}");
    }
}

/// The server may not even learn the address of such a connection.
#[test]
fn clients_that_reset_at_once_are_counted() {
    const CLIENTS: u64 = 20;
    for model in runnable().map(|model| model.sheet().name) {
        let server = start(&["--model", model]);
        for _ in 0..CLIENTS {
            reset(server.connect(), &server);
        }
        // An answer to a later client: the connections before it were accepted.
        close(echo(&server, b"after"));
        let counts = end(server)["connections"].clone();
        let counted = ["accepted", "reset", "active"].map(|name| &counts[name]);
        assert_eq!(counted, [CLIENTS + 1, CLIENTS, 0], "{model}: {counts}");
    }
}
