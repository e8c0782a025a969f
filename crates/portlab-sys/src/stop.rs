//! Stopping: what happens at SIGINT, SIGTERM and SIGHUP.
//!
//! A server waits inside blocking calls, and a flag doesn't end a `read`. So the signal handler itself
//! ends the reading half of every connection with `shutdown(fd, SHUT_RD)`, which a handler may call. A blocked `read`
//! then returns the bytes that have arrived, and after that the end, as if the peer had closed. The session sends its
//! remaining answers and ends. The same call wakes `epoll`, so readiness loops and async tasks drain by the same path,
//! and messages cost no additional time in any model.
//!
//! 1. **First signal**: listeners and reading halves are shut, [`Stop::fd`] becomes readable, and
//!    the deadline's timer is armed.
//!    If a session ends before its peer has taken all answers, the socket stays open (`undelivered.rs`).
//! 2. **Deadline**: sockets that are still open are shut in both directions, so a write to a peer that
//!    doesn't read fails too.
//! 3. **A quarter of a second later** the process exits at once, even if a handler is computing or sleeping. A process
//!    that must save something before it exits uses [`Stop::last_bell`].
//!
//! A second SIGINT or SIGTERM ends the process at once, as if it had never been caught. A second SIGHUP changes
//! nothing: when a terminal is closed, both the kernel and the shell send one. If SIGHUP was ignored when
//! the process started, as by `nohup`, it stays ignored.

use std::{
    io::{self, Write},
    ops::{Deref, DerefMut},
    os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd},
    os::unix::net::UnixStream,
    sync::{
        OnceLock,
        atomic::{AtomicBool, AtomicI32, AtomicU64, Ordering::SeqCst},
    },
    thread,
    time::{Duration, Instant},
};

use rustix::{
    event::{PollFd, PollFlags, poll},
    net::Shutdown,
};
use signal_hook::consts::{SIGALRM, SIGHUP, SIGINT, SIGTERM};

use crate::{bits::Bits, clock::timespec, process::own_pid, undelivered};

/// How long after the deadline a process may go on, to close its connections.
pub(crate) const GRACE: Duration = Duration::from_millis(250);

static STOPPING: AtomicBool = AtomicBool::new(false);
static PAST_DEADLINE: AtomicBool = AtomicBool::new(false);
static DRAIN_US: AtomicU64 = AtomicU64::new(0);
/// The number of the process that installed the handlers. Its forked children have other numbers.
static OWNER: AtomicI32 = AtomicI32::new(0);
/// How many connections were cut at the deadline.
static CUT: AtomicU64 = AtomicU64::new(0);
/// The handler is cutting connections, and hasn't counted all of them yet.
static CUTTING: AtomicBool = AtomicBool::new(false);
/// The sockets to be shut, by file descriptor: up to a million of them.
static WATCHED: Bits<16_384> = Bits::new();
static DOORBELL: OnceLock<UnixStream> = OnceLock::new();
/// The writing end of [`Stop::fd`] in a forked child that has called [`Stop::own`].
static CHILDS_DOORBELL: OnceLock<UnixStream> = OnceLock::new();
/// Made readable instead of exiting, if [`Stop::last_bell`] was called.
static LAST_BELL: OnceLock<UnixStream> = OnceLock::new();
/// The text that the handler writes to stderr at the first signal.
static NOTICE: OnceLock<String> = OnceLock::new();

/// The stop signal for a server. Threads may share it, and checking it costs little.
#[derive(Debug)]
pub struct Stop {
    /// Becomes readable at the first signal, and stays so: no code reads from it.
    bell: UnixStream,
    drain: Duration,
}

