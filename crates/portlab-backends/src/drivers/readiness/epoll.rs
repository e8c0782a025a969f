//! `epoll`, as mio wraps it: the kernel reports each change of a socket once (edge-triggered).

use std::{
    io,
    net::SocketAddr,
    os::fd::{AsFd, AsRawFd, BorrowedFd},
    time::Duration,
};

use mio::{
    Events, Interest, Poll, Token, Waker,
    net::{TcpListener, TcpStream},
    unix::SourceFd,
};
use portlab_sys::stop::{Interruptible, Stop};

use super::poller::{Key, Poller, Ready};
use crate::door::Entry;

pub(crate) struct Epoll<'door> {
    poll: Poll,
    events: Events,
    listener: TcpListener,
    stop: &'door Stop,
}

const LISTENER: Token = Token(usize::MAX);
const STOP: Token = Token(usize::MAX - 1);
const WOKEN: Token = Token(usize::MAX - 2);
/// Added to the number of a key: the connection's line to the hub.
const LINE: u64 = Key::END;
const BOTH: Interest = Interest::READABLE.add(Interest::WRITABLE);

impl<'door> Epoll<'door> {
    /// Watches the listener of `entry` and the stop signal.
    ///
    /// # Errors
    /// When no descriptor is left.
    pub(crate) fn new(entry: &'door Entry) -> io::Result<Self> {
        let mut listener = TcpListener::from_std(entry.listener()?);
        let poll = Poll::new()?;
        let registry = poll.registry();
        registry.register(&mut listener, LISTENER, Interest::READABLE)?;
        let stop = entry.stop.fd().as_raw_fd();
        registry.register(&mut SourceFd(&stop), STOP, Interest::READABLE)?;
        Ok(Self {
            poll,
            events: Events::with_capacity(AT_ONCE),
            listener,
            stop: &entry.stop,
        })
    }

    /// Wakes the loop from another thread.
    ///
    /// # Errors
    /// When no descriptor is left.
    pub(crate) fn waker(&self) -> io::Result<Waker> {
        Waker::new(self.poll.registry(), WOKEN)
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
        ready.extend(self.events.iter().map(|event| match event.token() {
            LISTENER => Ready::Listener,
            STOP => Ready::Stop,
            WOKEN => Ready::Woken,
            Token(number) if number as u64 >= LINE => Ready::Line(Key::of(number as u64 - LINE)),
            Token(number) => Ready::Conn {
                key: Key::of(number as u64),
                fin_seen: event.is_read_closed(),
            },
        }));
        Ok(())
    }

    fn accept(&mut self) -> io::Result<(Self::Socket, SocketAddr)> {
        let (stream, peer) = self.listener.accept()?;
        Ok((Interruptible::new(stream), peer))
    }

    fn listener(&self) -> BorrowedFd<'_> {
        self.listener.as_fd()
    }

    fn stop_accepting(&mut self) {
        let _ = self.poll.registry().deregister(&mut self.listener);
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

/// How many events one call reports at most.
const AT_ONCE: usize = 1024;
