//! The port at which a program listens, read from the kernel: no connection is made to find it.

use std::net::SocketAddr;

use portlab_sys::{
    listening::{listening, reached},
    sockets::{State, held_by, sockets},
};

/// The addresses at which `processes` listen, each once, in the order of their ports.
pub(super) fn listeners(processes: &[i32]) -> Vec<SocketAddr> {
    let held = held_by(processes).inodes;
    let details = listening();
    let mut found: Vec<_> = match details.is_empty() {
        // The kernel reads its table of all connections, which takes a hundred times longer.
        true => {
            let mut all = sockets().unwrap_or_default();
            all.retain(|it| it.state == State::Listen && held.contains(&it.inode));
            all.iter().map(|it| it.local).collect()
        }
        false => held
            .iter()
            .flat_map(|it| details.get(it))
            .map(|it| it.local)
            .collect(),
    };
    found.sort_by_key(|it| (it.port(), it.is_ipv6()));
    found
}

/// The address at which clients of this machine reach one of `listeners`: that with the port `wanted` if one was asked
/// for, or else the first.
pub(super) fn chosen(listeners: &[SocketAddr], wanted: Option<u16>) -> Option<SocketAddr> {
    let mut of_port = listeners.iter();
    let found = match wanted {
        Some(port) => of_port.find(|it| it.port() == port),
        None => of_port.next(),
    };
    found.map(|it| reached(*it))
}
