//! The program under test, and what tests need around it: runs, folders, terminals, servers of a few lines. Each test
//! has this file as a module.

#![allow(dead_code, reason = "each test uses a part of it")]
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

use std::{
    fs,
    io::{self, BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Output, Stdio},
    thread,
};

use portlab_sys::{interrupt::heed_hangup, spawn::tie_to_this_thread};
use serde_json::Value;

pub(crate) const PORTLAB: &str = env!("CARGO_BIN_EXE_portlab");

/// The program with `arguments`, and with pipes for its stdout and stderr.
pub(crate) fn command(arguments: &[&str]) -> Command {
    // Under nohup, the program would ignore SIGHUP.
    heed_hangup();
    let mut command = Command::new(PORTLAB);
    // Tests read the messages in English, unless they ask for another language.
    command.args(arguments).env("PORTLAB_LANG", "en");
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Runs the program, with an empty stdin, to its end.
pub(crate) fn portlab(arguments: &[&str]) -> Output {
    command(arguments).output().unwrap()
}

/// Runs a command that can't be run, and returns what it says on stderr.
#[track_caller]
pub(crate) fn refused(arguments: &[&str]) -> String {
    let output = portlab(arguments);
    let text = stderr(&output);
    assert_eq!(output.status.code(), Some(2), "{arguments:?}: {text}");
    assert!(output.stdout.is_empty(), "{arguments:?} wrote to stdout");
    assert!(!text.contains("panicked"), "{arguments:?}: {text}");
    text
}

/// Runs `script` in bash, where `$portlab` is the program.
pub(crate) fn shell(script: &str) -> Output {
    let mut command = Command::new("bash");
    command.args(["-c", script]).env("portlab", PORTLAB);
    command.env("PORTLAB_LANG", "en").output().unwrap()
}

/// A command that runs `script` on a terminal of its own, with `$portlab` as in [`shell`]; `None` where there is no
/// `script(1)`.
pub(crate) fn on_a_terminal(script: &str) -> Option<Command> {
    if Command::new("script").arg("--version").output().is_err() {
        eprintln!("skipped: no `script` here");
        return None;
    }
    heed_hangup();
    let mut command = Command::new("script");
    command.args(["-qefc", script, "/dev/null"]);
    command.env("TERM", "xterm").env("portlab", PORTLAB);
    command.env("PORTLAB_LANG", "en");
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    Some(command)
}

/// What a command has said on stderr.
pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// What a command has printed in JSON.
#[track_caller]
pub(crate) fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
}

/// A server or a proxy that says in JSON what happens. It is killed when this is dropped, and when its test ends.
pub(crate) struct Running {
    pub(crate) child: Child,
    pub(crate) stdout: BufReader<ChildStdout>,
    /// The first event.
    pub(crate) listening: Value,
    pub(crate) addr: SocketAddr,
}

impl Running {
    /// Starts `portlab serve` at a port of loopback, and waits until it listens.
    #[track_caller]
    pub(crate) fn serve(options: &[&str]) -> Self {
        let serve = ["serve", "--json", "--bind=127.0.0.1:0"];
        Self::start(command(&serve).args(options))
    }

    /// Starts `command`, and waits until it listens.
    #[track_caller]
    pub(crate) fn start(command: &mut Command) -> Self {
        let mut child = tie_to_this_thread(command.stdout(Stdio::piped()))
            .spawn()
            .unwrap();
        let mut running = Self {
            stdout: BufReader::new(child.stdout.take().unwrap()),
            child,
            listening: Value::Null,
            addr: SocketAddr::from(([0; 4], 0)),
        };
        running.listening = running.event();
        let addr = running.listening["addr"].as_str();
        running.addr = addr.unwrap().parse().unwrap();
        running
    }

    /// The next event.
    #[track_caller]
    pub(crate) fn event(&mut self) -> Value {
        let mut line = String::new();
        self.stdout.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap_or_else(|_| {
            // The stderr of a program that runs on has no end.
            let _ = self.child.kill();
            panic!("{line:?}, and on stderr: {}", self.stderr())
        })
    }

    /// What it says on stderr until it has ended.
    pub(crate) fn stderr(&mut self) -> String {
        let mut text = String::new();
        if let Some(mut stderr) = self.child.stderr.take() {
            stderr.read_to_string(&mut text).unwrap();
        }
        text
    }

    pub(crate) fn pid(&self) -> i32 {
        self.child.id().cast_signed()
    }

    pub(crate) fn connect(&self) -> TcpStream {
        TcpStream::connect(self.addr).unwrap()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Both fail only if it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A folder of this test's own, empty.
pub(crate) fn folder(name: &str) -> PathBuf {
    let name = format!("{}-{name}", env!("CARGO_CRATE_NAME"));
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&dir);
    fs::create_dir_all(&dir).unwrap();
    dir
}

/// The names in `dir`, hidden ones too, in their order.
pub(crate) fn names(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).unwrap().flatten();
    let mut names: Vec<_> = entries
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// Serves every connection to `listener` with `serve`, on a thread each, until the test ends.
pub(crate) fn server_at(
    listener: TcpListener,
    serve: impl Fn(TcpStream) -> io::Result<()> + Clone + Send + 'static,
) -> SocketAddr {
    let addr = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let serve = serve.clone();
            thread::spawn(move || serve(stream));
        }
    });
    addr
}

/// The same at a port of loopback.
pub(crate) fn server(
    serve: impl Fn(TcpStream) -> io::Result<()> + Clone + Send + 'static,
) -> SocketAddr {
    server_at(TcpListener::bind("127.0.0.1:0").unwrap(), serve)
}

/// Sends back what comes.
pub(crate) fn echo(stream: TcpStream) -> io::Result<()> {
    echo_changed(|_, _| true)(stream)
}

/// Sends back what comes, after `change` has seen each piece and its place in the stream; ends when that says so.
pub(crate) fn echo_changed(
    change: impl Fn(&mut [u8], u64) -> bool + Clone + Send + 'static,
) -> impl Fn(TcpStream) -> io::Result<()> + Clone + Send + 'static {
    move |mut stream| {
        let (mut buffer, mut at) = ([0; 4096], 0);
        loop {
            let length = stream.read(&mut buffer)?;
            if length == 0 || !change(&mut buffer[..length], at) {
                return Ok(());
            }
            stream.write_all(&buffer[..length])?;
            at += length as u64;
        }
    }
}

/// An address where nobody listens.
pub(crate) fn nobody() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap()
}
