//! The connections as the kernel sees them: TCP states and queues.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use portlab_sys::sockets::{Socket, sockets_at};

use crate::PeerId;

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

/// The addresses of both ends of each connection, shared by the engine and its handle.
#[derive(Clone, Debug, Default)]
pub(super) struct Ends(Arc<Mutex<BTreeMap<PeerId, Pair>>>);

#[derive(Clone, Copy, Debug)]
struct Pair {
    own: SocketAddr,
    peer: SocketAddr,
    ended: bool,
}

impl Ends {
    pub(super) fn add(&self, id: PeerId, own: SocketAddr, peer: SocketAddr) {
        let ended = false;
        self.lock().insert(id, Pair { own, peer, ended });
    }

    /// Marks a connection as ended. The last ones are kept, because the kernel may have them in TIME-WAIT.
    pub(super) fn end(&self, id: PeerId) {
        let mut pairs = self.lock();
        if let Some(pair) = pairs.get_mut(&id) {
            pair.ended = true;
        }
        let ended = pairs.iter().filter(|(_, it)| it.ended);
        let old: Vec<_> = ended.map(|(id, _)| *id).rev().skip(MOST_ENDED).collect();
        for id in old {
            pairs.remove(&id);
        }
    }

    /// The states of all connections that the kernel still has.
    ///
    /// # Errors
    /// When the kernel's table can't be read.
    pub(super) fn states(&self) -> io::Result<BTreeMap<PeerId, PeerState>> {
        let pairs = self.lock().clone();
        let ports: BTreeSet<_> = pairs.values().map(|it| it.own.port()).collect();
        let mut sockets = BTreeMap::new();
        for port in ports {
            for socket in sockets_at(port)? {
                let key = (canonical(socket.local), canonical(socket.remote));
                sockets.insert(key, End::of(&socket));
            }
        }
        let states = pairs.into_iter().map(|(id, pair)| {
            let [own, peer] = [pair.own, pair.peer].map(canonical);
            let state = PeerState {
                own: sockets.get(&(own, peer)).copied(),
                peer: sockets.get(&(peer, own)).copied(),
            };
            (id, state)
        });
        let is_known = |state: &PeerState| state.own.is_some() || state.peer.is_some();
        Ok(states.filter(|(_, state)| is_known(state)).collect())
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<PeerId, Pair>> {
        // The map is whole even if a thread has panicked.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
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

/// How many connections that have ended are kept.
const MOST_ENDED: usize = 16;
