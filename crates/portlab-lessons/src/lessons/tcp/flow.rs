//! Sending to a server that doesn't read, and reading everything afterwards.

use std::{
    io::{self, ErrorKind, Read, Write},
    net::TcpStream,
    thread,
    time::{Duration, Instant},
};

use portlab_sys::sockets::Socket as Listed;
use socket2::SockRef;

use crate::cast::{Ends, PATIENCE, kernel::sockets_at};

/// The outcome of sending to a server that doesn't read.
pub(super) struct Sent {
    /// The bytes that the system took.
    pub(super) bytes: usize,
    /// The sockets at the end.
    pub(super) sockets: Vec<Listed>,
    /// Whether the system took no more bytes, and no bytes were on their way.
    pub(super) has_stopped: bool,
}

/// Sends until the system takes no more bytes: until at two moments it takes none, and the two queues together hold all sent
/// bytes, each queue the same number at both moments.
pub(super) fn send_until_stopped(mut client: &TcpStream, ends: Ends) -> io::Result<Sent> {
    SockRef::from(client).set_send_buffer_size(64 * 1024)?;
    client.set_nonblocking(true)?;
    let since = Instant::now();
    let (mut sent, mut before) = (0, None);
    loop {
        let piece: Vec<_> = (sent..sent + 1024).map(byte_at).collect();
        match client.write(&piece) {
            Ok(taken) => {
                sent += taken;
                before = None;
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                let sockets = sockets_at(ends.server.port())?;
                let queues = ends.queues(&sockets);
                let is_all = (queues.0 + queues.1) as usize == sent;
                let has_stopped = is_all && before.replace(queues) == Some(queues);
                if has_stopped || since.elapsed() > PATIENCE {
                    return Ok(Sent {
                        bytes: sent,
                        sockets,
                        has_stopped,
                    });
                }
                thread::sleep(BETWEEN_LOOKS);
            }
            Err(error) => return Err(error),
        }
    }
}

/// Much longer than a packet and its acknowledgement take within a machine.
const BETWEEN_LOOKS: Duration = Duration::from_millis(20);

/// Reads `sent` bytes. Returns how many of them, from the first, are in order.
pub(super) fn read_in_order(served: &mut TcpStream, sent: usize) -> io::Result<usize> {
    let mut received = vec![0; sent];
    served.read_exact(&mut received)?;
    let received = received.iter().enumerate();
    Ok(received.take_while(|&(at, &it)| it == byte_at(at)).count())
}

/// The byte at place `at`, which shows missing and misplaced bytes.
fn byte_at(at: usize) -> u8 {
    (at % 251) as u8
}
