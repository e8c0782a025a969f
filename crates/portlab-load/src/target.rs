//! What is loaded.

use std::{
    ffi::OsStr,
    fmt, io,
    net::{SocketAddr, TcpStream},
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
    time::Duration,
};

use portlab_sys::listening::has_listener;
use socket2::{Domain, SockAddr, Socket, Type};

/// What is loaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// A TCP port.
    Tcp(SocketAddr),
    /// A UDP port: each message is a datagram.
    Udp(SocketAddr),
    /// A socket in the file system, or after `@` one in the abstract namespace (`unix(7)`).
    Unix(PathBuf),
}

impl Target {
    /// The address of a port; `None` for a socket in the file system.
    pub fn addr(&self) -> Option<SocketAddr> {
        match self {
            Self::Tcp(addr) | Self::Udp(addr) => Some(*addr),
            Self::Unix(_) => None,
        }
    }

    /// Whether a program listens there; `None` if that can't be found out within `patience`. If the listener is on a port
    /// of this machine, no connection is made: some servers end after an empty connection.
    pub(crate) fn listens(&self, patience: Duration) -> Option<bool> {
        let connected = match self {
            Self::Tcp(addr) if has_listener(*addr) == Some(true) => return Some(true),
            // If both addresses are equal, the socket is connected with itself; see `stream`.
            Self::Tcp(addr) => TcpStream::connect_timeout(addr, patience)
                .map(|stream| stream.local_addr().ok() != stream.peer_addr().ok()),
            Self::Udp(_) => return None,
            Self::Unix(path) => Socket::new(Domain::UNIX, Type::STREAM, None)
                .and_then(|socket| socket.connect(&unix_address(path)?))
                .map(|()| true),
        };
        match connected {
            Ok(listens) => Some(listens),
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => Some(false),
            Err(_) => None,
        }
    }

    /// Whether no message leaves this machine.
    pub fn is_local(&self) -> bool {
        self.addr().is_none_or(|addr| addr.ip().is_loopback())
    }
}

/// The address of the socket at `path`.
pub(crate) fn unix_address(path: &Path) -> io::Result<SockAddr> {
    match path.as_os_str().as_bytes().strip_prefix(b"@") {
        Some(name) => SockAddr::unix(OsStr::from_bytes(&[b"\0", name].concat())),
        None => SockAddr::unix(path),
    }
}

impl From<SocketAddr> for Target {
    fn from(addr: SocketAddr) -> Self {
        Self::Tcp(addr)
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(addr) => addr.fmt(f),
            Self::Udp(addr) => write!(f, "udp://{addr}"),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn a_listener_of_this_machine_is_found_without_a_connection() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let target = Target::Tcp(listener.local_addr().unwrap());
        let listens = || target.listens(Duration::from_secs(60));
        assert_eq!(listens(), Some(true));
        let error = listener.accept().unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
        drop(listener);
        assert_eq!(listens(), Some(false));
    }
}
