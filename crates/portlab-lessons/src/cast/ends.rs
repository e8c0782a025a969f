//! The two ends of a connection, as the kernel lists them.

use std::{
    io,
    net::{SocketAddr, TcpStream},
};

use portlab_sys::sockets::Socket;

use super::kernel::sockets_once;

/// The addresses of a connection's two ends.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ends {
    pub(crate) server: SocketAddr,
    pub(crate) client: SocketAddr,
}

impl Ends {
    /// The ends of the connection of `client`. Fails when the system can't give an address.
    pub(crate) fn of(client: &TcpStream) -> io::Result<Self> {
        Ok(Self {
            server: client.peer_addr()?,
            client: client.local_addr()?,
        })
    }

    /// The connection's sockets among `all`: the server's, and the client's.
    pub(crate) fn both(self, all: &[Socket]) -> [Option<&Socket>; 2] {
        let end = |local, remote| {
            let is_it = |it: &&Socket| (it.local, it.remote) == (local, remote);
            all.iter().find(is_it)
        };
        [end(self.server, self.client), end(self.client, self.server)]
    }

    /// Waits until `are` holds for the connection's sockets, and returns them, the server's first; a socket that no longer
    /// exists is left out. Fails when `/proc/net/tcp` can't be read.
    pub(crate) fn once(self, are: impl Fn(&[Socket]) -> bool) -> io::Result<Vec<Socket>> {
        let ours = |all: &[Socket]| self.both(all).into_iter().flatten().cloned().collect();
        let all = sockets_once(self.server.port(), |all| {
            let ours: Vec<_> = ours(all);
            are(&ours)
        })?;
        Ok(ours(&all))
    }

    /// The numbers of bytes that the server has not read, and that the client has sent without an acknowledgement.
    pub(crate) fn queues(self, all: &[Socket]) -> (u32, u32) {
        let [server, client] = self.both(all);
        (
            server.map_or(0, |it| it.unread),
            client.map_or(0, |it| it.unsent),
        )
    }

    /// The states of the two ends, the server's first.
    pub(crate) fn states(self, all: &[Socket]) -> [Option<&'static str>; 2] {
        self.both(all).map(|end| end.map(Socket::state_name))
    }
}
