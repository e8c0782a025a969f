//! The door: what a model is given to serve with.

pub(crate) mod backoff;
pub(crate) mod limits;
mod listen;

use std::{
    cell::RefCell,
    io,
    net::{SocketAddr, TcpListener, TcpStream},
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

use portlab_service::ConnId;
use portlab_sys::{
    alone::Alone,
    stop::{Interruptible, Stop},
    tally::{self, Count},
};
use rustix::{
    io::Errno,
    net::{RecvFlags, SendFlags, Shutdown, recv, send, shutdown},
};

pub use self::listen::{BindError, bind};
use self::{backoff::Backoff, limits::Limits};
use crate::{
    files::Files,
    hub::mailbox::{Counts, Overflow},
    trace::{self, Span, What},
};

/// The bound listeners, the stop signal, the number of workers and the proof that this process has one thread.
///
/// Listeners are bound here, with one backlog and one set of socket options, so that models differ only in how they
/// serve.
#[derive(Debug)]
pub struct Door {
    /// The proof that the process has one thread, for models that fork.
    pub alone: Alone,
    /// What can be shared among threads: the listeners and the stop signal.
    pub entry: Entry,
    /// How many workers the model is to have.
    pub workers: usize,
    /// What happens to mail that its receiver doesn't read.
    pub overflow: Overflow,
}

/// The part of a [`Door`] that threads and processes may use at the same time.
#[derive(Debug)]
pub struct Entry {
    /// One that all workers share, or one for each worker.
    listeners: Vec<Interruptible<TcpListener>>,
    terms: &'static Terms,
    refusal: Vec<u8>,
    /// How many connections this process has, if that is counted for its parent.
    held: Option<&'static AtomicU64>,
    /// The stop signal.
    pub stop: Stop,
}

#[derive(Debug)]
pub(crate) struct Connection {
    /// Given back before the socket closes: fields are dropped in their order.
    pub(crate) admission: Admission,
    pub(crate) stream: TcpStream,
    pub(crate) peer: SocketAddr,
    pub(crate) span: Span,
}

/// The right of a connection to be one of [`Limits::connections`]. Dropping it lets another connection in.
#[derive(Debug)]
pub(crate) struct Admission {
    pub(crate) terms: &'static Terms,
    held: Option<&'static AtomicU64>,
}

/// What all connections of a server are allowed.
#[derive(Debug)]
pub(crate) struct Terms {
    pub(crate) limits: Limits,
    pub(crate) files: &'static Files,
}

impl Connection {
    /// In the parent of the process that serves the connection: closes the parent's copy of the socket. The child's copy
    /// keeps the connection open, and the child drops the [`Admission`].
    pub(crate) fn leave_to_child(self) {
        std::mem::forget(self.admission);
    }

    /// What a process that gets the connection's descriptor is told about it, for [`Terms::take_over`]: its number and
    /// its peer. After a reset, the socket doesn't know its peer any more.
    pub(crate) fn described(&self) -> String {
        format!("{} {}", self.span.id().0, self.peer)
    }
}

impl Terms {
    /// The right of a connection that another process has accepted and counted, also in `held`.
    pub(crate) fn admitted(&'static self, held: &'static AtomicU64) -> Admission {
        Admission {
            terms: self,
            held: Some(held),
        }
    }

    /// Makes a connection of a descriptor that another process has passed, and of its text of [`Connection::described`];
    /// `None` if the text is wrong. The connection is [`Terms::admitted`].
    pub(crate) fn take_over(
        &'static self,
        passed: OwnedFd,
        described: &str,
        held: &'static AtomicU64,
    ) -> Option<Connection> {
        let admission = self.admitted(held);
        let (id, peer) = described.split_once(' ')?;
        Some(Connection {
            admission,
            stream: passed.into(),
            peer: peer.parse().ok()?,
            span: Span::new(ConnId(id.parse().ok()?)),
        })
    }
}

#[cfg(test)]
impl Admission {
    pub(crate) fn for_test(limits: Limits, files: &'static Files) -> Self {
        Self {
            terms: Box::leak(Box::new(Terms { limits, files })),
            held: None,
        }
    }
}

impl Drop for Admission {
    fn drop(&mut self) {
        tally::add(Count::Ended, 1);
        if let Some(held) = self.held {
            held.fetch_sub(1, Relaxed);
        }
    }
}

/// How a server accepts connections, limits them, keeps their mail and finds their files.
#[derive(Clone, Debug)]
pub struct Options {
    /// How many connections may wait to be accepted by a listener; the kernel caps it at `net.core.somaxconn`.
    pub backlog: i32,
    /// How many listeners share the address, at least one ([`Sheet::listeners`](crate::Sheet::listeners)). The kernel
    /// divides connections among them.
    pub listeners: usize,
    /// What happens to mail that its receiver doesn't read.
    pub overflow: Overflow,
    /// The limits of each connection.
    pub limits: Limits,
    /// The bytes that are sent to a connection above the limit before it is closed.
    pub refusal: Vec<u8>,
    /// The files that sessions may ask for.
    pub files: Option<&'static Files>,
}

impl Default for Options {
    /// A backlog of 1024. The standard library's 128 drops connections in the first burst.
    fn default() -> Self {
        Self {
            backlog: 1024,
            listeners: 1,
            overflow: Overflow::default(),
            limits: Limits::default(),
            refusal: Vec::new(),
            files: None,
        }
    }
}

impl Door {
    /// Binds `addr` and listens, with as many listeners as `options` say.
    ///
    /// SO_REUSEADDR is set, so that a restart need not wait for TIME_WAIT. TCP_NODELAY is set, and accepted connections
    /// inherit it: an answer is sent when it is written, and doesn't wait until the last answer has been acknowledged.
    ///
    /// # Errors
    /// When the address is in use or reserved, or the machine doesn't have it.
    pub fn open(
        addr: SocketAddr,
        options: Options,
        workers: usize,
        stop: Stop,
        alone: Alone,
    ) -> Result<Self, BindError> {
        let listeners = listen::bind_all(addr, &options)?;
        let terms = Terms {
            limits: options.limits,
            files: options.files.unwrap_or(Files::NONE),
        };
        let entry = Entry {
            listeners: listeners.into_iter().map(Interruptible::new).collect(),
            terms: Box::leak(Box::new(terms)),
            refusal: options.refusal,
            held: None,
            stop,
        };
        Ok(Self {
            alone,
            entry,
            workers,
            overflow: options.overflow,
        })
    }

    /// The address that was bound. If port 0 was asked for, it has the port that the system chose.
    ///
    /// # Errors
    /// When the system can't report it.
    pub fn addr(&self) -> io::Result<SocketAddr> {
        self.entry.shared().local_addr()
    }
}

impl Entry {
    /// Waits for the next connection. `None` when the server stops.
    ///
    /// After a failure it pauses and tries again: see `Backoff`.
    pub(crate) fn accept(&self) -> Option<Connection> {
        thread_local!(static BACKOFF: RefCell<Backoff> = RefCell::new(Backoff::new()));
        loop {
            if self.stop.is_set() {
                return None;
            }
            let accepting = trace::call(What::Accept);
            let error = match self.shared().accept() {
                Ok((stream, peer)) => {
                    BACKOFF.with_borrow_mut(Backoff::reset);
                    let span = Span::new(next_id());
                    accepting.accepted(&span, peer, self.shared());
                    let Some(admission) = self.admit(&stream) else {
                        continue;
                    };
                    return Some(Connection {
                        stream,
                        peer,
                        span,
                        admission,
                    });
                }
                Err(error) => error,
            };
            accepting.idle();
            // INVAL: the stop signal has shut the listener, which wakes all threads that wait in `accept`.
            if let Some(Errno::INVAL | Errno::AGAIN) = Errno::from_io_error(&error) {
                return None;
            }
            if let Some(pause) = BACKOFF.with_borrow_mut(|backoff| backoff.after(&error)) {
                // The stop signal ends the pause, and so does an error of `poll`.
                let _ = self.stop.wait_for(&[], Some(pause));
            }
        }
    }

    /// What connections are allowed, for a process that closes its copy of the listener.
    pub(crate) fn terms(&self) -> &'static Terms {
        self.terms
    }

    /// Counts a connection that was accepted. `None` if it is above the limit: then the refusal was sent, and the
    /// connection is to be dropped.
    pub(crate) fn admit(&self, stream: &impl AsFd) -> Option<Admission> {
        tally::accepted();
        let admission = Admission {
            terms: self.terms,
            held: self.held,
        };
        if let Some(held) = self.held {
            held.fetch_add(1, Relaxed);
        }
        if tally::active() <= self.terms.limits.connections as u64 {
            return Some(admission);
        }
        tally::add(Count::Refused, 1);
        // If the peer doesn't take the refusal, the connection is only closed.
        let flags = SendFlags::DONTWAIT | SendFlags::NOSIGNAL;
        let _ = send(stream, &self.refusal, flags);
        let _ = shutdown(stream, Shutdown::Write);
        // Unread input would make the close a reset, which may overtake the refusal.
        let _ = recv(stream, &mut [0; 4096], RecvFlags::DONTWAIT);
        None
    }

    /// Waits until the stop signal comes or one of `others` is readable, for at most `limit`. Returns whether the signal
    /// has come.
    ///
    /// # Errors
    /// When the system can't poll.
    pub(crate) fn wait_for(
        &self,
        others: &[BorrowedFd<'_>],
        limit: Option<Duration>,
    ) -> io::Result<bool> {
        let waiting = trace::wait();
        let stopped = self.stop.wait_for(others, limit);
        waiting.idle();
        stopped
    }

    /// From now on `held` is the number of connections of this process. If the process is killed, its parent counts their
    /// end.
    pub(crate) fn count_in(&mut self, held: &'static AtomicU64) {
        self.held = Some(held);
    }

    /// From now on [`Entry::accept`] returns `None` instead of waiting for a connection.
    pub(crate) fn set_nonblocking(&self) -> io::Result<()> {
        self.shared().set_nonblocking(true)
    }

    pub(crate) fn fd(&self) -> BorrowedFd<'_> {
        self.shared().as_fd()
    }

    /// A non-blocking copy of the listener that all workers share, for a loop that accepts in its own way.
    pub(crate) fn listener(&self) -> io::Result<TcpListener> {
        self.listener_of(0)
    }

    /// The same of the listener of one worker. The door keeps the listener open: if a listener closes, the connections
    /// that wait in its queue are reset, though the other listeners go on.
    pub(crate) fn listener_of(&self, worker: usize) -> io::Result<TcpListener> {
        let listener = self.listeners[worker].try_clone()?;
        listener.set_nonblocking(true)?;
        Ok(listener)
    }

    /// A worker has ended before a stop: from now on its listener gets no connections, and those in its queue are reset.
    pub(crate) fn close_listener(&self, worker: usize) {
        let _ = shutdown(&*self.listeners[worker], Shutdown::Read);
    }

    fn shared(&self) -> &TcpListener {
        &self.listeners[0]
    }

    /// Closes the listeners in this process, and keeps the stop signal.
    pub(crate) fn into_stop(self) -> Stop {
        self.stop
    }

    /// Waits until the peers have taken their last answers, at most until the deadline. Returns how serving ended;
    /// `others` is how many connections or processes were cut in other processes.
    pub(crate) fn served(&self, others: u64, mail: Option<Counts>) -> Served {
        Served {
            cut: self.stop.finish() + others,
            mail,
        }
    }
}

/// How serving ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Served {
    /// How many had not finished at the deadline and were cut: connections, or in forking models the processes that
    /// held them.
    pub cut: u64,
    /// What became of the mail between connections; `None` if the service has no hub.
    pub mail: Option<Counts>,
}

/// Numbers a connection. The upper half is the process, so that forked workers never give the same number.
pub(crate) fn next_id() -> ConnId {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    ConnId(u64::from(std::process::id()) << 32 | NEXT.fetch_add(1, Relaxed))
}
