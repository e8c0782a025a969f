//! Ports of lessons.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr, TcpListener},
};

use portlab_sys::holder::holder;
use portlab_words::tr;

use super::kernel::sockets_at;
use crate::stage::Stage;

/// Opens the port that the course's programs use, 8080, or another if it is taken. In the text,
/// `{yours}` is its number, and `{taken}` says which program holds 8080, if one does. Fails when no port can be had.
pub(crate) fn courses_port(stage: &mut Stage<'_>) -> io::Result<TcpListener> {
    let usual = SocketAddr::from((Ipv4Addr::LOCALHOST, 8080));
    let door = TcpListener::bind(usual);
    let is_free = door.is_ok();
    let door = door.or_else(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))?;
    let port = door.local_addr()?.port();
    stage.set("yours", port);
    let by = holder(usual).map_or_else(|| "?".to_owned(), |by| by.to_string());
    let taken = tr!(
        stage.lang(),
        " (Number 8080 is taken by {by}, so it is {port} this time.)",
        "（8080 号被 {by} 占用，所以这次用 {port} 号。）",
    );
    stage.set("taken", if is_free { "" } else { &taken });
    Ok(door)
}

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
