//! What a loop waits with: `epoll`, `poll`, or the completions of a ring.

use std::{
    io,
    net::SocketAddr,
    os::fd::{AsFd, BorrowedFd},
    time::Duration,
};

use super::conn::{Conn, socket::Socket};

/// The slot of a connection, and the slot's generation. When a connection ends, the next connection takes its slot at
/// once, while an event or a job for the old one may still be on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Key {
    pub(in crate::drivers) index: u32,
    pub(in crate::drivers) generation: u32,
}

/// What a [`Poller`] reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ready {
    /// Connections wait to be accepted.
    Listener,
    /// The stop signal has come.
    Stop,
    /// Another thread has woken the loop.
    Woken,
    /// The connection's line to the hub has messages, or room for more.
    Line(Key),
    /// The socket of a connection is ready. `fin_seen`: perhaps the peer has sent its FIN, or reading was shut.
    Conn { key: Key, fin_seen: bool },
}

/// How a loop learns which sockets are ready.
///
/// The reactor calls [`Poller::wait`] once a turn, handles what is ready, and after each step of a connection calls
/// [`Poller::settle`].
pub(crate) trait Poller {
    /// The socket of a connection, as the state machine uses it.
    type Socket: Socket + AsFd;

    /// Waits until something is ready, for at most `patience`, and adds it to `ready`. A signal ends the wait.
    ///
    /// # Errors
    /// When the system can't poll.
    fn wait(&mut self, patience: Option<Duration>, ready: &mut Vec<Ready>) -> io::Result<()>;

    /// Accepts a connection that waits.
    ///
    /// # Errors
    /// [`io::ErrorKind::WouldBlock`] when none waits, or when other processes have their turn first.
    fn accept(&mut self) -> io::Result<(Self::Socket, SocketAddr)>;

    fn listener(&self) -> BorrowedFd<'_>;

    /// Reports no further connections that wait.
    fn stop_accepting(&mut self);

    /// Accepting pauses, or goes on: a poller that reports the listener again and again, while connections wait, doesn't
    /// watch it meanwhile.
    fn pause_accepting(&mut self, _pauses: bool) {}

    /// From now on reports what the socket of a new connection is ready for.
    ///
    /// # Errors
    /// When the system can't watch another socket.
    fn watch(&mut self, key: Key, socket: &mut Self::Socket) -> io::Result<()>;

    /// A connection has gone as far as possible: the poller may look at what it waits for.
    fn settle(&mut self, _key: Key, _conn: &mut Conn<Self::Socket>) {}

    /// A connection has ended: closes its socket.
    fn forget(&mut self, key: Key, socket: Self::Socket);
}

impl Key {
    /// The key as a number that a poller can keep, below [`Key::END`].
    pub(crate) fn number(self) -> u64 {
        u64::from(self.generation) << 32 | u64::from(self.index)
    }

    pub(crate) fn of(number: u64) -> Self {
        Self {
            index: number as u32,
            generation: (number >> 32) as u32,
        }
    }

    /// Generations end here, so that a poller has the numbers above for itself.
    pub(in crate::drivers) const GENERATIONS: u32 = 1 << 30;
    pub(crate) const END: u64 = (Self::GENERATIONS as u64) << 32;
}
