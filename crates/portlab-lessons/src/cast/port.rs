//! Ports of lessons.

use std::{io, net::TcpListener};

use super::kernel::sockets_at;

/// Listens at a port of 127.0.0.1 that no other socket has, so that all sockets at the port are the lesson's: the system
/// hands out the port of a TIME-WAIT again while that is still listed.
/// Fails if no port is free, or `/proc/net/tcp` can't be read.
pub(crate) fn quiet_door() -> io::Result<TcpListener> {
    let mut noisy = Vec::new();
    loop {
        let door = TcpListener::bind(("127.0.0.1", 0))?;
        if is_quiet(door.local_addr()?.port())? || noisy.len() == TRIES {
            return Ok(door);
        }
        // Held until another is found: it would be handed out again.
        noisy.push(door);
    }
}

/// Whether no other socket stands at `port` than the one that listens. Fails when `/proc/net/tcp` can't be read.
pub(crate) fn is_quiet(port: u16) -> io::Result<bool> {
    Ok(sockets_at(port)?.len() == 1)
}

/// How many doors are tried until a noisy one will do.
const TRIES: usize = 50;

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpStream;

    #[test]
    fn a_door_with_a_call_is_not_quiet() {
        let door = quiet_door().unwrap();
        let addr = door.local_addr().unwrap();
        let call = TcpStream::connect(addr).unwrap();
        assert!(!is_quiet(addr.port()).unwrap());
        drop(call);
    }
}