impl Stop {
    /// Catches SIGINT, SIGTERM and SIGHUP for this process and gives its connections `drain` to finish.
    ///
    /// # Errors
    /// When called twice, or when the system refuses a pipe or a handler.
    pub fn install(drain: Duration) -> io::Result<Self> {
        let (bell, doorbell) = UnixStream::pair()?;
        bell.set_nonblocking(true)?;
        doorbell.set_nonblocking(true)?;
        DOORBELL
            .set(doorbell)
            .map_err(|_| io::ErrorKind::AlreadyExists)?;
        DRAIN_US.store(u64::try_from(drain.as_micros()).unwrap_or(u64::MAX), SeqCst);
        OWNER.store(own_pid(), SeqCst);
        let hangup = (!is_ignored(SIGHUP)).then_some(SIGHUP);
        for signal in [SIGINT, SIGTERM].into_iter().chain(hangup) {
            // SAFETY: `on_signal` only touches atomics and makes system calls that POSIX lists as
            // async-signal-safe (shutdown, write, getpid, kill), besides Linux's setitimer.
            unsafe { signal_hook::low_level::register(signal, move || on_signal(signal))? };
        }
        // SAFETY: the same holds for `on_deadline`, which adds _exit.
        unsafe { signal_hook::low_level::register(SIGALRM, on_deadline)? };
        Ok(Self { bell, drain })
    }

    /// Gives a forked child a bell of its own: from now on, a signal to this process makes [`Stop::fd`] readable. A signal that
    /// only the parent gets has no effect here any more.
    ///
    /// # Errors
    /// When called twice in a process, or when no descriptor is left.
    pub fn own(&mut self) -> io::Result<()> {
        let (bell, doorbell) = UnixStream::pair()?;
        bell.set_nonblocking(true)?;
        doorbell.set_nonblocking(true)?;
        let set = CHILDS_DOORBELL.set(doorbell);
        set.map_err(|_| io::ErrorKind::AlreadyExists)?;
        self.bell = bell;
        // The signal may have come before the line above.
        if is_set() {
            ring(&CHILDS_DOORBELL);
        }
        Ok(())
    }

    /// Makes the handler write `notice` to stderr when the first signal comes; the server itself may be inside a
    /// call that takes long. The first notice stays.
    pub fn announce(&self, notice: String) {
        NOTICE.get_or_init(|| notice);
    }

    /// A bell that becomes readable a quarter of a second after the deadline. From now on, the process doesn't exit by
    /// itself then: the code that waits for the bell must end it. Children of the process exit as before.
    ///
    /// # Errors
    /// When called twice, or when no descriptor is left.
    pub fn last_bell(&self) -> io::Result<UnixStream> {
        let (bell, doorbell) = UnixStream::pair()?;
        doorbell.set_nonblocking(true)?;
        let set = LAST_BELL.set(doorbell);
        set.map_err(|_| io::ErrorKind::AlreadyExists)?;
        Ok(bell)
    }

    /// Whether a signal has come.
    pub fn is_set(&self) -> bool {
        is_set()
    }

    /// A descriptor that is readable from the first signal on. Loops wait for it together with their sockets.
    pub fn fd(&self) -> BorrowedFd<'_> {
        self.bell.as_fd()
    }

    /// A non-blocking copy of [`Stop::fd`], which a runtime can register.
    ///
    /// # Errors
    /// When no descriptor is left.
    pub fn bell(&self) -> io::Result<UnixStream> {
        self.bell.try_clone()
    }

    /// Waits until a signal comes or one of `others` is readable, for at most `limit`. Returns whether it was the signal.
    ///
    /// # Errors
    /// When the system can't poll.
    pub fn wait_for(&self, others: &[BorrowedFd<'_>], limit: Option<Duration>) -> io::Result<bool> {
        let fds = std::iter::once(self.fd()).chain(others.iter().copied());
        let mut fds: Vec<_> = fds
            .map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN))
            .collect();
        let limit = limit.map(timespec);
        match poll(&mut fds, limit.as_ref()) {
            // A signal interrupts poll; the flag says which one it was.
            Ok(_) | Err(rustix::io::Errno::INTR) => Ok(self.is_set()),
            Err(error) => Err(error.into()),
        }
    }

    /// The end of [`Stop::patience`], counted from now. Call it when stopping begins.
    pub fn deadline(&self) -> Instant {
        Instant::now() + self.patience()
    }

    /// Whether the deadline has passed. Then all connections have been cut, and the server waits for no peer.
    pub fn is_past_deadline(&self) -> bool {
        is_past_deadline()
    }

    /// How long a stopping model may wait for its connections: until they are cut at the deadline, and a moment longer.
    pub fn patience(&self) -> Duration {
        self.drain + GRACE / 2
    }

    /// Waits until the peers have received their last answers, at the longest until the deadline. Call it when all
    /// connections of this process have ended. Returns how many of them were cut at the deadline.
    #[must_use]
    pub fn finish(&self) -> u64 {
        undelivered::deliver();
        // A connection may end before the handler, on another thread, has counted it.
        while CUTTING.load(SeqCst) {
            thread::yield_now();
        }
        CUT.load(SeqCst)
    }
}

