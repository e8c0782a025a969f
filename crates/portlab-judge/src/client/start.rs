//! Starting a client, so that its connections come to this process.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    sync::{Arc, Mutex, PoisonError},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use portlab_sys::{
    dials,
    meter::{self, is_runnable},
};
use portlab_words::{Text, tr};
use socket2::{Domain, Socket, Type};

use crate::program::{Kept, Launch, StartTrouble};

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
    pub(super) run: Kept,
    socket: TcpListener,
    dialled: Arc<Mutex<Vec<SocketAddr>>>,
    watching: Option<JoinHandle<io::Result<()>>>,
}

impl Started {
    /// Starts the client.
    ///
    /// # Errors
    /// When it can't be started, when the port that it dials can't be seen, or when the port of --port is in use.
    pub(super) fn begin(launch: &Launch, door: Door) -> Result<Self, StartTrouble> {
        let port = launch.port.unwrap_or(0);
        let socket = listener(port, door).map_err(|error| taken(port, &error))?;
        let here = socket.local_addr().map_err(StartTrouble::of_system)?;
        let port = here.port().to_string();
        let words = launch.words.iter().map(|it| it.replace("{port}", &port));
        let words: Vec<_> = words.collect();
        let mut watch = None;
        let typed = launch.typed.as_deref().unwrap_or(TYPED_BY_DEFAULT);
        let run = Kept::start(&words, launch.folder.as_deref(), typed, |command| {
            if launch.port.is_none() {
                watch = Some(dials::watch(command).map_err(StartTrouble::of_system)?);
            }
            Ok(())
        })?;
        let mut started = Self {
            run,
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
}

/// The address that the program of `launch`, which doesn't listen, dials when it runs once more. `None` if it dials
/// none, or if this system doesn't show it.
pub(crate) fn dialled(launch: &Launch) -> Option<SocketAddr> {
    // The port that a server would be judged at says nothing about it.
    let launch = Launch {
        port: None,
        ..launch.clone()
    };
    let mut started = Started::begin(&launch, Door::Open).ok()?;
    let since = Instant::now();
    // On a busy machine, a program that still starts has more time.
    let starts = |root| meter::below(root).is_ok_and(|it| it.is_empty() || is_runnable(&it));
    while started.dialled().is_empty()
        && started.run.ended().is_none()
        && (since.elapsed() < DIALLING
            || since.elapsed() < launch.timeout && starts(started.run.root()))
    {
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
    let why = Text::system(error);
    StartTrouble::of_command(match error.kind() {
        io::ErrorKind::PermissionDenied => tr!(
            "can't listen at port {port}: ports below 1024 belong to the administrator; let the client dial a port from \
             1024 to 65535",
            "无法监听端口 {port}：1024 以下的端口只有管理员可以用；请让客户端连接 1024 到 65535 之间的端口"
        ),
        _ => tr!(
            "can't listen at port {port}, which the client dials: {why}; end the program that uses it, see \
             `portlab ports`",
            "无法监听客户端要连接的端口 {port}：{why:#}；请先结束占用它的程序，可以用 `portlab ports` 查看"
        ),
    })
}

fn unseen(error: &io::Error) -> StartTrouble {
    let why = Text::system(error);
    StartTrouble::of_command(tr!(
        "this system doesn't show portlab which port the program dials ({why}); let the program connect to 127.0.0.1, \
         and give its port with --port, such as --port 8080",
        "这个系统不让 portlab 看到程序连接的是哪个端口（{why:#}）；请让程序连接 127.0.0.1，并用 --port 写明端口，例如 --port 8080"
    ))
}

/// What is typed when a client reads its stdin: some texts, and the words by which programs of the course end.
const TYPED_BY_DEFAULT: &str = "你好\nhello\nquit\nexit\nbye\nq\n";

/// How long a program that should be a server may take to dial.
const DIALLING: Duration = Duration::from_secs(3);

/// How many addresses are kept.
const MANY: usize = 64;
