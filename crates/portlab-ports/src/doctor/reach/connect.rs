//! Connecting to an address, and what the connection does to the server.

use std::{
    collections::HashSet,
    io::{self, Read},
    net::{SocketAddr, TcpStream},
    thread,
    time::{Duration, Instant},
};

use portlab_sys::{
    listening::reached,
    socket::uninterrupted,
    sockets::{Socket, State, sockets, sockets_at},
};
use portlab_words::Text;

use super::{Attempt, First, Here, LOOK_AGAIN, Location, Outcome, canonical, queue_at};
use crate::{leftovers::Leftovers, snapshot::Snapshot};

/// Connects to `addr`, waits a moment for the server's first bytes, and closes the connection. `before` are the sockets
/// of this machine, if `addr` is an address of this machine.
pub(super) fn connect(
    addr: SocketAddr,
    location: Location,
    before: Option<Snapshot>,
    timeout: Duration,
) -> Attempt {
    let began = Instant::now();
    let connected = TcpStream::connect_timeout(&addr, timeout);
    let took = began.elapsed();
    let (mut accepted, mut ended) = (None, None);
    // Read while the connection is open, or else at once after it has failed.
    let mut queue = None;
    let outcome = match connected {
        Ok(stream) if is_connected_to_itself(&stream) => Outcome::Refused,
        Ok(stream) => {
            if before.is_some() {
                accepted = wait_for_accept(&stream, began + timeout);
            }
            let first = match accepted {
                // A program that hasn't accepted can't send.
                Some(false) => First::Silence,
                _ => first_of(&stream),
            };
            if let (true, First::Words(_) | First::Closed) = (before.is_some(), &first) {
                // Only a program that has accepted sends or closes.
                accepted = Some(true);
            }
            queue = before.as_ref().and_then(|_| queue_at(addr));
            let own = stream.local_addr();
            drop(stream);
            if let (Some(before), Ok(own), true) = (&before, own, accepted != Some(false)) {
                ended = has_ended(addr, own, before, timeout);
            }
            Outcome::Connected(first)
        }
        Err(error) => of_error(&error),
    };
    let here = before.map(|before| Here {
        queue: queue.or_else(|| queue_at(addr)),
        leftovers: match outcome {
            Outcome::Refused => Leftovers::at(addr.port(), Some(addr.ip()), &before),
            _ => None,
        },
        before,
        accepted,
        has_ended: ended,
    });
    Attempt {
        addr,
        location,
        took: Some(took),
        outcome,
        here,
    }
}

/// Whether both ends are one socket. If no program listens on a port, the system may choose that port for the client,
/// and the client connects to itself.
fn is_connected_to_itself(stream: &TcpStream) -> bool {
    let ends = (stream.local_addr(), stream.peer_addr());
    matches!(ends, (Ok(own), Ok(peer)) if own == peer)
}

fn of_error(error: &io::Error) -> Outcome {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => Outcome::Refused,
        io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => Outcome::TimedOut,
        io::ErrorKind::NetworkUnreachable | io::ErrorKind::HostUnreachable => Outcome::Unreachable,
        io::ErrorKind::AddrNotAvailable => Outcome::NoOwnPort,
        _ => Outcome::Failed(Text::system(error)),
    }
}

/// Waits for the server's first bytes.
fn first_of(mut stream: &TcpStream) -> First {
    let mut words = vec![0; MOST_WORDS];
    if stream.set_read_timeout(Some(MOMENT)).is_err() {
        return First::Silence;
    }
    match uninterrupted(|| stream.read(&mut words)) {
        Ok(0) => First::Closed,
        Ok(length) => {
            words.truncate(length);
            First::Words(words)
        }
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => First::Silence,
        Err(_) => First::Reset,
    }
}

/// Waits until a process owns the server's end, as after `accept`. `None` if that can't be seen.
fn wait_for_accept(stream: &TcpStream, until: Instant) -> Option<bool> {
    let (own, peer) = (stream.local_addr().ok()?, stream.peer_addr().ok()?);
    let (own, peer) = (canonical(own), canonical(peer));
    loop {
        let all = sockets().ok()?;
        let mut ends = all.iter();
        let server = ends.find(|it| canonical(it.local) == peer && canonical(it.remote) == own)?;
        let is_made = match server.state {
            State::Established => true,
            // The handshake may end a moment later. With TCP_DEFER_ACCEPT, the kernel waits for the first byte.
            State::SynRecv | State::NewSynRecv => false,
            // The program has accepted the connection and closed it.
            _ => return None,
        };
        if is_made && server.inode != 0 {
            return Some(true);
        }
        if Instant::now() >= until {
            return is_made.then_some(false);
        }
        thread::sleep(LOOK_AGAIN);
    }
}

/// Whether the listener is closed after the connection from `own` was closed: the program serves one client and exits,
/// or an empty read ends it. `None` if no listener was known.
fn has_ended(
    addr: SocketAddr,
    own: SocketAddr,
    before: &Snapshot,
    timeout: Duration,
) -> Option<bool> {
    before.listener_for(reached(addr))?;
    let earlier = listening_inodes(&before.sockets, addr.port());
    // The program has handled the close when its end of the connection is closed too.
    let is_open = |it: &Socket| {
        let is_this = it.local.port() == addr.port() && canonical(it.remote) == canonical(own);
        is_this && matches!(it.state, State::Established | State::CloseWait)
    };
    let until = Instant::now() + timeout;
    while sockets_at(addr.port()).ok()?.iter().any(is_open) && Instant::now() < until {
        thread::sleep(LOOK_AGAIN);
    }
    // A program takes a moment to exit.
    let until = Instant::now() + MOMENT;
    loop {
        let now = listening_inodes(&sockets_at(addr.port()).ok()?, addr.port());
        if earlier.is_disjoint(&now) {
            return Some(true);
        }
        if Instant::now() >= until {
            return Some(false);
        }
        thread::sleep(LOOK_AGAIN);
    }
}

/// The inodes of the listening sockets at `port`. A socket that is opened again has a new inode.
fn listening_inodes(sockets: &[Socket], port: u16) -> HashSet<u64> {
    let listening = |it: &&Socket| it.state == State::Listen && it.local.port() == port;
    sockets
        .iter()
        .filter(listening)
        .map(|it| it.inode)
        .collect()
}

/// A server that sends first sends at once, and few networks take longer than this.
const MOMENT: Duration = Duration::from_millis(500);
/// The first line of most greetings is shorter.
const MOST_WORDS: usize = 256;
