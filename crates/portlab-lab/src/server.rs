//! A server in a process of its own. [`foreign`](crate::foreign) has the differences for a foreign server.

use std::{
    ffi::OsStr,
    io::{self, BufRead, BufReader, Read},
    net::SocketAddr,
    os::fd::RawFd,
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    sync::{
        Arc, Mutex,
        mpsc::{self, Receiver},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use portlab_sys::{
    keeper, meter,
    spawn::{self, Signal},
};
use portlab_words::{Text, tr};
use serde::Deserialize;

use crate::error::ServerError;

/// A running server: a `portlab serve`, or any other program. It ends with the thread that started
/// it, and is killed when dropped.
#[derive(Debug)]
pub struct Server {
    /// The server; for a foreign server, its keeper.
    pub(crate) child: Child,
    pub(crate) addr: SocketAddr,
    /// Whether the server is foreign, and so runs below a keeper.
    pub(crate) is_kept: bool,
    pub(crate) stderr: Stderr,
    /// The lines of its stdout.
    lines: Receiver<String>,
}

/// How a server ended after SIGTERM.
#[derive(Clone, Copy, Debug)]
pub struct Ended {
    /// The exit status.
    pub status: ExitStatus,
    /// How long the server took to end.
    pub took: Duration,
}

/// How long a server may take until it listens.
pub(crate) const START: Duration = Duration::from_secs(20);

/// How long a server of portlab may take to drain and exit.
pub(crate) const STOPPING: Duration = Duration::from_secs(8);

/// The time between two checks of a state.
pub(crate) const AGAIN: Duration = Duration::from_millis(2);

/// The surroundings of a server's process.
#[derive(Clone, Debug, Default)]
pub struct Surroundings {
    /// The processors that the server keeps to; all processors if empty.
    pub cpus: Vec<usize>,
    /// Environment variables that are added.
    pub variables: Vec<(String, String)>,
    /// How long a foreign server may take until it listens; 20 s by default.
    pub start_timeout: Option<Duration>,
    /// A descriptor that stays open until the last process of a foreign server has ended.
    pub held: Option<RawFd>,
}

impl Surroundings {
    fn prepare<'a>(&self, command: &'a mut Command, is_kept: bool) -> &'a mut Command {
        command.envs(self.variables.iter().cloned());
        if !self.cpus.is_empty() {
            spawn::keep_to(command, self.cpus.clone());
        }
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        match is_kept {
            true => keeper::keep(command, self.held),
            false => spawn::tie_to_this_thread(command),
        }
    }
}

impl Server {
    /// Starts `program serve --json --bind 127.0.0.1:0` with `options` after that, and waits until
    /// the server listens.
    ///
    /// # Errors
    /// If the server can't be started, or ends without listening; the error has its stderr.
    pub fn start<S: AsRef<OsStr>>(
        program: &Path,
        options: impl IntoIterator<Item = S>,
    ) -> Result<Self, ServerError> {
        Self::start_in(&Surroundings::default(), program, options)
    }

    /// Starts a server as [`Server::start`] does, in these `surroundings`.
    pub fn start_in<S: AsRef<OsStr>>(
        surroundings: &Surroundings,
        program: &Path,
        options: impl IntoIterator<Item = S>,
    ) -> Result<Self, ServerError> {
        Self::listening(surroundings, program, ["serve", "127.0.0.1:0"], options)
    }

    /// Starts `program proxy --json`, on a loopback port of IPv4 or IPv6, with `options` after that, and waits
    /// until the proxy listens.
    pub fn proxy<S: AsRef<OsStr>>(
        program: &Path,
        ipv4: bool,
        options: impl IntoIterator<Item = S>,
    ) -> Result<Self, ServerError> {
        let bind = if ipv4 { "127.0.0.1:0" } else { "[::1]:0" };
        Self::listening(&Surroundings::default(), program, ["proxy", bind], options)
    }

    fn listening<S: AsRef<OsStr>>(
        surroundings: &Surroundings,
        program: &Path,
        [subcommand, bind]: [&str; 2],
        options: impl IntoIterator<Item = S>,
    ) -> Result<Self, ServerError> {
        let mut command = Command::new(program);
        command
            .args([subcommand, "--json", "--bind", bind])
            .args(options);
        let nowhere = SocketAddr::from(([0, 0, 0, 0], 0));
        let mut server = Self::spawn(surroundings, &mut command, (nowhere, false))?;
        server.addr = server.wait_until_listening()?;
        Ok(server)
    }

    /// Starts `command`; below a keeper if `is_kept`.
    pub(crate) fn spawn(
        surroundings: &Surroundings,
        command: &mut Command,
        (addr, is_kept): (SocketAddr, bool),
    ) -> Result<Self, ServerError> {
        let spawned = surroundings.prepare(command, is_kept).spawn();
        let mut child = spawned.map_err(|error| {
            let program = command.get_program().to_string_lossy();
            let why = Text::system(&error);
            tr!(
                "can't start {program}: {why}; name an existing program, or `sh -c '...'`",
                "无法启动 {program}：{why:#}；请写一个存在的程序，或者用 `sh -c '...'`"
            )
        })?;
        let stdout = child.stdout.take().expect("`prepare` has made it a pipe");
        let stderr = child.stderr.take().expect("`prepare` has made it a pipe");
        Ok(Self {
            child,
            addr,
            is_kept,
            stderr: Stderr::collect(stderr),
            lines: lines(stdout),
        })
    }

    /// The address at which the server listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The server's process number; for a foreign server the number of its keeper, which is an ancestor of all its
    /// processes.
    pub fn pid(&self) -> i32 {
        i32::try_from(self.child.id()).expect("process numbers are positive and small")
    }

