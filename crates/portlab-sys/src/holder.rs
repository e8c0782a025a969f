//! The process that holds a port.

use std::net::SocketAddr;

use crate::sockets::{Holder, Socket, State, holders, sockets};

/// Finds the process with the listener that keeps a server from listening at `addr`. `None` if there is none, or if
/// it belongs to another user.
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
    fn control_characters_in_the_name_of_a_process_are_replaced() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        // The name of the first thread is the name of the process.
        let name = "/proc/self/comm";
        let before = std::fs::read_to_string(name).unwrap();
        std::fs::write(name, "a\x1b[31mRED\n猫").unwrap();
        let found = holder(listener.local_addr().unwrap()).unwrap();
        std::fs::write(name, before.trim_end()).unwrap();
        assert_eq!(found.name, "a?[31mRED?猫");
    }
}
