//! A server in a process of its own.

use std::{
    ffi::OsStr,
    io::{self, BufRead, BufReader, Read},
    net::{SocketAddr, TcpListener},
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
    listening::hears,
    spawn::{self, Signal},
};

/// A running server: a `portlab serve`, or any other program. It ends with the thread that started
/// it, and is killed when dropped.
#[derive(Debug)]
pub struct Server {
    child: Child,
    addr: SocketAddr,
    /// What it says on stderr.
    complaints: Complaints,
    /// Lines that it says on stdout.
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
    /// The program can't be started at all.
    #[error("can't start {program}: {source}; name a program that is there, or `sh -c '...'`")]
    Start {
        /// The program.
        program: String,
        /// What the system said.
        source: io::Error,
    },
    /// It ended, or kept silent, instead of listening.
    #[error("the server did not begin to listen: {0}")]
    NotListening(String),
    /// It did not end when it was told to.
    #[error("the server did not stop within {0:?} and was killed")]
    NotStopping(Duration),
    /// A foreign server didn't come to listen.
    #[error("`{command}` {what}{}", saying(said))]
    Foreign {
        /// What was started.
        command: String,
        /// What it did instead.
        what: String,
        /// What it said on stderr.
        said: String,
    },
    /// The system refused something about a server that runs.
    #[error("lost the server: {0}")]
    Lost(#[from] io::Error),
}

/// How long a server may take until it listens.
const START: Duration = Duration::from_secs(20);

/// How long to wait before a foreign server is tried again.
const AGAIN: Duration = Duration::from_millis(2);

/// Where a server lives.
#[derive(Clone, Debug, Default)]
pub struct Surroundings {
    /// The processors that it keeps to; all of them when empty.
    pub cpus: Vec<usize>,
    /// What its environment has beside the usual.
    pub variables: Vec<(String, String)>,
}

impl Surroundings {
    fn prepare<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        command.envs(self.variables.iter().cloned());
        if !self.cpus.is_empty() {
            spawn::keep_to(command, self.cpus.clone());
        }
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        spawn::tie_to_this_thread(command)
    }
}

fn saying(said: &str) -> String {
    match said.trim() {
        "" => String::new(),
        said => format!("; it said: {said}"),
    }
}

impl Server {
    /// Starts `program serve --json --bind 127.0.0.1:0` with `options` behind it, and waits until
    /// it listens.
    ///
    /// # Errors
    /// When it can't be started, or ends without listening; the error says what it complained of.
    pub fn start<S: AsRef<OsStr>>(
        program: &Path,
        options: impl IntoIterator<Item = S>,
    ) -> Result<Self, ServerError> {
        Self::start_in(&Surroundings::default(), program, options)
    }

    /// The same, in surroundings of its own.
    ///
    /// # Errors
    /// As [`Server::start`].
    pub fn start_in<S: AsRef<OsStr>>(
        surroundings: &Surroundings,
        program: &Path,
        options: impl IntoIterator<Item = S>,
    ) -> Result<Self, ServerError> {
        let mut command = Command::new(program);
        command
            .args(["serve", "--json", "--bind", "127.0.0.1:0"])
            .args(options);
        let nowhere = SocketAddr::from(([0, 0, 0, 0], 0));
        let mut server = Self::spawn(surroundings, &mut command, nowhere)?;
        server.addr = server.wait_until_listening()?;
        Ok(server)
    }

    /// Starts any program that listens on the loopback port put for `{port}` in its `words`, and waits
    /// until the kernel lists it as listening there. No connection is made to see that: an empty one ends some
    /// servers.
    ///
    /// # Errors
    /// When it can't be started, or ends, or doesn't listen within 20 s.
    pub fn foreign(surroundings: &Surroundings, words: &[String]) -> Result<Self, ServerError> {
        // Free a moment ago, which is as sure as one can be of a port that another is to bind.
        let addr = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let port = addr.port().to_string();
        let mut words = words.iter().map(|word| word.replace("{port}", &port));
        let mut command = Command::new(words.next().unwrap_or_default());
        command.args(words);
        let mut server = Self::spawn(surroundings, &mut command, addr)?;
        let since = Instant::now();
        let what = loop {
            if hears(addr) == Some(true) {
                return Ok(server);
            }
            if let Some(status) = server.child.try_wait()? {
                break format!("ended with {status} instead of listening on {addr}");
            }
            if since.elapsed() > START {
                let _ = server.child.kill();
                break format!(
                    "doesn't listen on {addr} after {} s; it is to take its port from {{port}}",
                    START.as_secs()
                );
            }
            thread::sleep(AGAIN);
        };
        let words = command.get_args().map(OsStr::to_string_lossy);
        let program = command.get_program().to_string_lossy();
        let command = std::iter::once(program).chain(words).collect::<Vec<_>>();
        Err(ServerError::Foreign {
            command: command.join(" "),
            what,
            // Not waited for long: a child of its own may keep the pipe open.
            said: server.complaints.for_a_moment(),
        })
    }

