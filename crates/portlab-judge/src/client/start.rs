//! Starting a client, so that its connections come to this process.

use std::{
    io::{self, Write},
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::PathBuf,
    process::{Child, ChildStdin, Command, ExitStatus, Stdio},
    sync::{Arc, Mutex, PoisonError},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use portlab_sys::{
    dials, keeper,
    spawn::{Signal, signal},
};
use portlab_words::tr;
use socket2::{Domain, Socket, Type};

use crate::program::{Launch, StartTrouble, Tail};

/// What to start, and where its connections are expected.
#[derive(Clone, Debug)]
pub struct ClientLaunch {
    /// The command. `{port}` in a word is replaced by the port at which portlab listens.
    pub words: Vec<String>,
    /// The folder in which it runs; that of the judge if none is given.
    pub folder: Option<PathBuf>,
    /// The port that the client dials, if the user says it. Otherwise it is seen.
    pub port: Option<u16>,
    /// What is typed when the client reads its stdin.
    pub typed: String,
    /// What portlab answers, if the client needs a certain text.
    pub answer: Option<String>,
    /// How long it may take until it connects.
    pub timeout: Duration,
}

/// What waits for the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Door {
    /// A server that listens.
    Open,
    /// The same, with a small receive buffer, so that the client can't send much before it is read.
    Narrow,
    /// Nothing listens: the connection is refused.
    Shut,
}

/// A client that runs.
#[derive(Debug)]
pub(super) struct Started {
    keeper: Child,
    stdin: Option<ChildStdin>,
    stdout: Tail,
    stderr: Tail,
    status: Option<ExitStatus>,
    socket: TcpListener,
    dialled: Arc<Mutex<Vec<SocketAddr>>>,
    watching: Option<JoinHandle<io::Result<()>>>,
}

impl Started {
    /// Starts the client.
    ///
    /// # Errors
    /// When it can't be started, when the port that it dials can't be seen, or when the port of --port is in use.
    pub(super) fn begin(launch: &ClientLaunch, door: Door) -> Result<Self, StartTrouble> {
        StartTrouble::check(&launch.words, launch.folder.as_deref())?;
        let port = launch.port.unwrap_or(0);
        let socket = listener(port, door).map_err(|error| taken(port, &error))?;
        let here = socket.local_addr().map_err(StartTrouble::of_system)?;
        let port = here.port().to_string();
        let words = launch.words.iter().map(|it| it.replace("{port}", &port));
        let mut words = words.collect::<Vec<_>>().into_iter();
        let program = words.next().ok_or_else(StartTrouble::empty)?;
        let mut command = Command::new(&program);
        command
            .args(words)
            .env("PYTHONUNBUFFERED", "1")
            .env("PYTHONIOENCODING", "utf-8")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        if let Some(folder) = &launch.folder {
            command.current_dir(folder);
        }
        let watch = match launch.port {
            None => Some(dials::watch(&mut command).map_err(StartTrouble::of_system)?),
            Some(_) => None,
        };
        let mut keeper = keeper::keep(&mut command, None)
            .spawn()
            .map_err(|error| StartTrouble::not_found(&program, &error))?;
        drop(command);
        let mut stdin = keeper.stdin.take();
        if let Some(stdin) = &mut stdin {
            // A pipe takes some thousand bytes at once. A program that has ended reads nothing.
            let _ = stdin.write_all(&launch.typed.as_bytes()[..launch.typed.len().min(TYPED)]);
        }
        let stdout = keeper.stdout.take().expect("it was made a pipe");
        let stderr = keeper.stderr.take().expect("it was made a pipe");
        let mut started = Self {
            stdout: Tail::of(stdout),
            stderr: Tail::of(stderr),
            stdin,
            keeper,
            status: None,
            socket,
            dialled: Arc::default(),
            watching: None,
        };
        let has_place = launch.words.iter().any(|it| it.contains("{port}"));
        match watch.map(dials::Watch::dials) {
            Some(Ok(dials)) => started.redirect(dials, here),
            Some(Err(error)) if !has_place => return Err(unseen(&error)),
            _ => {}
        }
        Ok(started)
    }

    /// Connects every socket of the client to `here`, and notes where it should have gone.
    fn redirect(&mut self, dials: dials::Dials, here: SocketAddr) {
        let dialled = Arc::clone(&self.dialled);
        self.watching = Some(thread::spawn(move || {
            dials.redirect(|addr| {
                let mut dialled = dialled.lock().unwrap_or_else(PoisonError::into_inner);
                if dialled.len() < MANY {
                    dialled.push(addr);
                }
                Some(here)
            })
        }));
    }

