//! A stream of bytes to a target, whatever carries it.

use std::{
    io::{self, Read, Write},
    net::{Shutdown, SocketAddr},
    time::Duration,
};

use mio::{
    Interest, Registry, Token,
    event::Source,
    net::{TcpStream, UdpSocket, UnixStream},
};
use portlab_sys::socket::choose_port_at_connect;
use socket2::{Domain, SockAddr, SockRef, Socket, Type};

use crate::{Plan, Target, target::unix_address, tls::TlsStream};

/// A stream of bytes to a target. It never blocks.
#[derive(Debug)]
pub(crate) enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
    /// Each read and each write is a datagram.
    Udp(UdpSocket),
    /// Encrypted, over one of the others.
    Tls(Box<TlsStream>),
}

/// The receive buffer in the kernel of a client that reads slowly; Linux doubles it.
const SMALL_BUFFER: usize = 4 * 1024;
/// The receive buffer in the kernel of a UDP socket.
const LARGE_BUFFER: usize = 4 * 1024 * 1024;

/// Linux's error numbers for a connection that is under way, for a port without a listener, and for a full accept
/// queue of a socket in the file system; see `connect(2)`.
const EINPROGRESS: i32 = 115;
const ECONNREFUSED: i32 = 111;

impl Stream {
    /// Begins to connect, the run's connection `number`.
    pub(crate) fn connect(plan: &Plan, number: usize) -> io::Result<Self> {
        match plan.dialled(number) {
            Target::Tcp(addr) => connect_tcp(plan, addr, number).map(Self::Tcp),
            Target::Udp(addr) => connect_udp(plan, addr, number).map(Self::Udp),
            Target::Unix(path) => {
                let socket = Socket::new(Domain::UNIX, Type::STREAM.nonblocking().cloexec(), None)?;
                begin(&socket, &unix_address(&path)?)?;
                Ok(Self::Unix(UnixStream::from_std(socket.into())))
            }
        }
    }

    /// Encrypts the run's connection `number`, which is made, if `plan` says so. The handshake follows.
    pub(crate) fn encrypted(self, plan: &Plan, number: usize) -> io::Result<Self> {
        Ok(match &plan.tls {
            None => self,
            Some(tls) => Self::Tls(Box::new(tls.begin(self, plan.target_of(number))?)),
        })
    }

    /// Whether a read that didn't fill its buffer may have left bytes that the poller won't report.
    pub(crate) fn may_hold_more(&self) -> bool {
        matches!(self, Self::Tls(stream) if stream.may_hold_more())
    }

    /// Whether the server's end came without the announcement that TLS requires, so that bytes may be missing.
    pub(crate) fn was_cut(&self) -> bool {
        matches!(self, Self::Tls(stream) if stream.was_cut())
    }

    /// Whether the connection is made; `false` while it is under way.
    pub(crate) fn is_made(&self) -> io::Result<bool> {
        match self {
            Self::Tcp(stream) => is_made(stream),
            Self::Tls(stream) => stream.socket.is_made(),
            Self::Unix(stream) => match stream.take_error()? {
                Some(error) => Err(error),
                None => Ok(true),
            },
            Self::Udp(_) => Ok(true),
        }
    }

    /// Sends a FIN; bytes can still be read.
    pub(crate) fn shut_down_sending(&mut self) -> io::Result<()> {
        match self {
            Self::Tls(stream) => stream.shut_down_sending(),
            Self::Tcp(stream) => stream.shutdown(Shutdown::Write),
            Self::Unix(stream) => stream.shutdown(Shutdown::Write),
            Self::Udp(_) => Err(io::ErrorKind::NotConnected.into()),
        }
    }

    /// Announces the end where the stream's protocol asks for that, before this stream is dropped.
    pub(crate) fn announce_the_end(&mut self) {
        if let Self::Tls(stream) = self {
            // The server may have closed already.
            let _ = stream.shut_down_sending();
        }
    }

    /// Lets the connection end by a reset instead of a FIN when this stream is dropped.
    pub(crate) fn reset_at_the_end(&self) -> io::Result<()> {
        match self {
            Self::Tcp(stream) => SockRef::from(stream).set_linger(Some(Duration::ZERO)),
            Self::Unix(_) | Self::Udp(_) => Ok(()),
            Self::Tls(stream) => stream.socket.reset_at_the_end(),
        }
    }

