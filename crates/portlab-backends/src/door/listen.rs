//! Listening: the sockets of a door, and why a server can't listen at an address.

use std::{
    io,
    net::{SocketAddr, TcpListener},
    time::Duration,
};

use portlab_sys::{holder::holder, sockets::Holder};
use portlab_words::{Text, tr};
use socket2::{Domain, Protocol, Socket, TcpKeepalive, Type};

use super::Options;

/// Why a server can't listen at an address.
#[derive(Debug, thiserror::Error)]
#[error("{}", self.text())]
pub enum BindError {
    /// Another process listens there. Which one, if that can be found out.
    InUse(SocketAddr, Option<Holder>),
    /// The port is below 1024, and this process may not bind it.
    Privileged(SocketAddr),
    /// The machine doesn't have the address, or another error of the system.
    Other(SocketAddr, io::Error),
}

impl BindError {
    /// The reason, in both languages.
    pub fn text(&self) -> Text {
        match self {
            Self::InUse(addr, None) => tr!("{addr} is in use", "{addr} 已被占用"),
            Self::InUse(addr, Some(holder)) => {
                tr!("{addr} is in use by {holder}", "{addr} 已被 {holder} 占用")
            }
            Self::Privileged(addr) => tr!(
                "{addr} needs privileges: ports below 1024 are reserved",
                "监听 {addr} 需要特权：1024 以下的端口是保留的"
            ),
            Self::Other(addr, error) => {
                let why = Text::system(error);
                tr!("can't listen on {addr}: {why}", "无法监听 {addr}：{why:#}")
            }
        }
    }
}

/// Binds `addr` and listens, as `options` say. See [`Door::open`](crate::Door::open). If several listeners are to share
/// the address, this is the first of them.
///
/// # Errors
/// When the address is in use or reserved, or the machine doesn't have it.
pub fn bind(addr: SocketAddr, options: &Options) -> Result<TcpListener, BindError> {
    bind_some(addr, options, 1).map(|mut first| first.remove(0))
}

/// The same for all listeners.
pub(super) fn bind_all(addr: SocketAddr, options: &Options) -> Result<Vec<TcpListener>, BindError> {
    bind_some(addr, options, options.listeners)
}

fn bind_some(
    addr: SocketAddr,
    options: &Options,
    count: usize,
) -> Result<Vec<TcpListener>, BindError> {
    listen(addr, options, count).map_err(|error| match error.kind() {
        io::ErrorKind::AddrInUse => BindError::InUse(addr, holder(addr)),
        io::ErrorKind::PermissionDenied if addr.port() < 1024 => BindError::Privileged(addr),
        _ => BindError::Other(addr, error),
    })
}

/// Opens `count` of the listeners that share `addr`.
///
/// Source: `socket(7)`, SO_REUSEPORT. Each socket needs the option before it is bound, the first one too.
fn listen(addr: SocketAddr, options: &Options, count: usize) -> io::Result<Vec<TcpListener>> {
    // With SO_REUSEPORT, a second server of the same user could listen at the address as well and would take a part of
    // the connections. So the first socket goes without the option: if a server listens already, this socket can't be
    // bound. If several listeners are wanted, the socket only holds the port, which for port 0 has just been chosen.
    let first = socket(addr, options, false)?;
    if options.listeners <= 1 {
        first.listen(options.backlog)?;
        return Ok(vec![first.into()]);
    }
    let addr = first.local_addr()?.as_socket().unwrap_or(addr);
    let listeners = (0..count).map(|_| {
        let socket = socket(addr, options, true)?;
        socket.listen(options.backlog)?;
        Ok(socket.into())
    });
    listeners.collect()
}

/// A bound socket, with the options that connections inherit.
fn socket(addr: SocketAddr, options: &Options, shares_port: bool) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(addr), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(shares_port)?;
    socket.set_tcp_nodelay(true)?;
    if let Some(time) = options.limits.keepalive {
        let keepalive = TcpKeepalive::new().with_time(time).with_interval(PROBE);
        socket.set_tcp_keepalive(&keepalive.with_retries(PROBES))?;
    }
    socket.bind(&addr.into())?;
    Ok(socket)
}

/// The time between two keepalive probes, and how many go unanswered before the kernel ends the connection.
const PROBE: Duration = Duration::from_secs(10);
const PROBES: u32 = 3;

#[cfg(test)]
mod tests {
    use std::net::TcpStream;

    use portlab_sys::sockets::{State, sockets_at};

    use super::*;

    fn any() -> SocketAddr {
        "127.0.0.1:0".parse().unwrap()
    }

    fn shards(listeners: usize) -> Options {
        Options {
            listeners,
            ..Options::default()
        }
    }

    /// How many sockets listen at `addr`.
    fn listeners_at(addr: SocketAddr) -> usize {
        let all = sockets_at(addr.port()).unwrap();
        let at_addr = all.iter().filter(|it| it.local == addr);
        at_addr.filter(|it| it.state == State::Listen).count()
    }

    #[test]
    fn an_accepted_connection_inherits_nodelay() {
        for listener in bind_all(any(), &shards(2)).unwrap() {
            assert!(socket2::SockRef::from(&listener).tcp_nodelay().unwrap());
        }
        let listener = bind(any(), &Options::default()).unwrap();
        let _client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        assert!(listener.accept().unwrap().0.nodelay().unwrap());
    }

    #[test]
    fn each_shard_has_a_listener_and_the_kernel_divides_connections_among_them() {
        let listeners = bind_all(any(), &shards(3)).unwrap();
        let addr = listeners[0].local_addr().unwrap();
        assert_eq!(listeners_at(addr), 3);
        let clients = [(); 64].map(|()| TcpStream::connect(addr).unwrap());
        let accepted = listeners.iter().map(|listener| {
            listener.set_nonblocking(true).unwrap();
            listener.incoming().map_while(Result::ok).count()
        });
        let accepted: Vec<_> = accepted.collect();
        // A listener misses all of 64 connections in one of 10^11 runs.
        assert!(accepted.iter().all(|&count| count > 0), "{accepted:?}");
        assert_eq!(accepted.iter().sum::<usize>(), clients.len());
        drop(listeners);
        assert_eq!(listeners_at(addr), 0);
    }

    #[test]
    fn a_second_server_is_refused_whether_the_first_one_shares_its_port_or_not() {
        for (first, second) in [(2, 2), (2, 1), (1, 2), (1, 1)] {
            let listeners = bind_all(any(), &shards(first)).unwrap();
            let addr = listeners[0].local_addr().unwrap();
            let refused = bind_all(addr, &shards(second)).unwrap_err();
            let BindError::InUse(at, Some(holder)) = refused else {
                panic!("{refused:?}");
            };
            assert_eq!((at, holder.pid), (addr, std::process::id() as i32));
            drop(listeners);
            assert!(bind_all(addr, &shards(second)).is_ok(), "{first} {second}");
        }
    }

    #[test]
    fn a_port_of_which_old_connections_are_left_is_free() {
        let listeners = bind_all(any(), &shards(2)).unwrap();
        let addr = listeners[0].local_addr().unwrap();
        let clients = [(); 16].map(|()| TcpStream::connect(addr).unwrap());
        for listener in listeners {
            listener.set_nonblocking(true).unwrap();
            // The server closes first, so its ends go to TIME-WAIT.
            listener.incoming().map_while(Result::ok).for_each(drop);
        }
        drop(clients);
        assert!(bind_all(addr, &shards(2)).is_ok());
    }
}
