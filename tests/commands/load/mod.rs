//! `portlab load` against servers of a few lines, each on threads of the test: paces, stops, scripts, connections and
//! files.

mod answers;
mod checks;
mod connections;
mod content;
mod data;
mod decoding;
mod dialogue;
mod find;
mod hostile;
mod http;
mod limits;
mod openmetrics;
mod output;
mod pace;
mod page;
mod reconnect;
mod schema;
mod script;
mod stop;
mod targets;
#[cfg(feature = "tls")]
mod tls;
mod udp;

use std::{
    collections::BTreeSet,
    fs,
    io::{self, BufRead, BufReader, ErrorKind, Read, Write},
    net::{IpAddr, SocketAddr, TcpListener, TcpStream},
    process::{Child, Output, Stdio},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
        mpsc::{self, Receiver},
    },
    thread,
    time::Duration,
};

use portlab_sys::spawn::{Signal, signal};
use serde_json::{Value, json};

use portlab_testkit::{
    PATIENCE, client_ports, command, echo, echo_changed, folder, free_addr, json, listener,
    listener_with_backlog, on_a_terminal, portlab, refused, server, server_at, shell, stderr,
    wait_until, wait_until_read, words,
};

/// Answers each line with `answer`.
fn answering(
    answer: &'static [u8],
) -> impl Fn(TcpStream) -> io::Result<()> + Clone + Send + 'static {
    move |mut stream| {
        let mut lines = BufReader::new(stream.try_clone()?);
        let mut line = Vec::new();
        while lines.read_until(b'\n', &mut line)? > 0 {
            stream.write_all(answer)?;
            line.clear();
        }
        Ok(())
    }
}

/// Echoes one message of 64 bytes.
fn echo_one(stream: &mut TcpStream) -> io::Result<()> {
    let mut message = [0; 64];
    stream.read_exact(&mut message)?;
    stream.write_all(&message)
}

/// Reads until the end, and answers nothing.
fn swallow(mut stream: TcpStream) -> io::Result<()> {
    io::copy(&mut stream, &mut io::sink()).map(drop)
}

/// Serves every connection with `serve`, which gets the number of earlier connections.
fn numbered(
    serve: impl Fn(u64, TcpStream) -> io::Result<()> + Clone + Send + 'static,
) -> SocketAddr {
    let accepted = Arc::new(AtomicU64::new(0));
    server(move |stream| serve(accepted.fetch_add(1, Relaxed), stream))
}

/// `portlab load` with the words of `options`. A space in a text is written `\x20`.
fn plain(addr: SocketAddr, options: &str) -> Output {
    portlab(&[&["load", &addr.to_string()], &words(options)[..]].concat())
}

fn load(addr: SocketAddr, options: &str) -> Output {
    plain(addr, &format!("--json {options}"))
}

/// Loads `addr` until the first line about a measured second is on stderr, calls `then`, and interrupts the run.
/// Returns the output, and all lines of stderr.
fn interrupted(
    addr: SocketAddr,
    options: &str,
    then: impl FnOnce(&mut Child),
) -> (Output, Vec<String>) {
    let load = format!("load {addr} -d=10m --json --plain {options}");
    let mut child = command(&words(&load)).spawn().unwrap();
    let lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let mut lines = lines.map(Result::unwrap);
    let mut said: Vec<String> = Vec::new();
    while !said.last().is_some_and(|line| is_second(line)) {
        said.push(lines.next().unwrap());
    }
    then(&mut child);
    signal(&mut child, Signal::INT).unwrap();
    said.extend(lines);
    (child.wait_with_output().unwrap(), said)
}

/// Whether a line of stderr tells of a second that was measured.
fn is_second(line: &str) -> bool {
    line.contains("/s  p50")
}

/// The text that a run prints if its exit code is `code`.
#[track_caller]
fn text(addr: SocketAddr, options: &str, code: i32) -> String {
    let output = plain(addr, options);
    assert_eq!(output.status.code(), Some(code), "{options}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// The result of a run without errors.
#[track_caller]
fn fine(addr: SocketAddr, options: &str) -> Value {
    let output = load(addr, options);
    assert_eq!(output.status.code(), Some(0), "{options}: {output:?}");
    let result = json(&output);
    holds(&result, json!({"errors": 0, "ended": "done"}));
    result
}

/// The result of a run with errors, and its stderr.
#[track_caller]
fn failed(addr: SocketAddr, options: &str) -> (Value, String) {
    let output = load(addr, options);
    assert_eq!(output.status.code(), Some(1), "{options}: {output:?}");
    (json(&output), stderr(&output))
}

/// The error message of a run that couldn't be made.
#[track_caller]
fn unable(addr: SocketAddr, options: &str) -> String {
    refused(&[&["load", &addr.to_string()], &words(options)[..]].concat())
}

/// Checks some members of `result`, each named by its path.
#[track_caller]
fn holds(result: &Value, expected: Value) {
    for (path, value) in expected.as_object().unwrap() {
        let got = result.pointer(&format!("/{path}"));
        assert_eq!(got, Some(value), "{path} in {result}");
    }
}

/// Checks that each of `parts` is in `text`.
#[track_caller]
fn has(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "no {part:?} in\n{text}");
    }
}

/// The number at `path` in `result`.
#[track_caller]
fn number(result: &Value, path: &str) -> f64 {
    let value = result.pointer(&format!("/{path}"));
    let number = value.and_then(Value::as_f64);
    number.unwrap_or_else(|| panic!("no number {path} in {result}"))
}
