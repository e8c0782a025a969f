//! The port at which a program listens, read from the kernel: no connection is made to find it.

use std::net::SocketAddr;

use portlab_sys::{
    listening::reached,
    sockets::{self, Socket, held_by},
};

/// The listening sockets of `processes`, each once, in the order of their ports.
pub(super) fn listeners(processes: &[i32]) -> Vec<Socket> {
    let held = held_by(processes).inodes;
    let mut found = sockets::listeners().unwrap_or_default();
    found.retain(|it| held.contains(&it.inode));
    found.sort_by_key(|it| (it.local.port(), it.local.is_ipv6()));
    found
}

/// The address at which clients of this machine reach one of `listeners`: that with the port `wanted` if one was asked
/// for, or else the first.
pub(super) fn chosen(listeners: &[Socket], wanted: Option<u16>) -> Option<SocketAddr> {
    let mut of_port = listeners.iter();
    let found = match wanted {
        Some(port) => of_port.find(|it| it.local.port() == port),
        None => of_port.next(),
    };
    found.map(|it| reached(it.local))
}