    /// The addresses that the client has dialled.
    pub(super) fn dialled(&self) -> Vec<SocketAddr> {
        let dialled = self.dialled.lock();
        dialled.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Where portlab listens.
    pub(super) fn here(&self) -> Option<SocketAddr> {
        self.socket.local_addr().ok()
    }

    /// Whether the client's calls are seen.
    pub(super) fn is_watched(&self) -> bool {
        self.watching.is_some()
    }

    /// Why the client's calls can't be redirected, if the system doesn't allow it.
    pub(super) fn refusal(&mut self) -> Option<StartTrouble> {
        let watching = self.watching.take_if(|it| it.is_finished())?;
        // A panic of the thread has printed its message.
        let error = watching.join().ok()?.err()?;
        Some(unseen(&error))
    }

    /// The next connection, if there is one.
    pub(super) fn accept(&self) -> Option<std::net::TcpStream> {
        self.socket.accept().ok().map(|(stream, _)| stream)
    }

    /// The keeper: all processes of the client are below it.
    pub(super) fn root(&self) -> i32 {
        self.keeper.id().cast_signed()
    }

    /// How the client has ended, if all of its processes have.
    pub(super) fn ended(&mut self) -> Option<ExitStatus> {
        if self.status.is_none() {
            self.status = self.keeper.try_wait().ok().flatten();
        }
        self.status
    }

    /// Whether the client has read all that was typed, and so waits for more, or will.
    pub(super) fn reads_stdin(&self) -> bool {
        let unread = self.stdin.as_ref().map(portlab_sys::process::unread);
        unread.is_some_and(|it| it.is_ok_and(|bytes| bytes == 0))
    }

    /// What the client has printed.
    pub(super) fn stdout(&self) -> String {
        self.stdout.text()
    }

    /// What the client has written to stderr.
    pub(super) fn stderr(&self) -> String {
        self.stderr.text()
    }

    /// Waits until the output of a client that has ended is read.
    pub(super) fn await_output(&self) {
        let since = Instant::now();
        while !(self.stdout.is_at_end() && self.stderr.is_at_end()) && since.elapsed() < ENDING {
            thread::sleep(Duration::from_millis(1));
        }
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        // The keeper kills all of the client's processes before it ends.
        let _ = signal(&mut self.keeper, Signal::TERM);
        let since = Instant::now();
        while since.elapsed() < ENDING && matches!(self.keeper.try_wait(), Ok(None)) {
            thread::sleep(Duration::from_millis(1));
        }
    }
}

/// The address that the program of `launch`, which doesn't listen, dials when it runs once more. `None` if it dials
/// none, or if this system doesn't show it.
pub(crate) fn dialled(launch: &Launch) -> Option<SocketAddr> {
    let launch = ClientLaunch {
        words: launch.words.clone(),
        folder: launch.folder.clone(),
        port: None,
        typed: launch
            .typed
            .clone()
            .unwrap_or_else(|| TYPED_BY_DEFAULT.to_owned()),
        answer: None,
        timeout: launch.timeout,
    };
    let mut started = Started::begin(&launch, Door::Open).ok()?;
    let since = Instant::now();
    while started.dialled().is_empty() && started.ended().is_none() && since.elapsed() < DIALLING {
        thread::sleep(Duration::from_millis(5));
    }
    started.dialled().first().copied()
}

fn listener(port: u16, door: Door) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    socket.set_reuse_address(true)?;
    if door == Door::Narrow {
        socket.set_recv_buffer_size(4096)?;
    }
    socket.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, port)).into())?;
    if door != Door::Shut {
        socket.listen(128)?;
    }
    socket.set_nonblocking(true)?;
    Ok(socket.into())
}

fn taken(port: u16, error: &io::Error) -> StartTrouble {
    StartTrouble::of_command(match error.kind() {
        io::ErrorKind::PermissionDenied => tr!(
            "can't listen at port {port}: ports below 1024 belong to the administrator; let the client dial a port from \
             1024 to 65535",
            "无法监听端口 {port}：1024 以下的端口只有管理员可以用；请让客户端连接 1024 到 65535 之间的端口"
        ),
        _ => tr!(
            "can't listen at port {port}, which the client dials: {error}; end the program that uses it, see \
             `portlab ports`",
            "无法监听客户端要连接的端口 {port}：{error}；请先结束占用它的程序，可以用 `portlab ports` 查看"
        ),
    })
}

fn unseen(error: &io::Error) -> StartTrouble {
    StartTrouble::of_command(tr!(
        "this system doesn't show portlab which port the program dials ({error}); let the program connect to 127.0.0.1, \
         and give its port with --port, such as --port 8080",
        "这个系统不让 portlab 看到程序连接的是哪个端口（{error}）；请让程序连接 127.0.0.1，并用 --port 写明端口，例如 --port 8080"
    ))
}

/// What is typed when a client reads its stdin: some texts, and the words by which programs of the course end.
pub const TYPED_BY_DEFAULT: &str = "你好\nhello\nquit\nexit\nbye\nq\n";

/// How many bytes are typed: a pipe takes more than that without a reader.
const TYPED: usize = 4096;

/// How long a program that should be a server may take to dial.
const DIALLING: Duration = Duration::from_secs(3);

/// How many addresses are kept.
const MANY: usize = 64;

/// How long all processes of a client may take to end.
const ENDING: Duration = Duration::from_secs(5);
