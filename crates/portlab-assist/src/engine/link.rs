//! The way to one peer: a TCP connection, or an address that datagrams are sent to.

use std::{
    io::{self, Read, Write},
    net::{Shutdown, SocketAddr},
    sync::Arc,
    time::Duration,
};

use mio::net::{TcpStream, UdpSocket};
use socket2::SockRef;

/// The way to one peer.
pub(super) enum Link {
    Tcp(TcpStream),
    Udp(Arc<UdpSocket>, SocketAddr),
}

impl Link {
    /// Sends some of the bytes, or one datagram of them.
    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.write(bytes),
            Self::Udp(socket, to) => socket.send_to(bytes, *to),
        }
    }

    /// Reads once from a connection; `None` if nothing has come. Datagrams are read by the owner of their socket.
    pub(super) fn read(&mut self, buffer: &mut [u8]) -> io::Result<Option<usize>> {
        match self {
            Self::Tcp(stream) => match stream.read(buffer) {
                Ok(count) => Ok(Some(count)),
                Err(error) if is_again(&error) => Ok(None),
                Err(error) => Err(error),
            },
            Self::Udp(..) => Ok(None),
        }
    }

    fn tcp(&self) -> Option<&TcpStream> {
        match self {
            Self::Tcp(stream) => Some(stream),
            Self::Udp(..) => None,
        }
    }

    pub(super) fn is_udp(&self) -> bool {
        self.tcp().is_none()
    }

    /// Sends the own FIN.
    pub(super) fn shut(&self) -> io::Result<()> {
        let shut = |it: &TcpStream| it.shutdown(Shutdown::Write);
        self.tcp().map_or(Ok(()), shut)
    }

    /// Whether bytes have come that were not read.
    pub(super) fn has_unread(&self) -> bool {
        let count = self.tcp().and_then(|it| it.peek(&mut [0]).ok());
        count.is_some_and(|it| it > 0)
    }

    /// The error that has broken the connection, if one has.
    pub(super) fn error(&self) -> Option<io::Error> {
        self.tcp()?.take_error().ok().flatten()
    }

    /// Makes the kernel send an RST when the socket is closed.
    ///
    /// Source: SO_LINGER in `socket(7)`.
    pub(super) fn reset(&self) {
        if let Some(stream) = self.tcp() {
            // It fails if the peer has reset the connection already.
            let _ = SockRef::from(stream).set_linger(Some(Duration::ZERO));
        }
    }
}

pub(super) fn is_again(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted
    )
}
