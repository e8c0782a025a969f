//! Listeners on ports that no other socket uses.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    num::NonZeroU16,
};

use portlab_sys::holder::holder;
use portlab_words::{Text, tr};

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

/// Listens at `port` of 127.0.0.1.
///
/// # Errors
/// When the system refuses the port; if another program listens there, the error names the program, and what to do.
pub fn listen_at(port: NonZeroU16) -> io::Result<TcpListener> {
    let addr = SocketAddr::from((Ipv4Addr::LOCALHOST, port.get()));
    TcpListener::bind(addr).map_err(|error| {
        let (kind, why) = (error.kind(), Text::system(&error));
        let other = if port.get() < 8081 { 8081 } else { 8080 };
        let by = holder(addr);
        let pid = by.as_ref().map_or(0, |by| by.pid);
        let said = match (kind, by) {
            (io::ErrorKind::AddrInUse, Some(by)) => tr!(
                "port {port} is in use by {by}; end that program (kill {pid}), or choose another port, such as \
                 --port {other}",
                "{port} 号端口被 {by} 占用：请先结束这个程序（kill {pid}），或者换一个端口号，例如 --port {other}"
            ),
            (io::ErrorKind::AddrInUse, None) => tr!(
                "port {port} is in use by a program that this user can't see; choose another port, such as --port {other}",
                "{port} 号端口被别的用户的程序占用：请换一个端口号，例如 --port {other}"
            ),
            _ => tr!(
                "can't listen at port {port} ({why}); choose a port from 1024, such as --port {other}",
                "不能监听 {port} 号端口（{why:#}）：请换一个 1024 以上的端口号，例如 --port {other}"
            ),
        };
        io::Error::new(kind, said)
    })
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
    fn a_chosen_port_that_is_taken_names_its_holder_and_the_remedy() {
        let taken = fresh_listener().unwrap();
        let port = taken.local_addr().unwrap().port().try_into().unwrap();
        let error = listen_at(port).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
        let said = [
            error.to_string(),
            format!("{:#}", error.into_inner().unwrap()),
        ];
        let pid = std::process::id();
        for said in said {
            for part in [&format!("{port}"), &format!("kill {pid}"), "--port 80"] {
                assert!(said.contains(part), "{part} is not in {said}");
            }
        }
        drop(taken);
        listen_at(port).unwrap();
    }

    #[test]
    fn a_listener_with_a_connection_is_not_the_only_socket() {
        let door = fresh_listener().unwrap();
        let addr = door.local_addr().unwrap();
        let call = TcpStream::connect(addr).unwrap();
        assert!(!has_only_a_listener(addr.port()).unwrap());
        drop(call);
    }
}
