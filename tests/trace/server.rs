//! A server that records a timeline, started and stopped.

use std::{
    fs::{self, File},
    net::TcpStream,
    path::PathBuf,
    thread,
    time::{Duration, Instant},
};

use portlab_backends::Sheet;
use portlab_stats::trace::Trace;
use portlab_sys::{
    meter,
    spawn::{Signal, signal},
};
use serde_json::Value;

use portlab_testkit::{Running, command};

use super::{WORKERS, folder};

/// A server that records.
pub(super) struct Server {
    pub(super) running: Running,
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
        let mut command = command(&["serve", "--json", "--bind=127.0.0.1:0"]);
        command.args([
            format!("--model={}", sheet.name),
            format!("--service={service}"),
            format!("--trace={}", file.display()),
        ]);
        if !options.iter().any(|option| option.starts_with("--workers")) {
            command.arg(format!("--workers={WORKERS}"));
        }
        Self {
            running: Running::start(command.args(options)),
            folder,
            file,
        }
    }

    pub(super) fn connect(&self) -> TcpStream {
        let stream = self.running.connect();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    /// The next event of that name.
    pub(super) fn event(&mut self, name: &str) -> Value {
        loop {
            let event = self.running.event();
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
        while !meter::tree(self.running.pid())
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
        let port = format!(":{:04X}", self.running.addr.port());
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
        signal(&mut self.running.child, Signal::TERM).unwrap();
        let event = self.event("trace");
        let status = self.running.child.wait().unwrap();
        assert_eq!(status.code(), Some(0), "{event}");
        let trace = Trace::read(File::open(&self.file).unwrap()).unwrap();
        assert_eq!(event["file"], self.file.to_str().unwrap());
        assert_eq!(event["events"], trace.about.events);
        let lost = trace.about.not_recorded;
        assert_eq!(event["not_recorded"], lost);
        let said = self.running.stderr();
        let complaint = said.contains(&format!("no room for {lost} events"));
        assert_eq!(complaint, lost > 0, "{said}");
        trace
    }
}
