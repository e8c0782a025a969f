//! Connections over loopback that never hang.

use std::{
    io::{self, Read},
    net::{SocketAddr, TcpListener, TcpStream},
    time::Duration,
};

use rustix::event::{PollFd, PollFlags, poll};

use super::quiet_door;

/// How long something may take on a busy machine: then it fails, and doesn't hang.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// A connection within this program, at a [`quiet_door`]: the client's end, and the server's.
/// Fails when the system refuses it.
pub(crate) fn connection() -> io::Result<(TcpStream, TcpStream)> {
    let door = quiet_door()?;
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

/// Makes reads and writes fail after [`PATIENCE`], and small writes leave at once. Fails when the system refuses it.
pub(crate) fn be_patient(stream: &TcpStream) -> io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    stream.set_nodelay(true)
}

/// What comes next, up to 1024 bytes; nothing when the peer has closed.
/// Fails when nothing comes within [`PATIENCE`], or the connection was reset.
pub(crate) fn receive(stream: &mut TcpStream) -> io::Result<Vec<u8>> {
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut bytes = [0; 1024];
    let length = stream.read(&mut bytes)?;
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
