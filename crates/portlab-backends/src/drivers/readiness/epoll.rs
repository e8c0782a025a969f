//! `epoll`, as mio wraps it: the kernel reports each change of a socket once (edge-triggered).

use std::{
    io, mem,
    net::SocketAddr,
    os::fd::{AsFd, AsRawFd, BorrowedFd},
    sync::Arc,
    task,
    time::Duration,
};

use mio::{
    Events, Interest, Poll, Registry, Token, Waker,
    event::Event,
    net::{TcpListener, TcpStream},
    unix::SourceFd,
};
use portlab_sys::stop::{Interruptible, Stop};
use rustix::event::epoll::{EventData, EventFlags, add};

use super::poller::{Key, Poller, Ready};
use crate::door::Entry;

pub(crate) struct Epoll<'door> {
    poll: Poll,
    events: Events,
    listener: TcpListener,
    sharing: Sharing,
    stop: &'door Stop,
}

/// Whether other processes wait for the same listener.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sharing {
    Alone,
    /// They do. A connection wakes one of them, which accepts one connection in each turn.
    Exclusive {
        may_accept: bool,
    },
}

pub(super) const LISTENER: Token = Token(usize::MAX);
const STOP: Token = Token(usize::MAX - 1);
pub(super) const WOKEN: Token = Token(usize::MAX - 2);
/// Added to the number of a key: the connection's line to the hub.
const LINE: u64 = Key::END;
pub(super) const BOTH: Interest = Interest::READABLE.add(Interest::WRITABLE);

impl<'door> Epoll<'door> {
    /// Watches the listener of `entry` and the stop signal.
    ///
    /// # Errors
    /// When no descriptor is left.
    pub(crate) fn new(entry: &'door Entry) -> io::Result<Self> {
        Self::of_worker(entry, 0)
    }

    /// The same with the listener of one worker.
    pub(crate) fn of_worker(entry: &'door Entry, worker: usize) -> io::Result<Self> {
        let mut epoll = Self::of(entry, worker)?;
        let registry = epoll.poll.registry();
        registry.register(&mut epoll.listener, LISTENER, Interest::READABLE)?;
        Ok(epoll)
    }

    /// Watches the listener of `entry` beside other processes: a connection wakes one process, not all of them.
    ///
    /// # Errors
    /// When no descriptor is left.
    ///
    /// Source: `EPOLLEXCLUSIVE` in `epoll_ctl(2)`.
    pub(crate) fn exclusive(entry: &'door Entry) -> io::Result<Self> {
        let mut epoll = Self::of(entry, 0)?;
        epoll.sharing = Sharing::Exclusive { may_accept: false };
        epoll.watch_exclusively()?;
        Ok(epoll)
    }

    /// mio doesn't know the flag. The listener is reported as long as connections wait (level-triggered), since this
    /// process leaves some of them to the others.
    fn watch_exclusively(&self) -> io::Result<()> {
        let data = EventData::new_u64(LISTENER.0 as u64);
        let flags = EventFlags::IN | EventFlags::EXCLUSIVE;
        Ok(add(self.poll.registry(), &self.listener, data, flags)?)
    }

    fn of(entry: &'door Entry, worker: usize) -> io::Result<Self> {
        let listener = TcpListener::from_std(entry.listener_of(worker)?);
        let poll = Poll::new()?;
        watch_stop(poll.registry(), &entry.stop)?;
        Ok(Self {
            poll,
            events: Events::with_capacity(AT_ONCE),
            listener,
            sharing: Sharing::Alone,
            stop: &entry.stop,
        })
    }

    /// For further descriptors of the loop, such as the lines of [`line_token`].
    ///
    /// # Errors
    /// When no descriptor is left.
    pub(crate) fn registry(&self) -> io::Result<Registry> {
        self.poll.registry().try_clone()
    }

    /// Wakes the loop from another thread.
    ///
    /// # Errors
    /// When no descriptor is left.
    pub(crate) fn waker(&self) -> io::Result<Waker> {
        Waker::new(self.poll.registry(), WOKEN)
    }

    /// The same, as the standard library's waker. If waking fails, the loop is awake already.
    pub(crate) fn bell(&self) -> io::Result<task::Waker> {
        self.waker().map(|waker| Arc::new(Bell(waker)).into())
    }
}

struct Bell(Waker);

impl task::Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let _ = self.0.wake();
    }
}

/// Reports the stop signal.
pub(super) fn watch_stop(registry: &Registry, stop: &Stop) -> io::Result<()> {
    let fd = stop.fd().as_raw_fd();
    registry.register(&mut SourceFd(&fd), STOP, Interest::READABLE)
}

pub(super) fn meaning(event: &Event) -> Ready {
    match event.token() {
        LISTENER => Ready::Listener,
        STOP => Ready::Stop,
        WOKEN => Ready::Woken,
        Token(number) if number as u64 >= LINE => Ready::Line(Key::of(number as u64 - LINE)),
        Token(number) => Ready::Conn {
            key: Key::of(number as u64),
            fin_seen: event.is_read_closed(),
        },
    }
}

impl Poller for Epoll<'_> {
    type Socket = Interruptible<TcpStream>;

    fn wait(&mut self, patience: Option<Duration>, ready: &mut Vec<Ready>) -> io::Result<()> {
        match self.poll.poll(&mut self.events, patience) {
            // A signal: `events` is empty.
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            polled => polled?,
        }
        if let Sharing::Exclusive { may_accept } = &mut self.sharing {
            *may_accept = true;
        }
        ready.extend(self.events.iter().map(meaning));
        Ok(())
    }

    fn accept(&mut self) -> io::Result<(Self::Socket, SocketAddr)> {
        if let Sharing::Exclusive { may_accept } = &mut self.sharing
            && !mem::replace(may_accept, false)
        {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let (stream, peer) = self.listener.accept()?;
        Ok((Interruptible::new(stream), peer))
    }

    fn listener(&self) -> BorrowedFd<'_> {
        self.listener.as_fd()
    }

    fn stop_accepting(&mut self) {
        let _ = self.poll.registry().deregister(&mut self.listener);
    }

    fn pause_accepting(&mut self, pauses: bool) {
        if self.sharing == Sharing::Alone {
            return;
        }
        // It fails only if the system has no memory for the entry. Then this process accepts no more, and the others do.
        let _ = match pauses {
            true => self.poll.registry().deregister(&mut self.listener),
            false => self.watch_exclusively(),
        };
    }

    fn watch(&mut self, key: Key, socket: &mut Self::Socket) -> io::Result<()> {
        let registry = self.poll.registry();
        registry.register(&mut **socket, Token(key.number() as usize), BOTH)
    }

    fn forget(&mut self, _key: Key, mut socket: Self::Socket) {
        // A socket that is closed leaves the poller; but a stop may keep it open until the peer has taken its answers.
        if self.stop.is_set() {
            let _ = self.poll.registry().deregister(&mut *socket);
        }
    }
}

/// The token of the connection's line to the hub.
pub(crate) fn line_token(key: Key) -> Token {
    Token((LINE + key.number()) as usize)
}

/// How many events one call reports at most.
const AT_ONCE: usize = 1024;
