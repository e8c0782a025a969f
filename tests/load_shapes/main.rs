//! Every shape of a load: paces, stops, scripts, lives of connections, and what is left behind.
//! Against servers of a few lines, each on threads of the test.

#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

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
    path::PathBuf,
    process::{Command, Output, Stdio},
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

/// How long a test waits for what must come.
const PATIENCE: Duration = Duration::from_secs(30);

/// Serves every connection on `bind` with `serve`, on a thread each, until the test ends.
fn server_on(
    bind: &str,
    serve: impl Fn(TcpStream) -> std::io::Result<()> + Clone + Send + 'static,
) -> SocketAddr {
    let listener = TcpListener::bind(bind).unwrap();
    let addr = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let serve = serve.clone();
            thread::spawn(move || serve(stream));
        }
    });
    addr
}

fn server(serve: impl Fn(TcpStream) -> std::io::Result<()> + Clone + Send + 'static) -> SocketAddr {
    server_on("127.0.0.1:0", serve)
}

fn echo(mut stream: TcpStream) -> std::io::Result<()> {
    let mut buffer = [0; 4096];
    loop {
        match stream.read(&mut buffer)? {
            0 => return Ok(()),
            length => stream.write_all(&buffer[..length])?,
        }
    }
}

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
    let mut command = Command::new(env!("CARGO_BIN_EXE_portlab"));
    command.arg("load").args(arguments).output().unwrap()
}

fn load(addr: SocketAddr, options: &[&str]) -> Output {
    let addr = addr.to_string();
    let arguments: Vec<_> = [&[addr.as_str(), "--json"], options].concat();
    load_with(&arguments)
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
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

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// A folder of this test's own, empty.
fn folder(name: &str) -> PathBuf {
    let dir = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&dir);
    fs::create_dir_all(&dir).unwrap();
    dir
}

fn number(value: &Value) -> f64 {
    value
        .as_f64()
        .unwrap_or_else(|| panic!("{value} is no number"))
}
