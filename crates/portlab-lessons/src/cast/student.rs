//! A program that is run as a student runs it.

use std::{
    io::{self, BufRead, BufReader, Read},
    net::{Ipv4Addr, SocketAddr},
    process::{Child, ChildStdin, Command, Stdio},
    sync::mpsc::{self, Receiver, RecvTimeoutError},
    thread,
    time::Duration,
};

use portlab_lab::python::{Python, alone};
use portlab_sys::spawn;
use portlab_words::tr;

use super::Folder;

/// A running program. It is killed when it is dropped, and when this process ends.
#[derive(Debug)]
pub(crate) struct Student {
    child: Child,
    /// Kept open, because some programs wait for a line before they end.
    _input: Option<ChildStdin>,
    /// The lines of its stdout.
    lines: Receiver<String>,
    /// The lines of its stderr.
    errors: Receiver<String>,
}

/// How long a program may take to print its next line. On a busy machine, `locked.py` took longer than 15 s.
const PATIENCE: Duration = Duration::from_secs(60);

impl Student {
    /// Starts `code` in `python`, without writing a file.
    pub(crate) fn python(python: &Python, code: &str, arguments: &[&str]) -> io::Result<Self> {
        let mut command = Command::new(&python.executable);
        alone(&mut command).args(["-c", code]).args(arguments);
        Self::start(&mut command)
    }

    /// Starts the program `file` of `folder` in `python`.
    pub(crate) fn python_in(
        folder: &Folder,
        python: &Python,
        file: &str,
        arguments: &[&str],
    ) -> io::Result<Self> {
        let mut command = Command::new(&python.executable);
        alone(&mut command).current_dir(folder.path());
        Self::start(command.arg(file).args(arguments))
    }

    /// Starts a program.
    pub(crate) fn start(command: &mut Command) -> io::Result<Self> {
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = spawn::tie_to_this_thread(command).spawn()?;
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        Ok(Self {
            lines: lines(stdout.expect("stdout was asked to be a pipe")),
            errors: lines(stderr.expect("stderr was asked to be a pipe")),
            _input: child.stdin.take(),
            child,
        })
    }

    pub(crate) fn pid(&self) -> i32 {
        i32::try_from(self.child.id()).expect("process numbers are positive and small")
    }

    /// The next line that it prints; `None` when it has ended, or prints nothing for 60 s.
    pub(crate) fn line(&self) -> Option<String> {
        self.line_within(PATIENCE).ok()
    }

    /// The next line that it prints within `patience`. Fails when no line came in time, or the output has ended.
    pub(crate) fn line_within(&self, patience: Duration) -> Result<String, RecvTimeoutError> {
        self.lines.recv_timeout(patience)
    }

    /// The address at which it listens, from its next line: the port, or the URL of a site. Fails when this line is
    /// something else, or doesn't come.
    pub(crate) fn door(&self) -> io::Result<SocketAddr> {
        let line = self.line().unwrap_or_default();
        let port = line.strip_prefix("http://127.0.0.1:").unwrap_or(&line);
        let port: Result<u16, _> = port.trim_end_matches('/').parse();
        let port = port.map_err(|_| {
            io::Error::other(tr!(
                "the program printed \"{line}\" where its port was expected",
                "程序应当打印端口号，却打印了“{line}”"
            ))
        })?;
        Ok(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))
    }

    /// All lines that it prints from now on, until it ends.
    pub(crate) fn rest(&self) -> Vec<String> {
        std::iter::from_fn(|| self.line()).collect()
    }

    /// The error that ended the program, read when stderr has ended; empty if there was no error.
    pub(crate) fn error_line(&self) -> String {
        let errors = std::iter::from_fn(|| self.errors.recv_timeout(PATIENCE).ok());
        error_of(&errors.collect::<Vec<_>>()).to_owned()
    }

    /// The next line of its stderr that contains `part`; `None` when stderr has ended, or has no such line for 60 s.
    pub(crate) fn error_with(&self, part: &str) -> Option<String> {
        let mut errors = std::iter::from_fn(|| self.errors.recv_timeout(PATIENCE).ok());
        errors.find(|line| line.contains(part))
    }

    /// The error that ended the program; `None` while it runs, or if it ended without an error.
    pub(crate) fn error_if_ended(&mut self) -> Option<String> {
        let has_ended = matches!(self.child.try_wait(), Ok(Some(_)));
        let error = has_ended.then(|| self.error_line())?;
        (!error.is_empty()).then_some(error)
    }

    /// Waits until it has ended, 60 s at most. Returns whether its exit code was 0. Fails when the wait fails.
    pub(crate) fn ended_well(&mut self) -> io::Result<bool> {
        for _ in 0..PATIENCE.as_millis() {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status.success());
            }
            thread::sleep(Duration::from_millis(1));
        }
        Ok(false)
    }
}

/// The line of Python's traceback that names the error: the first line after the last indented line. Notes may follow it,
/// such as `decoding with 'gbk' codec failed` since Python 3.13.
fn error_of(lines: &[String]) -> &str {
    let trace = lines.iter().rposition(|line| line.starts_with("  "));
    let behind = lines.get(trace.map_or(0, |at| at + 1));
    behind.or(lines.last()).map_or("", String::as_str)
}

/// Reads `pipe` line by line on a thread of its own, which ends with the pipe.
fn lines(pipe: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let lines = BufReader::new(pipe).lines().map_while(Result::ok);
        // Sending fails when the receiver has been dropped.
        let _ = lines.map(|line| sender.send(line)).find(Result::is_err);
    });
    receiver
}

impl Drop for Student {
    fn drop(&mut self) {
        // Both fail only when the program has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::error_of;

    #[test]
    fn the_error_is_found_also_when_notes_follow_it() {
        let of = |text: &str| {
            let lines: Vec<_> = text.lines().map(str::to_owned).collect();
            error_of(&lines).to_owned()
        };
        let trace =
            "Traceback (most recent call last):\n  File \"a.py\", line 1\n    f()\n    ~^^\n";
        assert_eq!(of(&format!("{trace}OSError: x\n")), "OSError: x");
        assert_eq!(
            of(&format!("{trace}ValueError: y\na note\n")),
            "ValueError: y"
        );
        assert_eq!(of("SystemExit: 1\n"), "SystemExit: 1");
        assert_eq!(of(""), "");
    }
}