/// As [`Stop::is_set`], for code without a `Stop`: a forked child, a task.
pub fn is_set() -> bool {
    STOPPING.load(SeqCst)
}

/// As [`Stop::is_past_deadline`], for code without a `Stop`.
pub fn is_past_deadline() -> bool {
    PAST_DEADLINE.load(SeqCst)
}

/// A socket that is shut when the process stops; at once if the process is stopping already.
///
/// The descriptor is removed from the list just before the socket closes, so another socket that gets the same number
/// isn't shut by mistake.
#[derive(Debug)]
pub struct Interruptible<T: AsRawFd> {
    socket: T,
}

impl<T: AsRawFd> Interruptible<T> {
    /// Adds `socket` to the list that the handler shuts.
    pub fn new(socket: T) -> Self {
        watch(socket.as_raw_fd());
        Self { socket }
    }
}

impl<T: AsRawFd> Drop for Interruptible<T> {
    fn drop(&mut self) {
        let fd = self.socket.as_raw_fd();
        if STOPPING.load(SeqCst) && !PAST_DEADLINE.load(SeqCst) {
            // SAFETY: the socket is open until this function has returned.
            undelivered::keep(unsafe { BorrowedFd::borrow_raw(fd) });
        }
        unwatch(fd);
    }
}

impl<T: AsRawFd> Deref for Interruptible<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.socket
    }
}

impl<T: AsRawFd> DerefMut for Interruptible<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.socket
    }
}

impl<T: AsRawFd + AsFd> AsFd for Interruptible<T> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// Removes a socket from the list that the handler shuts, before it closes.
pub(crate) fn unwatch(fd: RawFd) {
    WATCHED.remove(fd as usize);
}

/// Adds a socket to the list that the handler shuts.
pub(crate) fn watch(fd: RawFd) {
    WATCHED.insert(fd as usize);
    // The handler may have run before the line above.
    if PAST_DEADLINE.load(SeqCst) {
        CUT.fetch_add(u64::from(shut(fd, Shutdown::Both)), SeqCst);
    } else if STOPPING.load(SeqCst) {
        shut(fd, Shutdown::Read);
    }
}

/// A descriptor that becomes readable whenever `signal` has come.
pub(crate) fn bell_for(signal: i32) -> io::Result<OwnedFd> {
    let (bell, doorbell) = UnixStream::pair()?;
    bell.set_nonblocking(true)?;
    signal_hook::low_level::pipe::register(signal, doorbell)?;
    Ok(bell.into())
}

/// Removes all sockets from the list: for a forked child, which inherits the list of its parent.
pub(crate) fn unwatch_all() {
    WATCHED.clear();
}

/// Waits until `fd` is readable, for at most `limit`.
pub fn wait_readable(fd: BorrowedFd<'_>, limit: Duration) {
    wait_until(fd, PollFlags::IN, limit);
}

