//! `poll(2)`: the kernel gets the list of all sockets at every call, and the loop looks through all of them after it.

use std::{
    io,
    net::SocketAddr,
    os::fd::{AsFd, BorrowedFd},
    time::Duration,
};

use mio::net::{TcpListener, TcpStream};
use portlab_sys::{
    pollset::{Interest, PollSet},
    stop::Interruptible,
};

use super::{
    conn::Conn,
    poller::{Key, Poller, Ready},
};
use crate::door::Entry;

pub(crate) struct Poll {
    set: PollSet,
    /// The key of the connection at each place after [`FIRST`].
    keys: Vec<Option<Key>>,
    listener: TcpListener,
}

const LISTENER: usize = 0;
const STOP: usize = 1;
const FIRST: usize = 2;

impl Poll {
    /// Watches the listener of `entry` and the stop signal.
    ///
    /// # Errors
    /// When no descriptor is left.
    pub(crate) fn new(entry: &Entry) -> io::Result<Self> {
        // This poller uses mio's sockets only because they don't block; mio's own poller isn't used.
        let listener = TcpListener::from_std(entry.listener()?);
        let mut set = PollSet::default();
        set.set(LISTENER, &listener, Interest::Read);
        set.set(STOP, &entry.stop.fd(), Interest::Read);
        Ok(Self {
            set,
            keys: Vec::new(),
            listener,
        })
    }
}

impl Poller for Poll {
    type Socket = Interruptible<TcpStream>;

    fn wait(&mut self, patience: Option<Duration>, ready: &mut Vec<Ready>) -> io::Result<()> {
        self.set.wait(patience)?;
        ready.extend(self.set.ready().filter_map(|(place, fin_seen)| {
            Some(match place {
                LISTENER => Ready::Listener,
                STOP => Ready::Stop,
                place => Ready::Conn {
                    key: self.keys[place - FIRST]?,
                    fin_seen,
                },
            })
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

    /// The stop signal stays readable, so both places are cleared.
    fn stop_accepting(&mut self) {
        self.set.clear(LISTENER);
        self.set.clear(STOP);
    }

    /// The listener is still readable while accepting pauses.
    fn pause_accepting(&mut self, pauses: bool) {
        let interest = if pauses {
            Interest::None
        } else {
            Interest::Read
        };
        self.set.set(LISTENER, &self.listener, interest);
    }

    fn watch(&mut self, key: Key, _socket: &mut Self::Socket) -> io::Result<()> {
        let place = key.index as usize;
        if place >= self.keys.len() {
            self.keys.resize(place + 1, None);
        }
        self.keys[place] = Some(key);
        Ok(())
    }

    fn settle(&mut self, key: Key, conn: &mut Conn<Self::Socket>) {
        let interest = conn.interest();
        self.set
            .set(key.index as usize + FIRST, &**conn.stream(), interest);
    }

    fn forget(&mut self, key: Key, _socket: Self::Socket) {
        self.set.clear(key.index as usize + FIRST);
    }
}
