//! Listeners on ports that no other socket uses.

use std::{io, net::TcpListener};

use super::kernel::sockets_at;

/// Listens at a port of 127.0.0.1 that no other socket uses, so that a table shows the lesson's sockets only: the system also
/// gives out ports at which connections are still in TIME-WAIT.
/// Fails if no port is free, or `/proc/net/tcp` can't be read.
pub(crate) fn fresh_listener() -> io::Result<TcpListener> {
    let mut shared = Vec::new();
    loop {
        let door = TcpListener::bind(("127.0.0.1", 0))?;
        if has_only_a_listener(door.local_addr()?.port())? || shared.len() == TRIES {
            return Ok(door);
        }
        // Kept open until a port is found: the system would give out the same port again.
        shared.push(door);
    }
}

/// Whether the listening socket is the only one at `port`. Fails when `/proc/net/tcp` can't be read.
pub(crate) fn has_only_a_listener(port: u16) -> io::Result<bool> {
    Ok(sockets_at(port)?.len() == 1)
}

/// How many ports are tried before one with other sockets is taken.
const TRIES: usize = 50;

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpStream;

    #[test]
    fn a_listener_with_a_connection_is_not_the_only_socket() {
        let door = fresh_listener().unwrap();
        let addr = door.local_addr().unwrap();
        let call = TcpStream::connect(addr).unwrap();
        assert!(!has_only_a_listener(addr.port()).unwrap());
        drop(call);
    }
}
