//! A server that records a timeline, started and stopped.

use std::{
    fs::{self, File},
    io::{BufRead, BufReader, Read},
    net::{SocketAddr, TcpStream},
    path::PathBuf,
    process::{Child, ChildStdout, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use portlab_backends::Sheet;
use portlab_stats::trace::Trace;
use portlab_sys::{
    meter,
    spawn::{Signal, signal, tie_to_this_thread},
};
use serde_json::Value;

use super::{WORKERS, folder};

/// A server that records.
pub(super) struct Server {
    pub(super) child: Child,
    pub(super) stdout: BufReader<ChildStdout>,
    pub(super) addr: SocketAddr,
    pub(super) folder: PathBuf,
    pub(super) file: PathBuf,
}

/// How long anything may take before it counts as not happening.
const PATIENCE: Duration = Duration::from_secs(20);

impl Server {
    pub(super) fn start(sheet: &Sheet, service: &str, options: &[&str]) -> Self {
        let own = thread::current().name().unwrap_or("test").to_owned();
        let folder = folder(&format!(
            "{own}-{}-{:?}",
            sheet.name,
            thread::current().id()
        ));
        let file = folder.join("trace.json");
        let mut command = Command::new(env!("CARGO_BIN_EXE_portlab"));
        command
            .args(["serve", "--json", "--bind=127.0.0.1:0"])
            .args([
                format!("--model={}", sheet.name),
                format!("--service={service}"),
            ])
            .arg(format!("--trace={}", file.display()));
        if !options.iter().any(|option| option.starts_with("--workers")) {
            command.arg(format!("--workers={WORKERS}"));
        }
        command
            .args(options)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = tie_to_this_thread(&mut command).spawn().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let mut server = Self {
            child,
            stdout,
            addr: SocketAddr::from(([0, 0, 0, 0], 0)),
            folder,
            file,
        };
        server.addr = server.event("listening")["addr"]
            .as_str()
            .unwrap()
            .parse()
            .unwrap();
        server
    }

    pub(super) fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.addr).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    /// The next event of that name.
    pub(super) fn event(&mut self, name: &str) -> Value {
        loop {
            let mut line = String::new();
            assert!(self.stdout.read_line(&mut line).unwrap() > 0, "no {name}");
            let event: Value = serde_json::from_str(&line).unwrap();
            if event["event"] == name {
                return event;
            }
        }
    }

    /// Waits until all of its threads sleep, and lets them do so for a moment.
    pub(super) fn wait_until_asleep(&self) {
        let since = Instant::now();
        let asleep = |pid: i32| {
            let tasks = fs::read_dir(format!("/proc/{pid}/task")).into_iter();
            tasks.flatten().flatten().all(|task| {
                let stat = fs::read_to_string(task.path().join("stat")).unwrap_or_default();
                // The state follows the name, which stands in brackets.
                stat.rsplit(") ")
                    .next()
                    .is_none_or(|rest| rest.starts_with('S'))
            })
        };
        while !meter::tree(self.child.id() as i32)
            .unwrap()
            .into_iter()
            .all(asleep)
        {
            assert!(since.elapsed() < PATIENCE, "it never sleeps");
            thread::sleep(Duration::from_millis(1));
        }
        thread::sleep(Duration::from_millis(1));
    }

    /// Waits until what was sent to the server has been read by it: no socket of a peer of ours holds
    /// anything any more.
    pub(super) fn wait_until_read(&self) {
        let since = Instant::now();
        let port = format!(":{:04X}", self.addr.port());
        let holds = |line: &str| {
            let mut words = line.split_whitespace().skip(1);
            let local = words.next().unwrap_or_default().ends_with(&port);
            let queues = words.nth(2).unwrap_or_default();
            // The state of a listener is 0A, and its queue holds connections.
            local && !line.contains(" 0A ") && !queues.ends_with(":00000000")
        };
        loop {
            let sockets = fs::read_to_string("/proc/net/tcp").unwrap();
            let accepted = sockets.lines().any(|line| {
                let local = line.split_whitespace().nth(1).unwrap_or_default();
                local.ends_with(&port) && !line.contains(" 0A ")
            });
            if accepted && !sockets.lines().any(holds) {
                return;
            }
            assert!(since.elapsed() < PATIENCE, "nothing was read");
            thread::sleep(Duration::from_millis(1));
        }
    }

    /// Ends it, and reads what it has recorded.
    pub(super) fn stop(mut self) -> Trace {
        signal(&mut self.child, Signal::TERM).unwrap();
        let event = self.event("trace");
        let status = self.child.wait().unwrap();
        assert_eq!(status.code(), Some(0), "{event}");
        let trace = Trace::read(File::open(&self.file).unwrap()).unwrap();
        assert_eq!(event["file"], self.file.to_str().unwrap());
        assert_eq!(event["events"], trace.about.events);
        let lost = trace.about.not_recorded;
        assert_eq!(event["not_recorded"], lost);
        let mut said = String::new();
        let mut stderr = self.child.stderr.take().unwrap();
        stderr.read_to_string(&mut said).unwrap();
        let complaint = said.contains(&format!("no room for {lost} events"));
        assert_eq!(complaint, lost > 0, "{said}");
        trace
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Both fail only when it has gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
