//! Who holds a port.

use std::{fmt, net::SocketAddr};

use procfs::{
    net::{TcpNetEntry, TcpState},
    process::{FDTarget, all_processes},
};

/// The process that listens on a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// The program's name, as the kernel keeps it (15 bytes at most).
    pub name: String,
    /// Its process number.
    pub pid: i32,
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (pid {})", self.name, self.pid)
    }
}

/// Finds who listens where `addr` wants to, or `None` when it can't be told: nobody does, or
/// another user's process does.
///
/// Source: `/proc/net/tcp`, `/proc/net/tcp6` and the sockets among every process's descriptors.
#[must_use]
pub fn holder(addr: SocketAddr) -> Option<Holder> {
    let v4 = procfs::net::tcp().unwrap_or_default();
    let v6 = procfs::net::tcp6().unwrap_or_default();
    let inode = v4
        .into_iter()
        .chain(v6)
        .find(|entry| listens(entry, addr))?
        .inode;
    all_processes().ok()?.flatten().find_map(|process| {
        let mut fds = process.fd().ok()?.flatten();
        fds.find(|fd| matches!(fd.target, FDTarget::Socket(socket) if socket == inode))?;
        Some(Holder {
            name: process.stat().ok()?.comm,
            pid: process.pid,
        })
    })
}

fn listens(entry: &TcpNetEntry, addr: SocketAddr) -> bool {
    let local = entry.local_address;
    let same_ip = local.ip() == addr.ip() || local.ip().is_unspecified();
    entry.state == TcpState::Listen
        && local.port() == addr.port()
        && (same_ip || addr.ip().is_unspecified())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_holder_of_a_port_is_found_by_name_and_number() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let addr = listener.local_addr().unwrap();
        assert_eq!(holder(addr).unwrap().pid, std::process::id() as i32);
        drop(listener);
        assert_eq!(holder(addr), None);
    }
}
