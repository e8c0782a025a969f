//! Talking over a socket.

use std::{
    io::{self, Read},
    net::TcpStream,
    time::Duration,
};

/// How long a peer may take to answer, on a busy machine too.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// What comes next, up to 1024 bytes; nothing when the peer has closed.
///
/// # Errors
/// When nothing comes within [`PATIENCE`], or the connection was reset.
pub fn receive(stream: &mut TcpStream) -> io::Result<Vec<u8>> {
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut bytes = [0; 1024];
    let length = stream.read(&mut bytes)?;
    Ok(bytes[..length].to_vec())
}

/// Bytes as a class reads them: `c4 e3`.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    let digits = bytes.iter().map(|byte| format!("{byte:02x}"));
    digits.collect::<Vec<_>>().join(" ")
}
