//! One command of portlab as a process of the page, and what it prints.

use std::{
    io::{self, Read},
    process::{Child, ChildStdin, Command, ExitStatus, Stdio},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use portlab_sys::spawn::{self, Signal};

/// A process that ends with the thread that started it. When this is dropped, the process has ended.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    readers: Vec<JoinHandle<()>>,
    patience: Duration,
}

/// The time between two looks at whether a process has ended.
const AGAIN: Duration = Duration::from_millis(5);

impl Process {
    /// Starts `command`. Threads take what it prints: `out` its output, `errors` its error output. After a request to
    /// end, the process has as long as `patience`, and is killed then.
    ///
    /// # Errors
    /// If the process or a thread can't be started.
    pub(crate) fn start(
        command: &mut Command,
        patience: Duration,
        out: impl FnMut(&[u8]) + Send + 'static,
        errors: impl FnMut(&[u8]) + Send + 'static,
    ) -> io::Result<Self> {
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut process = Self {
            child: spawn::tie_to_this_thread(command).spawn()?,
            readers: Vec::new(),
            patience,
        };
        let pipes = (process.child.stdout.take(), process.child.stderr.take());
        if let (Some(stdout), Some(stderr)) = pipes {
            process.readers = vec![
                read("output", stdout, out)?,
                read("errors", stderr, errors)?,
            ];
        }
        Ok(process)
    }

    /// The input of the process, the first time.
    pub(crate) fn input(&mut self) -> Option<ChildStdin> {
        self.child.stdin.take()
    }

    /// How the process has ended; `None` while it runs, or while something that it printed isn't taken yet.
    ///
    /// # Errors
    /// If the system can't tell.
    pub(crate) fn ended(&mut self) -> io::Result<Option<ExitStatus>> {
        match self.readers.iter().all(JoinHandle::is_finished) {
            true => self.child.try_wait(),
            false => Ok(None),
        }
    }

    /// Ends the process: in good order if it does that soon, otherwise at once.
    pub(crate) fn stop(&mut self) {
        let end = Instant::now() + self.patience;
        if !self.patience.is_zero() {
            let _ = spawn::signal(&mut self.child, Signal::TERM);
        }
        while self.child.try_wait().is_ok_and(|it| it.is_none()) && Instant::now() < end {
            thread::sleep(AGAIN);
        }
        let _ = spawn::signal(&mut self.child, Signal::KILL);
        let _ = self.child.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Makes a taker of bytes from a taker of lines.
pub(crate) fn lines(mut take: impl FnMut(&str)) -> impl FnMut(&[u8]) {
    let mut begun = Vec::new();
    move |bytes| {
        for piece in bytes.split_inclusive(|it| *it == b'\n') {
            begun.extend_from_slice(piece);
            if let Some(line) = begun.strip_suffix(b"\n") {
                take(&String::from_utf8_lossy(line));
                begun.clear();
            }
        }
    }
}

/// Reads `pipe` to its end, on a thread.
fn read(
    name: &str,
    mut pipe: impl Read + Send + 'static,
    mut take: impl FnMut(&[u8]) + Send + 'static,
) -> io::Result<JoinHandle<()>> {
    let thread = thread::Builder::new().name(name.to_owned());
    thread.spawn(move || {
        let mut buffer = [0; 4096];
        loop {
            match pipe.read(&mut buffer) {
                Ok(0) => return,
                Ok(count) => take(&buffer[..count]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return,
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    /// How `script` ends, with the lines that it prints on both ways until then.
    fn run(script: &str) -> (ExitStatus, Vec<String>) {
        let printed = Arc::new(Mutex::new(Vec::new()));
        let taker = || {
            let printed = Arc::clone(&printed);
            lines(move |line| printed.lock().unwrap().push(line.to_owned()))
        };
        let mut command = Command::new("sh");
        command.args(["-c", script]).stdin(Stdio::null());
        let mut process = Process::start(&mut command, Duration::ZERO, taker(), taker()).unwrap();
        let end = Instant::now() + Duration::from_secs(60);
        let status = loop {
            if let Some(status) = process.ended().unwrap() {
                break status;
            }
            assert!(Instant::now() < end, "it doesn't end");
            thread::sleep(AGAIN);
        };
        (status, std::mem::take(&mut printed.lock().unwrap()))
    }

    #[test]
    fn a_process_has_ended_when_all_that_it_printed_is_taken() {
        for _ in 0..20 {
            let (status, printed) = run("printf 'a\\nb'; printf 'c\\n' >&1; echo why >&2; exit 3");
            assert_eq!(status.code(), Some(3));
            assert!(printed.contains(&"bc".to_owned()), "{printed:?}");
            assert!(printed.contains(&"why".to_owned()), "{printed:?}");
        }
    }

    #[test]
    fn what_does_not_end_in_time_is_killed() {
        let mut command = Command::new("sh");
        command.args([
            "-c",
            "trap '' TERM; echo ready; while :; do sleep 0.01; done",
        ]);
        let (sender, ready) = std::sync::mpsc::channel();
        let tell = move |_: &[u8]| sender.send(()).unwrap();
        let patience = Duration::from_millis(20);
        let mut process = Process::start(&mut command, patience, tell, |_| {}).unwrap();
        ready.recv().unwrap();
        process.stop();
        assert!(process.child.try_wait().unwrap().is_some());
    }
}
