//! Connecting to an address, and looking afterwards what that has done.

use std::{
    collections::HashSet,
    io::{self, Read},
    net::{SocketAddr, TcpStream},
    thread,
    time::{Duration, Instant},
};

use portlab_sys::sockets::{Socket, State, sockets, sockets_at};

use super::{Attempt, First, Here, LOOK_AGAIN, Location, Outcome, canonical, queue_at, reached};
use crate::{leftovers::Leftovers, listeners::Snapshot};

/// Connects to `addr`, listens for a moment, and hangs up. `before` are the sockets of this machine, if the address is
/// its own.
pub(super) fn call(
    addr: SocketAddr,
    location: Location,
    before: Option<Snapshot>,
    patience: Duration,
) -> Attempt {
    let began = Instant::now();
    let connected = TcpStream::connect_timeout(&addr, patience);
    let took = began.elapsed();
    let (mut accepted, mut ended) = (None, None);
    // Read while the connection is still there, or at once after it has failed.
    let mut queue = None;
    let outcome = match connected {
        Ok(stream) if meets_itself(&stream) => Outcome::Refused,
        Ok(stream) => {
            if before.is_some() {
                accepted = wait_for_accept(&stream, began + patience);
            }
            let first = match accepted {
                // A program that hasn't accepted can't send.
                Some(false) => First::Silence,
                _ => listen(&stream, MOMENT),
            };
            if let (true, First::Words(_) | First::Closed) = (before.is_some(), &first) {
                // Only a program can have done that, so it has accepted.
                accepted = Some(true);
            }
            queue = before.as_ref().and_then(|_| queue_at(addr));
            let own = stream.local_addr();
            drop(stream);
            if let (Some(before), Ok(own), true) = (&before, own, accepted != Some(false)) {
                ended = has_ended(addr, own, before, patience);
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

/// If no program listens on a port, the system may choose that port for the client: then the connection has one end.
fn meets_itself(stream: &TcpStream) -> bool {
    let ends = (stream.local_addr(), stream.peer_addr());
    matches!(ends, (Ok(own), Ok(peer)) if own == peer)
}

fn of_error(error: &io::Error) -> Outcome {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => Outcome::Refused,
        io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => Outcome::TimedOut,
        io::ErrorKind::NetworkUnreachable | io::ErrorKind::HostUnreachable => Outcome::Unreachable,
        io::ErrorKind::AddrNotAvailable => Outcome::NoOwnPort,
        _ => Outcome::Failed(error.to_string()),
    }
}

/// Waits for the server to speak first.
fn listen(mut stream: &TcpStream, moment: Duration) -> First {
    let mut words = vec![0; MOST_WORDS];
    if stream.set_read_timeout(Some(moment)).is_err() {
        return First::Silence;
    }
    match stream.read(&mut words) {
        Ok(0) => First::Closed,
        Ok(length) => {
            words.truncate(length);
            First::Words(words)
        }
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => First::Silence,
        Err(_) => First::Reset,
    }
}

/// Waits until a process owns the server's end, as it does after `accept`.
fn wait_for_accept(stream: &TcpStream, until: Instant) -> Option<bool> {
    let (own, peer) = (stream.local_addr().ok()?, stream.peer_addr().ok()?);
    let (own, peer) = (canonical(own), canonical(peer));
    loop {
        let all = sockets().ok()?;
        let mut ends = all.iter();
        let server = ends.find(|it| canonical(it.local) == peer && canonical(it.remote) == own)?;
        let is_made = match server.state {
            State::Established => true,
            // The last step of the handshake may come a moment later. It may also be that the server
            // wants to be woken by the first byte only (TCP_DEFER_ACCEPT).
            State::SynRecv | State::NewSynRecv => false,
            // The program has accepted and closed it meanwhile.
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

/// Whether the listener has gone now that the connection from `own` is closed: a program that serves one client
/// and exits, or that an empty read ends. `None` when no listener was known.
fn has_ended(
    addr: SocketAddr,
    own: SocketAddr,
    before: &Snapshot,
    patience: Duration,
) -> Option<bool> {
    before.heard_at(reached(addr))?;
    let doors = doors(&before.sockets, addr.port());
    // The program learns of it when it reads, and is done with it when its end is closed.
    let is_open = |it: &Socket| {
        let is_its = it.local.port() == addr.port() && canonical(it.remote) == canonical(own);
        is_its && matches!(it.state, State::Established | State::CloseWait)
    };
    let until = Instant::now() + patience;
    while sockets_at(addr.port()).ok()?.iter().any(is_open) && Instant::now() < until {
        thread::sleep(LOOK_AGAIN);
    }
    // To exit takes a moment more.
    let until = Instant::now() + MOMENT;
    loop {
        let now = self::doors(&sockets_at(addr.port()).ok()?, addr.port());
        if doors.is_disjoint(&now) {
            return Some(true);
        }
        if Instant::now() >= until {
            return Some(false);
        }
        thread::sleep(LOOK_AGAIN);
    }
}

/// The listening sockets at `port`, by their inodes: a socket that was opened again is another one.
fn doors(sockets: &[Socket], port: u16) -> HashSet<u64> {
    let listening = |it: &&Socket| it.state == State::Listen && it.local.port() == port;
    sockets
        .iter()
        .filter(listening)
        .map(|it| it.inode)
        .collect()
}

/// A server that sends first does so at once, and few networks take longer than this.
const MOMENT: Duration = Duration::from_millis(500);
/// The first line of most greetings.
const MOST_WORDS: usize = 256;