    /// The beginning of the server's stderr, up to now.
    pub fn error_output(&self) -> String {
        self.stderr.so_far()
    }

    /// Sends the server a signal. For a foreign server, the signal goes to the program that was started, and to
    /// descendants whose parents have ended.
    ///
    /// # Errors
    /// If the server has ended.
    pub fn signal(&mut self, signal: Signal) -> io::Result<()> {
        if !self.is_kept {
            return spawn::signal(&mut self.child, signal);
        }
        for pid in meter::children(self.pid())? {
            // Fails only if the process has ended.
            let _ = spawn::signal_pid(pid, signal);
        }
        Ok(())
    }

    /// How many connections each worker of a server of portlab has accepted; empty if its workers don't count for
    /// themselves.
    ///
    /// # Errors
    /// If the server has ended, or doesn't answer.
    pub fn accepted_by_worker(&mut self) -> io::Result<Vec<u64>> {
        self.signal(Signal::USR1)?;
        let line = self.lines.recv_timeout(START).map_err(io::Error::other)?;
        let event: serde_json::Value = serde_json::from_str(&line)?;
        let counts = event.get("accepted_by_worker");
        Ok(counts.map_or_else(|| Ok(Vec::new()), Vec::deserialize)?)
    }

    /// Waits until the server has ended, for at most `timeout`; `None` if it still runs then.
    ///
    /// # Errors
    /// If the system can't wait for it.
    pub fn wait(&mut self, timeout: Duration) -> io::Result<Option<ExitStatus>> {
        let since = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait()? {
                return Ok(Some(status));
            }
            if since.elapsed() > timeout {
                return Ok(None);
            }
            thread::sleep(Duration::from_millis(1));
        }
    }

    /// Sends SIGTERM, and waits until the server has ended, for at most `timeout`.
    ///
    /// # Errors
    /// If the server doesn't end; then it is killed.
    pub fn stop(mut self, timeout: Duration) -> Result<Ended, ServerError> {
        let since = Instant::now();
        self.signal(Signal::TERM)?;
        match self.wait(timeout)? {
            Some(status) => Ok(Ended {
                status,
                took: since.elapsed(),
            }),
            None => Err(tr!(
                "the server did not stop within {timeout:?} and was killed",
                "服务端在 {timeout:?} 内没有停止，已被强行结束"
            )
            .into()),
        }
    }

    fn wait_until_listening(&mut self) -> Result<SocketAddr, ServerError> {
        let line = self.lines.recv_timeout(START);
        let addr = line.ok().and_then(|line| {
            let event: serde_json::Value = serde_json::from_str(&line).ok()?;
            event.get("addr")?.as_str()?.parse().ok()
        });
        addr.ok_or_else(|| {
            let _ = self.child.kill();
            let _ = self.child.wait();
            let Text { en, zh } = match self.stderr.after_a_moment().trim() {
                "" => Text::new("its stderr is empty", "它没有任何输出"),
                printed => printed.to_owned().into(),
            };
            tr!(
                "the server did not begin to listen: {en}",
                "服务端没有开始监听：{zh}"
            )
            .into()
        })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // A keeper kills all of the server's processes before it ends.
        if self.is_kept {
            let _ = spawn::signal(&mut self.child, Signal::TERM);
            if let Ok(Some(_)) = self.wait(ENDING) {
                return;
            }
        }
        // Both fail only if the server has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// How long a keeper may take to kill its descendants.
const ENDING: Duration = Duration::from_secs(5);

/// Reads `pipe` line by line on a thread of its own, which ends with the pipe.
fn lines(pipe: impl Read + Send + 'static) -> Receiver<String> {
    // Only the first line is used, and those that are asked for.
    let (sender, receiver) = mpsc::sync_channel(16);
    thread::spawn(move || {
        // All lines are read, even without a receiver: a full pipe would block the server.
        each_line(pipe, |line| drop(sender.try_send(line)));
    });
    receiver
}

/// The longest line that is kept whole.
const LINE: u64 = 16 * 1024;

/// Calls `take` with each line of `pipe`, in any encoding, until the pipe ends. A line that is too long
/// comes in pieces.
fn each_line(pipe: impl Read, mut take: impl FnMut(String)) {
    let mut pipe = BufReader::new(pipe);
    let mut line = Vec::new();
    while let Ok(1..) = pipe.by_ref().take(LINE).read_until(b'\n', &mut line) {
        let end = line.trim_ascii_end().len();
        take(String::from_utf8_lossy(&line[..end]).into_owned());
        line.clear();
    }
}

/// The beginning of a server's stderr, collected by a thread that ends with the pipe.
#[derive(Debug)]
pub(crate) struct Stderr {
    text: Arc<Mutex<String>>,
    collector: JoinHandle<()>,
}

impl Stderr {
    const ENOUGH: usize = 64 * 1024;

    fn collect(pipe: impl Read + Send + 'static) -> Self {
        let text = Arc::new(Mutex::new(String::new()));
        let collected = Arc::clone(&text);
        let collector = thread::spawn(move || {
            each_line(pipe, |line| {
                if let Ok(mut text) = collected.lock()
                    && text.len() < Self::ENOUGH
                {
                    text.push_str(&line);
                    text.push('\n');
                }
            });
        });
        Self { text, collector }
    }

    fn so_far(&self) -> String {
        self.text
            .lock()
            .map_or_else(|broken| broken.into_inner().clone(), |text| text.clone())
    }

    /// Waits a moment for the end of the pipe, which a child of the server may keep open.
    pub(crate) fn after_a_moment(&self) -> String {
        const MOMENT: Duration = Duration::from_millis(500);
        let since = Instant::now();
        while !self.collector.is_finished() && since.elapsed() < MOMENT {
            thread::sleep(AGAIN);
        }
        self.so_far()
    }
}