/// Waits until `fd` is writable, for at most `limit`.
pub fn wait_writable(fd: BorrowedFd<'_>, limit: Duration) {
    wait_until(fd, PollFlags::OUT, limit);
}

fn wait_until(fd: BorrowedFd<'_>, what: PollFlags, limit: Duration) {
    // A result isn't needed: the calling function tries its read or write again.
    let _ = poll(
        &mut [PollFd::from_borrowed_fd(fd, what)],
        Some(&timespec(limit)),
    );
}

/// Whether this process ignores `signal`.
pub(crate) fn is_ignored(signal: i32) -> bool {
    let mut action = std::mem::MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: a null pointer asks for the action without changing it, and `action` has room for the answer; a
    // sigaction of zeros is a valid one.
    unsafe {
        libc::sigaction(signal, std::ptr::null(), action.as_mut_ptr());
        action.assume_init().sa_sigaction == libc::SIG_IGN
    }
}

fn on_signal(signal: i32) {
    let owner = OWNER.load(SeqCst) == own_pid();
    if STOPPING.swap(true, SeqCst) {
        // A child may get the signal twice, from the terminal and from its parent, and goes on draining.
        if owner && signal != SIGHUP {
            let _ = signal_hook::low_level::emulate_default_handler(signal);
        }
        return;
    }
    WATCHED.for_each(|fd| {
        shut(fd as RawFd, Shutdown::Read);
    });
    arm(Duration::from_micros(DRAIN_US.load(SeqCst)));
    if owner {
        if let Some(notice) = NOTICE.get() {
            let _ = rustix::io::write(rustix::stdio::stderr(), notice.as_bytes());
        }
        ring(&DOORBELL);
    }
    ring(&CHILDS_DOORBELL);
}

fn ring(doorbell: &OnceLock<UnixStream>) {
    if let Some(mut doorbell) = doorbell.get() {
        let _ = doorbell.write(b"!");
    }
}

fn on_deadline() {
    if PAST_DEADLINE.swap(true, SeqCst) {
        if LAST_BELL.get().is_some() && OWNER.load(SeqCst) == own_pid() {
            return ring(&LAST_BELL);
        }
        // SAFETY: _exit is async-signal-safe and runs no destructor of ours. The exit code is 0, because ending at the
        // deadline is intended.
        unsafe { libc::_exit(0) };
    }
    CUTTING.store(true, SeqCst);
    WATCHED.for_each(|fd| {
        // The listener was shut before, so shutting it again fails, and it isn't counted.
        CUT.fetch_add(u64::from(shut(fd as RawFd, Shutdown::Both)), SeqCst);
    });
    CUTTING.store(false, SeqCst);
}

/// Arms the timer: it fires after `after`, and again when the grace is over.
fn arm(after: Duration) {
    let timeval = |time: Duration| libc::timeval {
        tv_sec: time.as_secs() as libc::time_t,
        tv_usec: time.subsec_micros() as libc::suseconds_t,
    };
    // A value of zero would disarm the timer.
    let timer = libc::itimerval {
        it_value: timeval(after.max(Duration::from_micros(1))),
        it_interval: timeval(GRACE),
    };
    // SAFETY: `timer` is a valid itimerval that outlives the call; the old value isn't requested.
    unsafe { libc::setitimer(libc::ITIMER_REAL, &raw const timer, std::ptr::null_mut()) };
}

/// Shuts a socket. Returns false if it was shut already.
fn shut(fd: RawFd, how: Shutdown) -> bool {
    // SAFETY: the descriptor was in the list a moment ago. If another thread has closed it since, the call fails, or
    // shuts a newer socket of the same number, which must be shut as well, because the server is stopping.
    let fd = unsafe { BorrowedFd::borrow_raw(fd) };
    // It fails if the peer has reset the connection.
    rustix::net::shutdown(fd, how).is_ok()
}
