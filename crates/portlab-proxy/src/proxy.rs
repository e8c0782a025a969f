//! The proxy: its listener, a thread per connection, and what was counted.

use std::{
    io::{
        self,
        ErrorKind::{ConnectionAborted, Interrupted, WouldBlock},
    },
    net::{SocketAddr, TcpListener, TcpStream},
    os::unix::net::UnixStream,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use portlab_words::{Text, tr};
use rustix::event::{PollFd, PollFlags, poll};

use crate::{
    connection::{self, reset},
    fault::Settings,
};

/// A proxy that runs until it is dropped, which cuts its connections.
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

/// What the threads share.
pub(crate) struct Shared {
    pub(crate) options: Options,
    counts: Mutex<Counts>,
    stopped: AtomicBool,
    /// The newest faults, and the other end of their `changed`.
    control: Mutex<(Arc<Control>, Option<UnixStream>)>,
    last_told: Mutex<Option<Instant>>,
    tell: Box<Tell>,
}

/// Faults, until they are replaced.
#[derive(Debug)]
pub(crate) struct Control {
    pub(crate) settings: Settings,
    /// Becomes readable, by its other end's closing, when there are newer ones. Each change has a pair of its own:
    /// so all threads see it, and none can take it from another.
    pub(crate) changed: UnixStream,
}

/// The function that is told what hinders the proxy.
type Tell = dyn Fn(&Text) + Send + Sync;

impl Options {
    /// Forwards to `targets` without faults: 1000 connections, 4 MiB for each direction, seed 1.
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

    /// Starts a proxy at `listener`. `tell` is told what hinders the proxy, by any thread and at most once a second.
    ///
    /// # Errors
    /// When the system has no descriptor or no thread for it.
    pub fn start(
        listener: TcpListener,
        options: Options,
        tell: impl Fn(&Text) + Send + Sync + 'static,
    ) -> io::Result<Self> {
        listener.set_nonblocking(true)?;
        let addr = listener.local_addr()?;
        let (control, bell) = control(options.settings.clone())?;
        let shared = Arc::new(Shared {
            options,
            counts: Mutex::default(),
            stopped: AtomicBool::new(false),
            control: Mutex::new((control, Some(bell))),
            last_told: Mutex::default(),
            tell: Box::new(tell),
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
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The faults as they are now.
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
    pub fn counts(&self) -> Counts {
        *lock(&self.shared.counts)
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

    pub(crate) fn count(&self, change: impl FnOnce(&mut Counts)) {
        change(&mut lock(&self.counts));
    }

    fn tell(&self, trouble: &Text) {
        let mut last = lock(&self.last_told);
        if last.is_none_or(|last| last.elapsed() >= ONCE_A) {
            *last = Some(Instant::now());
            (self.tell)(trouble);
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
        let taken = listener
            .accept()
            .and_then(|(client, _)| take(client, shared));
        if let Err(error) = taken
            && !matches!(error.kind(), WouldBlock | Interrupted | ConnectionAborted)
        {
            shared.tell(&tr!(
                "can't accept a connection: {error}",
                "无法接受连接：{error}"
            ));
            thread::sleep(BACKOFF);
        }
    }
}

/// Gives `client` a thread, or resets it if too many are open.
fn take(client: TcpStream, shared: &Arc<Shared>) -> io::Result<()> {
    let most = shared.options.max_connections;
    let mut counts = lock(&shared.counts);
    counts.connections += 1;
    if counts.open >= most {
        counts.refused += 1;
        drop(counts);
        reset(client);
        shared.tell(&tr!(
            "{most} connections are open, the most allowed; one more was reset",
            "已有 {most} 个连接，达到上限；新来的一个被复位（RST）"
        ));
        return Ok(());
    }
    counts.open += 1;
    let number = counts.connections;
    drop(counts);
    let theirs = Arc::clone(shared);
    let thread = thread::Builder::new().stack_size(STACK);
    let spawned = thread.spawn(move || {
        serve(client, number, &theirs);
        theirs.count(|it| it.open -= 1);
    });
    spawned
        .map(drop)
        .inspect_err(|_| shared.count(|it| it.open -= 1))
}

fn serve(client: TcpStream, number: u64, shared: &Shared) {
    let mut failure = Text::new("", "");
    for addr in &shared.options.targets {
        match TcpStream::connect_timeout(addr, CONNECT) {
            Ok(target) => return connection::run(client, target, number, shared),
            Err(error) => {
                failure = tr!("can't connect to {addr}: {error}", "连不上 {addr}：{error}");
            }
        }
    }
    reset(client);
    let mut counts = lock(&shared.counts);
    counts.failed_targets += 1;
    let count = counts.failed_targets;
    drop(counts);
    let Text { en, zh } = failure;
    shared.tell(&tr!(
        "{en}; the client was reset (so far: {count})",
        "{zh}；客户端的连接被复位（到现在共 {count} 次）"
    ));
}

/// How often trouble is told at most.
const ONCE_A: Duration = Duration::from_secs(1);
/// How long the system gets to have descriptors again.
const BACKOFF: Duration = Duration::from_millis(100);
/// How long connecting to the server may take.
const CONNECT: Duration = Duration::from_secs(5);
/// A connection's thread needs little: its buffer is on the heap.
const STACK: usize = 256 << 10;
