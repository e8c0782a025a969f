//! Answers that a peer hasn't taken when its connection ends during a stop.
//!
//! When a socket is closed while it holds unread input, the kernel resets the connection and drops the bytes that
//! were not sent yet; and during a stop, input may come at any moment. So when an
//! [`Interruptible`](crate::stop::Interruptible) is dropped and its peer has not acknowledged everything, this module keeps the
//! socket open, throws its input away, and closes it when the peer's kernel has acknowledged everything.

use std::{
    io,
    os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd},
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    thread,
    time::Duration,
};

use nix::errno::Errno;
use rustix::net::{RecvFlags, Shutdown, recv, shutdown};

use crate::{
    socket::tcp_info,
    stop::{self, unwatch, watch},
};

/// Sockets that wait for the thread that delivers.
static QUEUE: Mutex<Vec<OwnedFd>> = Mutex::new(Vec::new());
/// How many sockets are kept, in the queue and by the thread.
static KEPT: AtomicUsize = AtomicUsize::new(0);

/// The time between two checks of the sockets: the kernel has no event for "everything is acknowledged".
const PAUSE: Duration = Duration::from_millis(2);

/// The most input of a socket that is thrown away in one check: a peer may send for ever.
const MOST: usize = 1 << 20;

// TCP's states, as the kernel numbers them (`enum` in `net/tcp_states.h`).
const ESTABLISHED: u8 = 1;
const CLOSE_WAIT: u8 = 8;

/// Keeps `socket` open after its owner has closed it, if its peer has not taken everything. Returns whether it is
/// kept.
pub(crate) fn keep(socket: BorrowedFd<'_>) -> bool {
    if !settle(socket) {
        return false;
    }
    let Ok(kept) = socket.try_clone_to_owned() else {
        // If no descriptor is left, the connection is closed at once.
        return false;
    };
    // Only one of the two descriptors is watched, or the deadline would count the connection twice.
    unwatch(socket.as_raw_fd());
    watch(kept.as_raw_fd());
    let is_first = KEPT.fetch_add(1, SeqCst) == 0;
    queue().push(kept);
    if is_first {
        // Sockets are closed while other connections drain. If no thread can be started, `Stop::finish` closes them.
        let _ = thread::Builder::new().spawn(deliver);
    }
    true
}

/// Waits until the peers of all sockets that are kept have taken everything or have gone, or until the deadline.
pub(crate) fn deliver() {
    let mut own = Vec::new();
    while KEPT.load(SeqCst) > 0 {
        // The queue is unlocked again before the sockets are examined, so `keep` never waits for that.
        own.append(&mut queue());
        let before = own.len();
        own.retain(|socket: &OwnedFd| {
            let stays = !stop::is_past_deadline() && settle(socket.as_fd());
            if !stays {
                unwatch(socket.as_raw_fd());
            }
            stays
        });
        KEPT.fetch_sub(before - own.len(), SeqCst);
        thread::sleep(PAUSE);
    }
}

fn queue() -> MutexGuard<'static, Vec<OwnedFd>> {
    QUEUE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Throws input away, and sends the FIN when the peer has acknowledged everything. Returns whether some bytes are not
/// acknowledged yet.
fn settle(socket: BorrowedFd<'_>) -> bool {
    forget_input(socket);
    let is_open =
        tcp_info(&socket).is_ok_and(|info| matches!(info.tcpi_state, ESTABLISHED | CLOSE_WAIT));
    // The FIN comes last: input that meets a socket with both halves shut resets the connection.
    let is_owed = is_open && unacknowledged(socket).is_ok_and(|bytes| bytes > 0);
    if is_open && !is_owed {
        let _ = shutdown(socket, Shutdown::Write);
    }
    is_owed
}

fn forget_input(socket: BorrowedFd<'_>) {
    let mut forgotten = 0;
    let mut buffer = [0; 16_384];
    while forgotten < MOST
        && let Ok((length @ 1.., _)) = recv(socket, &mut buffer, RecvFlags::DONTWAIT)
    {
        forgotten += length;
    }
}

/// How many bytes the peer has not acknowledged (`SIOCOUTQ`, `tcp(7)`).
fn unacknowledged(socket: BorrowedFd<'_>) -> io::Result<i32> {
    let mut bytes = 0;
    // SAFETY: the request writes an int to `bytes`. TIOCOUTQ and SIOCOUTQ are one number.
    Errno::result(unsafe { libc::ioctl(socket.as_raw_fd(), libc::TIOCOUTQ, &raw mut bytes) })?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::{
        io::{ErrorKind, Read, Write},
        net::{TcpListener, TcpStream},
    };

    use super::*;
    use portlab_testkit::wait_until;

    #[test]
    fn a_peer_that_reads_late_gets_everything_and_an_end() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (mut server, _) = listener.accept().unwrap();
        client.write_all(&[b'q'; 100_000]).unwrap();
        // As a stop does.
        server.shutdown(std::net::Shutdown::Read).unwrap();
        server.set_nonblocking(true).unwrap();
        let mut sent = 0;
        loop {
            match server.write(&[b'a'; 65_536]) {
                Ok(length) => sent += length,
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => panic!("{error}"),
            }
        }
        assert!(keep(server.as_fd()));
        drop(server);
        // Further input comes, and is thrown away.
        client.write_all(&[b'q'; 100_000]).unwrap();
        client
            .set_read_timeout(Some(Duration::from_secs(60)))
            .unwrap();
        let mut got = Vec::new();
        client.read_to_end(&mut got).unwrap();
        assert_eq!(got.len(), sent);
        deliver();
        assert_eq!(KEPT.load(SeqCst), 0);
    }

    #[test]
    fn a_peer_that_has_taken_everything_is_not_waited_for() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let addr = listener.local_addr().unwrap();
        let mut client = TcpStream::connect(addr).unwrap();
        let (server, _) = listener.accept().unwrap();
        client.write_all(b"not read").unwrap();
        assert!(!keep(server.as_fd()));
        drop(server);
        assert_eq!(client.read(&mut [0]).unwrap(), 0);

        let client = TcpStream::connect(addr).unwrap();
        let (mut server, _) = listener.accept().unwrap();
        server.write_all(b"never read").unwrap();
        rustix::net::sockopt::set_socket_linger(&client, Some(Duration::ZERO)).unwrap();
        drop(client);
        // A busy kernel takes its time to deliver the reset.
        wait_until("the socket is closed", || !settle(server.as_fd()));
        assert!(!keep(server.as_fd()));
        assert!(!keep(listener.as_fd()));
    }
}
