//! Connections over loopback whose reads and writes have a time limit.

use std::{
    io::{self, Read},
    net::{SocketAddr, TcpListener, TcpStream},
    time::Duration,
};

use portlab_sys::socket::uninterrupted;
use rustix::event::{PollFd, PollFlags, poll};

use super::fresh_listener;

/// The time limit of every wait, long enough for a busy machine. After it a lesson fails, and doesn't hang.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// A connection within this program, to a [`fresh_listener`]: the client's end, and the server's.
/// Fails when the system refuses it.
pub(crate) fn connection() -> io::Result<(TcpStream, TcpStream)> {
    let door = fresh_listener()?;
    Ok((connect(door.local_addr()?)?, accept(&door)?))
}

/// Connects to `addr`, with the time limits of [`be_patient`].
pub(crate) fn connect(addr: SocketAddr) -> io::Result<TcpStream> {
    let client = TcpStream::connect(addr)?;
    be_patient(&client)?;
    Ok(client)
}

/// Accepts a client that connects within [`PATIENCE`]. Fails when none does.
pub(crate) fn accept(door: &TcpListener) -> io::Result<TcpStream> {
    let mut watched = [PollFd::new(door, PollFlags::IN)];
    let patience = PATIENCE.try_into().unwrap_or_default();
    if poll(&mut watched, Some(&patience))? == 0 {
        return Err(io::ErrorKind::TimedOut.into());
    }
    let (served, _) = door.accept()?;
    be_patient(&served)?;
    Ok(served)
}

/// Sets [`PATIENCE`] as the time limit of reads and writes, and TCP_NODELAY. Fails when the system refuses it.
pub(crate) fn be_patient(stream: &TcpStream) -> io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    stream.set_nodelay(true)
}

/// Reads once, up to 1024 bytes; no bytes when the peer has closed.
/// Fails when no data come within [`PATIENCE`], or the connection was reset.
pub(crate) fn receive(stream: &mut TcpStream) -> io::Result<Vec<u8>> {
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut bytes = [0; 1024];
    let length = uninterrupted(|| stream.read(&mut bytes))?;
    Ok(bytes[..length].to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn what_is_written_at_one_end_is_read_at_the_other() {
        let (mut client, mut served) = connection().unwrap();
        client.write_all(b"\x0a\xff").unwrap();
        assert_eq!(receive(&mut served).unwrap(), b"\x0a\xff");
        drop(client);
        assert!(receive(&mut served).unwrap().is_empty());
    }
}
