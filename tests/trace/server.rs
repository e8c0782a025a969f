//! A server that records a timeline, started and stopped.

use std::{fs::File, net::TcpStream, path::PathBuf, thread, time::Duration};

use portlab_backends::Sheet;
use portlab_stats::trace::Trace;
use portlab_sys::{meter, spawn::Signal, threads::threads};
use serde_json::Value;

use portlab_testkit::{PATIENCE, Running, command, wait_until};

use super::{WORKERS, folder};

/// A server that records.
pub(super) struct Server {
    pub(super) running: Running,
    pub(super) file: PathBuf,
}

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

    /// Waits until all of its threads sleep, and a millisecond longer.
    pub(super) fn wait_until_asleep(&self) {
        let sleeps = |pid| threads(pid).is_ok_and(|all| all.iter().all(|it| it.state == 'S'));
        wait_until("all threads sleep", || {
            meter::tree(self.running.pid())
                .unwrap()
                .into_iter()
                .all(sleeps)
        });
        thread::sleep(Duration::from_millis(1));
    }

    /// Ends it, and reads what it has recorded.
    pub(super) fn stop(mut self) -> Trace {
        self.running.signal(Signal::TERM);
        let event = self.event("trace");
        let status = self.running.child.wait().unwrap();
        assert_eq!(status.code(), Some(0), "{event}");
        let trace = Trace::read(File::open(&self.file).unwrap()).unwrap();
        assert_eq!(event["file"], self.file.to_str().unwrap());
        assert_eq!(event["events"], trace.about.events);
        let lost = trace.about.not_recorded;
        assert_eq!(event["not_recorded"], lost);
        let stderr = self.running.stderr();
        let is_reported = stderr.contains(&format!("no room for {lost} more events"));
        assert_eq!(is_reported, lost > 0, "{stderr}");
        trace
    }
}
