//! The proxy: its listener, a thread per connection, and what was counted.

use std::{
    io,
    net::{SocketAddr, TcpListener, TcpStream},
    os::unix::net::UnixStream,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use rustix::event::{PollFd, PollFlags, poll};

use crate::{
    connection::{self, reset},
    fault::Settings,
};

/// A proxy that runs until it is dropped, which cuts its connections.
#[derive(Debug)]
pub struct Proxy {
    addr: SocketAddr,
    shared: Arc<Shared>,
    acceptor: Option<JoinHandle<()>>,
}

/// Where a proxy forwards to, and its limits.
#[derive(Clone, Debug)]
pub struct Options {
    /// The addresses of the server, tried in this order.
    pub targets: Vec<SocketAddr>,
    /// The faults to begin with.
    pub settings: Settings,
    /// The most connections at a time; one more is reset.
    pub max_connections: u64,
    /// The most bytes that are under way in one direction of one connection.
    pub buffer: usize,
    /// What chance begins with: the same seed cuts and delays the same.
    pub seed: u64,
}

/// What a proxy has done so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Connections accepted.
    pub connections: u64,
    /// Connections that are open.
    pub open: u64,
    /// Bytes sent to the server.
    pub up_bytes: u64,
    /// Bytes sent to clients.
    pub down_bytes: u64,
    /// Connections that were reset because the server could not be reached.
    pub failed_targets: u64,
    /// Connections that were reset because too many were open.
    pub refused: u64,
    /// Resets that a fault made.
    pub resets: u64,
    /// Resets of one peer that were passed to the other.
    pub resets_passed: u64,
}

/// What hinders a proxy. Each kind is told at most once a second.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    /// The server can't be reached.
    #[error(
        "can't connect to {addr}: {source}; the client was reset (connections reset for this so far: {count})"
    )]
    Target {
        /// The server.
        addr: SocketAddr,
        /// What the system said.
        source: io::Error,
        /// How often this has happened.
        count: u64,
    },
    /// Too many connections are open.
    #[error("{0} connections are open, the most allowed; one more was reset")]
    Full(u64),
    /// The system has no descriptor or no thread left.
    #[error("can't take a connection: {0}")]
    System(io::Error),
}

/// What the threads share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) options: Options,
    pub(crate) counters: Counters,
    stopped: AtomicBool,
    /// The newest faults, and the other end of their `changed`.
    control: Mutex<(Arc<Control>, Option<UnixStream>)>,
    told: Mutex<[Option<Instant>; 3]>,
    tell: Tell,
}

/// Faults, until they are replaced.
#[derive(Debug)]
pub(crate) struct Control {
    pub(crate) settings: Settings,
    /// Becomes readable, by its other end's closing, when there are newer ones. Each change has a pair of its own:
    /// so all threads see it, and none can take it from another.
    pub(crate) changed: UnixStream,
}

/// The same as [`Counts`], counted by many threads.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    connections: AtomicU64,
    open: AtomicU64,
    pub(crate) up_bytes: AtomicU64,
    pub(crate) down_bytes: AtomicU64,
    failed_targets: AtomicU64,
    refused: AtomicU64,
    pub(crate) resets: AtomicU64,
    pub(crate) resets_passed: AtomicU64,
}

/// The function that is told of trouble.
struct Tell(Box<dyn Fn(&Trouble) + Send + Sync>);

impl std::fmt::Debug for Tell {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tell")
    }
}

impl Options {
    /// Forwards to `targets` without faults: 1000 connections, 4 MiB for each direction, seed 1.
    #[must_use]
    pub fn to(targets: Vec<SocketAddr>) -> Self {
        Self {
            targets,
            settings: Settings::default(),
            max_connections: 1000,
            buffer: 4 << 20,
            seed: 1,
        }
    }
}

impl Proxy {
    /// Starts a proxy on any port of loopback before `target`, with the faults that `lines` set.
    ///
    /// # Errors
    /// When a line can't be read, or the system refuses.
    pub fn before(target: SocketAddr, lines: &[&str]) -> io::Result<Self> {
        let mut options = Options::to(vec![target]);
        options.settings = Settings::of(lines).map_err(io::Error::other)?;
        Self::start(TcpListener::bind("127.0.0.1:0")?, options, |_| {})
    }

    /// Starts a proxy at `listener`; `tell` is told of trouble, by any thread.
    ///
    /// # Errors
    /// When the system has no descriptor or no thread for it.
    pub fn start(
        listener: TcpListener,
        options: Options,
        tell: impl Fn(&Trouble) + Send + Sync + 'static,
    ) -> io::Result<Self> {
        listener.set_nonblocking(true)?;
        let addr = listener.local_addr()?;
        let (control, bell) = control(options.settings.clone())?;
        let shared = Arc::new(Shared {
            options,
            counters: Counters::default(),
            stopped: AtomicBool::new(false),
            control: Mutex::new((control, Some(bell))),
            told: Mutex::default(),
            tell: Tell(Box::new(tell)),
        });
        let acceptor = thread::Builder::new().name("proxy-accept".to_owned());
        let acceptor = acceptor.spawn({
            let shared = Arc::clone(&shared);
            move || accept_all(&listener, &shared)
        })?;
        Ok(Self {
            addr,
            shared,
            acceptor: Some(acceptor),
        })
    }

