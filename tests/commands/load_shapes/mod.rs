//! Every shape of a load: paces, stops, scripts, lives of connections, and what is left behind.
//! Against servers of a few lines, each on threads of the test.

mod answers;
mod connections;
mod hostile;
mod output;
mod pace;
mod schema;
mod script;
mod stop;

use std::{
    collections::BTreeSet,
    fs,
    io::{BufRead, BufReader, ErrorKind, Read, Write},
    net::{IpAddr, SocketAddr, TcpListener, TcpStream},
    process::{Output, Stdio},
    sync::mpsc::{self, Receiver},
    thread,
    time::Duration,
};

use base64::Engine;
use hdrhistogram::serialization::{
    Deserializer,
    interval_log::{IntervalLogIterator, LogEntry},
};
use portlab_sys::spawn::{Signal, signal};
use serde_json::Value;

use portlab_testkit::{
    PATIENCE, callers, command, echo, echo_changed, folder, json, listener_with_backlog,
    on_a_terminal, portlab, server, server_at, shell, stderr, wait_until, wait_until_read, words,
};

/// Answers each line with `answer`.
fn answering(
    answer: &'static [u8],
) -> impl Fn(TcpStream) -> std::io::Result<()> + Clone + Send + 'static {
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

fn load_with(arguments: &[&str]) -> Output {
    portlab(&[&["load"], arguments].concat())
}

fn load(addr: SocketAddr, options: &[&str]) -> Output {
    let addr = addr.to_string();
    let arguments: Vec<_> = [&[addr.as_str(), "--json"], options].concat();
    load_with(&arguments)
}

/// The result of a run in which nothing went wrong.
fn fine(addr: SocketAddr, options: &[&str]) -> Value {
    let output = load(addr, options);
    assert_eq!(output.status.code(), Some(0), "{options:?}: {output:?}");
    let result = json(&output);
    assert_eq!(result["errors"], 0, "{result}");
    assert_eq!(result["ended"], "done", "{result}");
    result
}

fn number(value: &Value) -> f64 {
    value
        .as_f64()
        .unwrap_or_else(|| panic!("{value} is no number"))
}
