//! The program while it runs, and other programs that listen.

use std::{
    io::{BufRead, BufReader, Read},
    net::{SocketAddr, TcpStream},
    process::{Child, ChildStdout, Command, ExitStatus, Stdio},
};

use portlab_sys::spawn::{Signal, signal, tie_to_this_thread};
use serde_json::Value;

use crate::command;

/// A server or a proxy that reports its events in JSON. Its process is killed when this value is dropped, and when the
/// test ends.
#[derive(Debug)]
pub struct Running {
    /// The process.
    pub child: Child,
    /// Its stdout, after the events that were read.
    pub stdout: BufReader<ChildStdout>,
    /// The first event.
    pub listening: Value,
    /// Where it listens.
    pub addr: SocketAddr,
}

impl Running {
    /// Starts `portlab serve` at a port of loopback, and waits until it listens.
    #[track_caller]
    pub fn serve(options: &[&str]) -> Self {
        let serve = ["serve", "--json", "--bind=127.0.0.1:0"];
        Self::start(command(&serve).args(options))
    }

    /// Starts `command`, and waits until it listens.
    #[track_caller]
    pub fn start(command: &mut Command) -> Self {
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
    pub fn event(&mut self) -> Value {
        let mut line = String::new();
        self.stdout.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap_or_else(|_| {
            // While the program runs, its stderr has no end.
            let _ = self.child.kill();
            panic!("{line:?}, and on stderr: {}", self.stderr())
        })
    }

    /// Its stderr until its end.
    pub fn stderr(&mut self) -> String {
        let mut text = String::new();
        if let Some(mut stderr) = self.child.stderr.take() {
            stderr.read_to_string(&mut text).unwrap();
        }
        text
    }

    /// The number of its process.
    pub fn pid(&self) -> i32 {
        self.child.id().cast_signed()
    }

    /// A new connection.
    #[track_caller]
    pub fn connect(&self) -> TcpStream {
        TcpStream::connect(self.addr).unwrap()
    }

    /// Sends `which`.
    pub fn signal(&mut self, which: Signal) {
        signal(&mut self.child, which).unwrap();
    }

    /// Sends SIGTERM, and waits for the end.
    pub fn stop(&mut self) -> ExitStatus {
        self.signal(Signal::TERM);
        self.child.wait().unwrap()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Both calls fail only if the process has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