    /// What the poller watches.
    fn source(&mut self) -> &mut dyn Source {
        match self {
            Self::Tcp(stream) => stream,
            Self::Unix(stream) => stream,
            Self::Udp(socket) => socket,
            Self::Tls(stream) => stream.socket.source(),
        }
    }
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.read(buffer),
            Self::Unix(stream) => stream.read(buffer),
            Self::Udp(socket) => socket.recv(buffer),
            Self::Tls(stream) => stream.read(buffer),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.write(bytes),
            Self::Unix(stream) => stream.write(bytes),
            Self::Udp(socket) => socket.send(bytes),
            Self::Tls(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Source for Stream {
    fn register(&mut self, to: &Registry, token: Token, interest: Interest) -> io::Result<()> {
        self.source().register(to, token, interest)
    }

    fn reregister(&mut self, to: &Registry, token: Token, interest: Interest) -> io::Result<()> {
        self.source().reregister(to, token, interest)
    }

    fn deregister(&mut self, from: &Registry) -> io::Result<()> {
        self.source().deregister(from)
    }
}

fn connect_tcp(plan: &Plan, addr: SocketAddr, number: usize) -> io::Result<TcpStream> {
    let domain = Domain::for_address(addr);
    let socket = Socket::new(domain, Type::STREAM.nonblocking().cloexec(), None)?;
    // Without TCP_NODELAY, a small message could wait for the answer to the last one (Nagle).
    socket.set_tcp_nodelay(true)?;
    if plan.script.behaviour.read_per_s.is_some() {
        // Before connecting, because the handshake sets the scale of the window.
        socket.set_recv_buffer_size(SMALL_BUFFER)?;
    }
    bind_source(&socket, plan, number)?;
    begin(&socket, &addr.into())?;
    Ok(TcpStream::from_std(socket.into()))
}

fn connect_udp(plan: &Plan, addr: SocketAddr, number: usize) -> io::Result<UdpSocket> {
    let domain = Domain::for_address(addr);
    let socket = Socket::new(domain, Type::DGRAM.nonblocking().cloexec(), None)?;
    // The kernel drops datagrams that don't fit. It may allow less than this (net.core.rmem_max).
    socket.set_recv_buffer_size(LARGE_BUFFER)?;
    bind_source(&socket, plan, number)?;
    socket.connect(&addr.into())?;
    Ok(UdpSocket::from_std(socket.into()))
}

/// Binds the socket of the run's connection `number` to the address that it comes from, if the plan has some.
fn bind_source(socket: &Socket, plan: &Plan, number: usize) -> io::Result<()> {
    if !plan.life.sources.is_empty() {
        let source = plan.life.sources[number % plan.life.sources.len()];
        // Otherwise `bind` would take the port for all destinations, and there are only some 28,000 ports.
        choose_port_at_connect(socket)?;
        socket.bind(&SocketAddr::new(source, 0).into())?;
    }
    Ok(())
}

fn begin(socket: &Socket, addr: &SockAddr) -> io::Result<()> {
    match socket.connect(addr) {
        Err(error) if error.raw_os_error() == Some(EINPROGRESS) => Ok(()),
        result => result,
    }
}

fn is_made(stream: &TcpStream) -> io::Result<bool> {
    if let Some(error) = stream.take_error()? {
        return Err(error);
    }
    match stream.peer_addr() {
        // If the target port has no listener, the kernel may choose that port for the client, and the socket
        // connects to itself and echoes every byte.
        Ok(_) if is_self_connection(stream) => Err(io::Error::from_raw_os_error(ECONNREFUSED)),
        Ok(_) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotConnected => Ok(false),
        Err(error) => Err(error),
    }
}

/// Whether a connection has the same address at both ends: TCP can connect a socket with itself (RFC 9293, 3.5,
/// simultaneous open).
fn is_self_connection(stream: &TcpStream) -> bool {
    let (local, peer) = (stream.local_addr(), stream.peer_addr());
    matches!((local, peer), (Ok(local), Ok(peer)) if local == peer)
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn a_small_message_waits_for_no_acknowledgement() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let plan = Plan::new(listener.local_addr().unwrap());
        let Stream::Tcp(stream) = Stream::connect(&plan, 0).unwrap() else {
            panic!("a port's stream is TCP");
        };
        assert!(stream.nodelay().unwrap());
    }

    #[test]
    fn a_connection_with_itself_is_recognised() {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        socket
            .bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into())
            .unwrap();
        let own = socket.local_addr().unwrap();
        socket.connect(&own).unwrap();
        assert!(is_self_connection(&TcpStream::from_std(socket.into())));
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let stream = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        assert!(!is_self_connection(&TcpStream::from_std(stream)));
    }
}
