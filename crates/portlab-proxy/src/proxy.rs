//! The proxy: its listener, a thread per connection, and its counts.

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

/// A proxy that runs until it is dropped. Then its connections are closed.
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
    /// The faults at the start.
    pub settings: Settings,
    /// The most connections at a time. Further connections are reset.
    pub max_connections: u64,
    /// The most bytes that are under way in one direction of one connection.
    pub buffer: usize,
    /// The seed of cuts and delays: the same seed gives the same cuts and delays.
    pub seed: u64,
}

/// The counts of a proxy up to now.
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
    /// Resets by one peer that were passed on to the other.
    pub resets_passed: u64,
}

/// The state that all threads of a proxy share.
pub(crate) struct Shared {
    pub(crate) options: Options,
    counts: Mutex<Counts>,
    stopped: AtomicBool,
    /// The newest faults, and the other end of their `changed`.
    control: Mutex<(Arc<Control>, Option<UnixStream>)>,
    last_report: Mutex<Option<Instant>>,
    report: Box<Report>,
}

/// Faults, until they are replaced.
#[derive(Debug)]
pub(crate) struct Control {
    pub(crate) settings: Settings,
    /// Becomes readable when there are newer faults, because its other end is closed then. Each change has a pair of
    /// sockets of its own, so every thread sees the change.
    pub(crate) changed: UnixStream,
}

/// The function that gets the errors of the proxy.
type Report = dyn Fn(&Text) + Send + Sync;

impl Options {
    /// Forwarding to `targets` without faults: 1000 connections, 4 MiB for each direction, seed 1.
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
    /// Starts a proxy on a free port of loopback before `target`, with the faults of `lines`.
    ///
    /// # Errors
    /// If a line is invalid, or the system refuses.
    pub fn before(target: SocketAddr, lines: &[&str]) -> io::Result<Self> {
        let mut options = Options::to(vec![target]);
        options.settings = Settings::of(lines).map_err(io::Error::other)?;
        Self::start(TcpListener::bind("127.0.0.1:0")?, options, |_| {})
    }

    /// Starts a proxy at `listener`. `report` is called with an error, by any thread and at most once a second.
    ///
    /// # Errors
    /// If the system has no descriptor or no thread left.
    pub fn start(
        listener: TcpListener,
        options: Options,
        report: impl Fn(&Text) + Send + Sync + 'static,
    ) -> io::Result<Self> {
        listener.set_nonblocking(true)?;
        let addr = listener.local_addr()?;
        let (control, bell) = control(options.settings.clone())?;
        let shared = Arc::new(Shared {
            options,
            counts: Mutex::default(),
            stopped: AtomicBool::new(false),
            control: Mutex::new((control, Some(bell))),
            last_report: Mutex::default(),
            report: Box::new(report),
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

    /// The address at which the proxy listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The faults as they are now.
    pub fn settings(&self) -> Settings {
        self.shared.control().settings.clone()
    }

    /// Changes the faults, also for open connections.
    ///
    /// # Errors
    /// If the system has no descriptor left; then the faults stay as they were.
    pub fn set(&self, settings: Settings) -> io::Result<()> {
        let (control, bell) = control(settings)?;
        *lock(&self.shared.control) = (control, Some(bell));
        Ok(())
    }

    /// The counts up to now.
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

    fn report(&self, error: &Text) {
        let mut last = lock(&self.last_report);
        if last.is_none_or(|last| last.elapsed() >= REPORT_PAUSE) {
            *last = Some(Instant::now());
            (self.report)(error);
        }
    }
}

fn control(settings: Settings) -> io::Result<(Arc<Control>, UnixStream)> {
    let (changed, bell) = UnixStream::pair()?;
    Ok((Arc::new(Control { settings, changed }), bell))
}

/// Locks `mutex`, even if a thread has panicked with the lock: no thread leaves incomplete data.
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
        // An error of poll needs no handling: accept doesn't block.
        let _ = poll(&mut fds, None);
        let taken = listener
            .accept()
            .and_then(|(client, _)| take(client, shared));
        if let Err(error) = taken
            && !matches!(error.kind(), WouldBlock | Interrupted | ConnectionAborted)
        {
            let why = Text::system(&error);
            shared.report(&tr!(
                "can't accept a connection: {why}",
                "无法接受连接：{why:#}"
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
        shared.report(&tr!(
            "{most} connections are open, the most allowed; a further connection was reset",
            "已有 {most} 个连接，达到上限；新来的一个被复位（RST）"
        ));
        return Ok(());
    }
    counts.open += 1;
    let number = counts.connections;
    drop(counts);
    let its = Arc::clone(shared);
    let thread = thread::Builder::new().stack_size(STACK);
    let spawned = thread.spawn(move || {
        serve(client, number, &its);
        its.count(|it| it.open -= 1);
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
                let why = Text::system(&error);
                failure = tr!("can't connect to {addr}: {why}", "连不上 {addr}：{why:#}");
            }
        }
    }
    reset(client);
    let mut counts = lock(&shared.counts);
    counts.failed_targets += 1;
    let count = counts.failed_targets;
    drop(counts);
    let Text { en, zh } = failure;
    shared.report(&tr!(
        "{en}; the client was reset (so far: {count})",
        "{zh}；客户端的连接被复位（到现在共 {count} 次）"
    ));
}

/// The shortest time between two reports.
const REPORT_PAUSE: Duration = Duration::from_secs(1);
/// How long to wait before accepting again, so that descriptors can be freed.
const BACKOFF: Duration = Duration::from_millis(100);
/// How long connecting to the server may take.
const CONNECT: Duration = Duration::from_secs(5);
/// The stack of a connection's thread. It needs little, because its buffer is on the heap.
const STACK: usize = 256 << 10;