    fn spawn(
        surroundings: &Surroundings,
        command: &mut Command,
        addr: SocketAddr,
    ) -> Result<Self, ServerError> {
        let mut child =
            surroundings
                .prepare(command)
                .spawn()
                .map_err(|source| ServerError::Start {
                    program: command.get_program().to_string_lossy().into_owned(),
                    source,
                })?;
        let stdout = child.stdout.take().expect("stdout was asked to be a pipe");
        let stderr = child.stderr.take().expect("stderr was asked to be a pipe");
        Ok(Self {
            child,
            addr,
            complaints: Complaints::collect(stderr),
            lines: lines(stdout),
        })
    }

    /// Where it listens.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Its process number.
    #[must_use]
    pub fn pid(&self) -> i32 {
        i32::try_from(self.child.id()).expect("process numbers are positive and small")
    }

    /// What it has said on stderr so far.
    #[must_use]
    pub fn complaints(&self) -> String {
        self.complaints.so_far()
    }

    /// Sends it a signal.
    ///
    /// # Errors
    /// When it has gone.
    pub fn signal(&mut self, signal: Signal) -> io::Result<()> {
        spawn::signal(&mut self.child, signal)
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
            None => Err(ServerError::NotStopping(patience)),
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
            let words = self.complaints.wait_for_the_end();
            let words = words.trim();
            let silent = "it said nothing";
            ServerError::NotListening(if words.is_empty() { silent } else { words }.to_owned())
        })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Both fail only when it has gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Reads `pipe` line by line on a thread of its own, which ends with the pipe.
fn lines(pipe: impl Read + Send + 'static) -> Receiver<String> {
    // Only the first line is waited for.
    let (sender, receiver) = mpsc::sync_channel(16);
    thread::spawn(move || {
        // Read on even if nobody listens: a full pipe would block the server.
        each_line(pipe, |line| drop(sender.try_send(line)));
    });
    receiver
}

/// The longest line that is kept whole.
const LINE: u64 = 16 * 1024;

/// Hands out what comes through `pipe` line by line, in whatever encoding, until it ends. A line that
/// is too long comes in pieces.
fn each_line(pipe: impl Read, mut take: impl FnMut(String)) {
    let mut pipe = BufReader::new(pipe);
    let mut line = Vec::new();
    while let Ok(1..) = pipe.by_ref().take(LINE).read_until(b'\n', &mut line) {
        let end = line.trim_ascii_end().len();
        take(String::from_utf8_lossy(&line[..end]).into_owned());
        line.clear();
    }
}

/// What comes through a pipe, its beginning if it is long, collected by a thread that ends with it.
#[derive(Debug)]
struct Complaints {
    text: Arc<Mutex<String>>,
    collector: Option<JoinHandle<()>>,
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
        Self {
            text,
            collector: Some(collector),
        }
    }

    fn so_far(&self) -> String {
        self.text
            .lock()
            .map_or_else(|broken| broken.into_inner().clone(), |text| text.clone())
    }

    /// Waits until the other end has been closed, for a moment at most.
    fn for_a_moment(&self) -> String {
        const MOMENT: Duration = Duration::from_millis(500);
        let since = Instant::now();
        let is_over = || self.collector.as_ref().is_none_or(JoinHandle::is_finished);
        while !is_over() && since.elapsed() < MOMENT {
            thread::sleep(AGAIN);
        }
        self.so_far()
    }

    /// Waits until the other end has been closed, which its process's end does.
    fn wait_for_the_end(&mut self) -> String {
        if let Some(collector) = self.collector.take() {
            // It doesn't panic; if it did, what it has collected is still there.
            let _ = collector.join();
        }
        self.so_far()
    }
}