    /// Where it listens.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The faults as they are now.
    #[must_use]
    pub fn settings(&self) -> Settings {
        self.shared.control().settings.clone()
    }

    /// Changes the faults, of open connections as well.
    ///
    /// # Errors
    /// When the system has no descriptor left; then the faults are as before.
    pub fn set(&self, settings: Settings) -> io::Result<()> {
        let (control, bell) = control(settings)?;
        *lock(&self.shared.control) = (control, Some(bell));
        Ok(())
    }

    /// What was counted so far.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let it = &self.shared.counters;
        Counts {
            connections: it.connections.load(Relaxed),
            open: it.open.load(Relaxed),
            up_bytes: it.up_bytes.load(Relaxed),
            down_bytes: it.down_bytes.load(Relaxed),
            failed_targets: it.failed_targets.load(Relaxed),
            refused: it.refused.load(Relaxed),
            resets: it.resets.load(Relaxed),
            resets_passed: it.resets_passed.load(Relaxed),
        }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Relaxed);
        lock(&self.shared.control).1 = None;
        if let Some(acceptor) = self.acceptor.take() {
            let _ = acceptor.join();
        }
    }
}

impl Shared {
    pub(crate) fn control(&self) -> Arc<Control> {
        Arc::clone(&lock(&self.control).0)
    }

    pub(crate) fn stopped(&self) -> bool {
        self.stopped.load(Relaxed)
    }

    fn tell(&self, trouble: &Trouble) {
        let kind = match trouble {
            Trouble::Target { .. } => 0,
            Trouble::Full(_) => 1,
            Trouble::System(_) => 2,
        };
        let last = &mut lock(&self.told)[kind];
        if last.is_none_or(|last| last.elapsed() >= ONCE_A) {
            *last = Some(Instant::now());
            (self.tell.0)(trouble);
        }
    }
}

fn control(settings: Settings) -> io::Result<(Arc<Control>, UnixStream)> {
    let (changed, bell) = UnixStream::pair()?;
    Ok((Arc::new(Control { settings, changed }), bell))
}

/// A thread that panicked has left nothing half done behind any of the locks.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn accept_all(listener: &TcpListener, shared: &Arc<Shared>) {
    while !shared.stopped() {
        let control = shared.control();
        let mut fds = [
            PollFd::new(listener, PollFlags::IN),
            PollFd::new(&control.changed, PollFlags::IN),
        ];
        // Whatever poll says, accept finds out.
        let _ = poll(&mut fds, None);
        let client = match listener.accept() {
            Ok((client, _)) => client,
            Err(error) => {
                use io::ErrorKind::{ConnectionAborted, Interrupted, WouldBlock};
                if !matches!(error.kind(), WouldBlock | Interrupted | ConnectionAborted) {
                    shared.tell(&Trouble::System(error));
                    thread::sleep(BACKOFF);
                }
                continue;
            }
        };
        let number = shared.counters.connections.fetch_add(1, Relaxed);
        let most = shared.options.max_connections;
        if shared.counters.open.load(Relaxed) >= most {
            shared.counters.refused.fetch_add(1, Relaxed);
            reset(client);
            shared.tell(&Trouble::Full(most));
            continue;
        }
        let open = Open::new(shared);
        let thread = thread::Builder::new().stack_size(STACK);
        // The closure, and with it the client's socket, is dropped if there is no thread for it.
        let spawned = thread.spawn(move || serve(client, number, &open.0));
        if let Err(error) = spawned {
            shared.tell(&Trouble::System(error));
        }
    }
}

/// A connection that is counted as open until this is dropped.
struct Open(Arc<Shared>);

impl Open {
    fn new(shared: &Arc<Shared>) -> Self {
        shared.counters.open.fetch_add(1, Relaxed);
        Self(Arc::clone(shared))
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.counters.open.fetch_sub(1, Relaxed);
    }
}

fn serve(client: TcpStream, number: u64, shared: &Shared) {
    let mut failure = None;
    for &addr in &shared.options.targets {
        match TcpStream::connect_timeout(&addr, CONNECT) {
            Ok(target) => return connection::run(client, target, number, shared),
            Err(source) => failure = Some((addr, source)),
        }
    }
    let count = 1 + shared.counters.failed_targets.fetch_add(1, Relaxed);
    reset(client);
    if let Some((addr, source)) = failure {
        shared.tell(&Trouble::Target {
            addr,
            source,
            count,
        });
    }
}

/// How often each kind of trouble is told at most.
const ONCE_A: Duration = Duration::from_secs(1);
/// How long the system gets to have descriptors again.
const BACKOFF: Duration = Duration::from_millis(100);
/// How long connecting to the server may take.
const CONNECT: Duration = Duration::from_secs(5);
/// A connection's thread needs little: its buffer is on the heap.
const STACK: usize = 256 << 10;
