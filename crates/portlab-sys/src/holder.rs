//! The process that holds a port.

use std::{fmt, net::SocketAddr};

use crate::sockets::{Socket, State, holders, sockets};

/// The process that holds a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// The program's name, as the kernel keeps it (15 bytes at most), with `?` for control characters.
    pub name: String,
    /// Its process number.
    pub pid: i32,
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (pid {})", self.name, self.pid)
    }
}

/// Finds the process that listens where a server at `addr` would. `None` if there is none, or if it is
/// another user's.
///
/// Source: `/proc/net/tcp`, `/proc/net/tcp6` and the sockets among every process's descriptors.
pub fn holder(addr: SocketAddr) -> Option<Holder> {
    let all = sockets().unwrap_or_default();
    let listening = all.into_iter().find(|socket| listens(socket, addr))?;
    holders().remove(&listening.inode)?.into_iter().next()
}

fn listens(socket: &Socket, addr: SocketAddr) -> bool {
    let local = socket.local;
    let same_ip = local.ip() == addr.ip() || local.ip().is_unspecified();
    socket.state == State::Listen
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

    #[test]
    fn a_name_that_would_command_a_terminal_is_shown_without_power() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        // That of the first thread is the process's.
        let name = "/proc/self/comm";
        let before = std::fs::read_to_string(name).unwrap();
        std::fs::write(name, "a\x1b[31mRED\n猫").unwrap();
        let found = holder(listener.local_addr().unwrap()).unwrap();
        std::fs::write(name, before.trim_end()).unwrap();
        assert_eq!(found.name, "a?[31mRED?猫");
    }
}
