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

use crate::foreign::NotMetered;

/// A running server: a `portlab serve`, or any other program. It ends with the thread that started
/// it, and is killed when dropped.
#[derive(Debug)]
pub struct Server {
    /// The server; for a foreign server, its keeper.
    pub(crate) child: Child,
    pub(crate) addr: SocketAddr,
    /// Whether it is foreign, and so runs below a keeper.
    pub(crate) is_kept: bool,
    /// Its stderr.
    pub(crate) complaints: Complaints,
    /// The lines of its stdout.
    lines: Receiver<String>,
}

/// How a server ended when it was told to stop.
#[derive(Clone, Copy, Debug)]
pub struct Ended {
    /// Its exit status.
    pub status: ExitStatus,
    /// How long it took.
    pub took: Duration,
}

/// Why there is no server.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// It could not be started, did not begin to listen, or did not stop.
    #[error(transparent)]
    Failed(#[from] Text),
    /// A foreign server listens, but can't be metered in whole.
    #[error(transparent)]
    NotMetered(#[from] NotMetered),
}

impl From<io::Error> for ServerError {
    fn from(error: io::Error) -> Self {
        Self::Failed(tr!(
            "lost the server: {error}",
            "与服务端失去了联系：{error}"
        ))
    }
}

/// How long a server may take until it listens.
pub(crate) const START: Duration = Duration::from_secs(20);

/// The time between two checks of a state.
pub(crate) const AGAIN: Duration = Duration::from_millis(2);

/// The surroundings of a server's process.
#[derive(Clone, Debug, Default)]
pub struct Surroundings {
    /// The processors that it keeps to; all of them when empty.
    pub cpus: Vec<usize>,
    /// Environment variables that are added.
    pub variables: Vec<(String, String)>,
    /// How long a foreign server may take until it listens; 20 s unless told.
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
    /// Starts `program serve --json --bind 127.0.0.1:0` with `options` behind it, and waits until
    /// it listens.
    ///
    /// # Errors
    /// When it can't be started, or ends without listening; the error has its stderr.
    pub fn start<S: AsRef<OsStr>>(
        program: &Path,
        options: impl IntoIterator<Item = S>,
    ) -> Result<Self, ServerError> {
        Self::start_in(&Surroundings::default(), program, options)
    }

    /// The same, in surroundings of its own.
    pub fn start_in<S: AsRef<OsStr>>(
        surroundings: &Surroundings,
        program: &Path,
        options: impl IntoIterator<Item = S>,
    ) -> Result<Self, ServerError> {
        Self::listening(surroundings, program, ["serve", "127.0.0.1:0"], options)
    }

    /// Starts `program proxy --json`, on a loopback port of IPv4 or IPv6, with `options` behind it, and waits
    /// until it listens.
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
            tr!(
                "can't start {program}: {error}; name a program that is there, or `sh -c '...'`",
                "无法启动 {program}：{error}；请写一个存在的程序，或者用 `sh -c '...'`"
            )
        })?;
        let stdout = child.stdout.take().expect("stdout was asked to be a pipe");
        let stderr = child.stderr.take().expect("stderr was asked to be a pipe");
        Ok(Self {
            child,
            addr,
            is_kept,
            complaints: Complaints::collect(stderr),
            lines: lines(stdout),
        })
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Its process number; for a foreign server that of its keeper, whose descendants its processes are.
    pub fn pid(&self) -> i32 {
        i32::try_from(self.child.id()).expect("process numbers are positive and small")
    }

    /// Its stderr so far.
    pub fn complaints(&self) -> String {
        self.complaints.so_far()
    }

    /// Sends it a signal. A foreign server's signal goes to the program that was started, and to descendants
    /// whose parents have ended.
    ///
    /// # Errors
    /// When it has gone.
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

    /// Waits until it has ended, for at most `patience`; `None` when it hasn't.
    ///
    /// # Errors
    /// When it can't be waited for.
    pub fn wait(&mut self, patience: Duration) -> io::Result<Option<ExitStatus>> {
        let since = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait()? {
                return Ok(Some(status));
            }
            if since.elapsed() > patience {
                return Ok(None);
            }
            thread::sleep(Duration::from_millis(1));
        }
    }

    /// Tells it to stop (SIGTERM), and waits until it has, for at most `patience`.
    ///
    /// # Errors
    /// When it doesn't; then it is killed.
    pub fn stop(mut self, patience: Duration) -> Result<Ended, ServerError> {
        let since = Instant::now();
        self.signal(Signal::TERM)?;
        match self.wait(patience)? {
            Some(status) => Ok(Ended {
                status,
                took: since.elapsed(),
            }),
            None => Err(tr!(
                "the server did not stop within {patience:?} and was killed",
                "服务端在 {patience:?} 内没有停止，已被强行结束"
            )
            .into()),
        }
    }

    fn wait_until_listening(&mut self) -> Result<SocketAddr, ServerError> {
        let said = self.lines.recv_timeout(START);
        let addr = said.ok().and_then(|line| {
            let event: serde_json::Value = serde_json::from_str(&line).ok()?;
            event.get("addr")?.as_str()?.parse().ok()
        });
        addr.ok_or_else(|| {
            let _ = self.child.kill();
            let _ = self.child.wait();
            let words = self.complaints.for_a_moment();
            let Text { en, zh } = match words.trim() {
                "" => Text::new("it said nothing", "它没有任何输出"),
                words => tr!("{words}", "{words}"),
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
        // Both fail only if it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// How long a keeper may take to kill what it keeps.
const ENDING: Duration = Duration::from_secs(5);

/// Reads `pipe` line by line on a thread of its own, which ends with the pipe.
fn lines(pipe: impl Read + Send + 'static) -> Receiver<String> {
    // Only the first line is waited for.
    let (sender, receiver) = mpsc::sync_channel(16);
    thread::spawn(move || {
        // Read on even without a receiver: a full pipe would block the server.
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

/// The beginning of what comes through a pipe, collected by a thread that ends with the pipe.
#[derive(Debug)]
pub(crate) struct Complaints {
    text: Arc<Mutex<String>>,
    collector: JoinHandle<()>,
}

impl Complaints {
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

    /// Waits briefly for the other end to be closed, which a child of the server may keep open.
    pub(crate) fn for_a_moment(&self) -> String {
        const MOMENT: Duration = Duration::from_millis(500);
        let since = Instant::now();
        while !self.collector.is_finished() && since.elapsed() < MOMENT {
            thread::sleep(AGAIN);
        }
        self.so_far()
    }
}
