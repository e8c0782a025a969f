//! Asking a port whether it speaks TLS.

use std::{
    io::{self, Read, Write},
    net::TcpStream,
    os::unix::net::UnixStream,
    time::Duration,
};

use rustls::ClientConnection;

use super::{Tls, TlsOptions};
use crate::Target;

/// Whether `target` answers a ClientHello as a server of TLS does, within `patience`. It costs the server a connection.
pub(crate) fn answers_hello(target: &Target, patience: Duration) -> bool {
    let answer = match target {
        Target::Tcp(addr) => TcpStream::connect_timeout(addr, patience).and_then(|stream| {
            stream.set_read_timeout(Some(patience))?;
            exchange(stream)
        }),
        Target::Unix(path) => UnixStream::connect(path).and_then(|stream| {
            stream.set_read_timeout(Some(patience))?;
            exchange(stream)
        }),
        Target::Udp(_) => return false,
    };
    answer.is_ok_and(is_tls)
}

/// Sends a ClientHello, and returns the beginning of the answer.
fn exchange(mut stream: impl Read + Write) -> io::Result<[u8; 6]> {
    let mut answer = [0; 6];
    stream.write_all(&hello()?)?;
    stream.read_exact(&mut answer)?;
    Ok(answer)
}

fn hello() -> io::Result<Vec<u8>> {
    let options = TlsOptions {
        insecure: true,
        ..TlsOptions::default()
    };
    let tls = Tls::new(&options, &["localhost".to_owned()])
        .map_err(|error| io::Error::other(error.en))?;
    let (config, name) = tls.into_parts();
    let session = ClientConnection::new(config, name);
    let mut hello = Vec::new();
    session.map_err(io::Error::other)?.write_tls(&mut hello)?;
    Ok(hello)
}

/// Whether an answer begins with a ServerHello or an alert (RFC 8446, 5.1 and 4). An echo begins with a ClientHello.
fn is_tls(answer: [u8; 6]) -> bool {
    matches!(answer, [22, 3, _, _, _, 2] | [21, 3, _, 0, 2, 1 | 2])
}
