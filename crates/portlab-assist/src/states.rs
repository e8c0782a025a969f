//! The connections as the kernel sees them: TCP states and queues.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    net::SocketAddr,
};

use portlab_sys::sockets::{Socket, sockets_at};

use crate::{Client, PeerId};

/// A connection as the kernel sees it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PeerState {
    /// The assistant's end.
    pub own: Option<End>,
    /// The peer's end, if the peer is on this machine.
    pub peer: Option<End>,
}

/// One end of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct End {
    /// Its TCP state, such as `ESTABLISHED`.
    pub state: &'static str,
    /// Recv-Q: received bytes that the program hasn't read.
    pub unread_bytes: u32,
    /// Send-Q: sent bytes that the other end hasn't acknowledged.
    pub unsent_bytes: u32,
}

impl PeerState {
    /// The states of all connections of `clients` that the kernel still has, such as in TIME-WAIT. On a machine with many
    /// sockets this takes milliseconds, so twice a second is enough. UDP has no states.
    ///
    /// # Errors
    /// When the kernel's table can't be read.
    pub fn all(clients: &BTreeMap<PeerId, Client>) -> io::Result<BTreeMap<PeerId, Self>> {
        let own = clients.values().filter_map(|it| it.own);
        let ports: BTreeSet<_> = own.map(|it| it.port()).collect();
        let mut sockets = BTreeMap::new();
        for port in ports {
            for socket in sockets_at(port)? {
                let key = (canonical(socket.local), canonical(socket.remote));
                sockets.insert(key, End::of(&socket));
            }
        }
        // A client may come again from the same port: the newest has the connection.
        let states = clients.iter().rev().filter_map(|(id, client)| {
            let [own, peer] = [client.own?, client.addr].map(canonical);
            let state = Self {
                own: sockets.remove(&(own, peer)),
                peer: sockets.remove(&(peer, own)),
            };
            (state != Self::default()).then_some((*id, state))
        });
        Ok(states.collect())
    }
}

impl End {
    fn of(socket: &Socket) -> Self {
        Self {
            state: socket.state_name(),
            unread_bytes: socket.unread,
            unsent_bytes: socket.unsent,
        }
    }
}

/// The address in the form in which IPv4 clients of an IPv6 socket and of an IPv4 socket look alike.
fn canonical(addr: SocketAddr) -> (std::net::IpAddr, u16) {
    (addr.ip().to_canonical(), addr.port())
}
