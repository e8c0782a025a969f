//! What happens on the way to an address, as far as it gets. Nothing is sent.

use std::{
    io::{self, Read},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream, ToSocketAddrs},
    sync::mpsc::{self, RecvTimeoutError},
    thread,
    time::{Duration, Instant},
};

use portlab_sys::{
    interfaces::{Network, networks},
    sockets::{State, sockets},
};

use super::target::Target;
use crate::ports::listeners::{Listener, Snapshot};

/// All that happened.
#[derive(Debug)]
pub(super) struct Reach {
    pub(super) target: Target,
    /// How long each step could take.
    pub(super) patience: Duration,
    pub(super) name: Name,
    /// One for each address, up to the first that was reached.
    pub(super) attempts: Vec<Attempt>,
}

/// What became of the host's name.
#[derive(Debug)]
pub(super) enum Name {
    /// It is an address already.
    Literal,
    Found {
        /// IPv4 first, as a name is often known where no IPv6 server listens.
        addrs: Vec<IpAddr>,
        took: Duration,
    },
    Unknown {
        error: String,
        took: Duration,
    },
    /// Nobody has answered in time.
    Unanswered,
}

/// A try to connect to one address.
#[derive(Debug)]
pub(super) struct Attempt {
    pub(super) addr: SocketAddr,
    pub(super) place: Place,
    pub(super) took: Duration,
    pub(super) outcome: Outcome,
    /// What this machine knows of it, when the address is its own.
    pub(super) here: Option<Here>,
}

/// Where an address is, seen from this machine; with the interface that tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Loopback,
    Own(String),
    SameNetwork(String),
    Elsewhere,
}

#[derive(Debug)]
pub(super) enum Outcome {
    Connected(First),
    Refused,
    TimedOut,
    Unreachable,
    /// There is no port left to connect from, or it is no address to connect to.
    NoOwnPort,
    Failed(String),
}

/// What came from the server before anything was said to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum First {
    Words(Vec<u8>),
    Silence,
    Closed,
    Reset,
}

/// What this machine knows of a port of its own.
#[derive(Debug)]
pub(super) struct Here {
    /// The sockets before the try.
    pub(super) before: Snapshot,
    /// How many connections waited to be accepted afterwards.
    pub(super) queue: Option<u32>,
    /// Whether the program has accepted the connection; `None` when there is none, or it can't be told.
    pub(super) accepted: Option<bool>,
}

impl Attempt {
    /// Who listens where the address leads, if it is this machine's.
    pub(super) fn heard(&self) -> Option<&Listener> {
        self.here.as_ref()?.before.heard_at(reached(self.addr))
    }

    /// Whether a program has taken the connection, as far as one can tell.
    pub(super) fn is_reached(&self) -> bool {
        let taken = self.here.as_ref().and_then(|here| here.accepted);
        matches!(self.outcome, Outcome::Connected(_)) && taken != Some(false)
    }
}

impl Reach {
    pub(super) fn is_reached(&self) -> bool {
        self.attempts.iter().any(Attempt::is_reached)
    }
}

/// Goes the way to `target`, with at most `patience` for each step.
pub(super) fn reach(target: Target, patience: Duration) -> Reach {
    let name = look_up(&target, patience);
    let addrs = match &name {
        Name::Literal => target.host.parse().into_iter().collect(),
        Name::Found { addrs, .. } => addrs.clone(),
        Name::Unknown { .. } | Name::Unanswered => Vec::new(),
    };
    // Without its own addresses, all but loopback are elsewhere.
    let networks = networks().unwrap_or_default();
    let mut attempts = Vec::new();
    for addr in addrs.into_iter().map(|ip| SocketAddr::new(ip, target.port)) {
        let attempt = attempt(addr, &networks, patience);
        let reached = attempt.is_reached();
        attempts.push(attempt);
        if reached {
            break;
        }
    }
    Reach {
        target,
        patience,
        name,
        attempts,
    }
}

fn look_up(target: &Target, patience: Duration) -> Name {
    if target.host.parse::<IpAddr>().is_ok() {
        return Name::Literal;
    }
    let began = Instant::now();
    let (sender, answer) = mpsc::channel();
    let host = target.host.clone();
    // The system asks for as long as it likes, and can't be interrupted: the thread is left behind.
    thread::spawn(move || {
        let found = (host.as_str(), 0).to_socket_addrs();
        let _ = sender.send(found.map(|addrs| addrs.map(|addr| addr.ip()).collect::<Vec<_>>()));
    });
    let answer = answer.recv_timeout(patience);
    let took = began.elapsed();
    match answer {
        Ok(Ok(mut addrs)) => {
            addrs.sort_by_key(IpAddr::is_ipv6);
            Name::Found { addrs, took }
        }
        Ok(Err(error)) => Name::Unknown {
            error: error.to_string(),
            took,
        },
        Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => Name::Unanswered,
    }
}

fn attempt(addr: SocketAddr, networks: &[Network], patience: Duration) -> Attempt {
    let place = place(addr.ip(), networks);
    let here = matches!(place, Place::Loopback | Place::Own(_));
    let before = here.then(|| Snapshot::take().ok()).flatten();
    let began = Instant::now();
    let connected = TcpStream::connect_timeout(&addr, patience);
    let took = began.elapsed();
    let mut accepted = None;
    let outcome = match connected {
        Ok(stream) if meets_itself(&stream) => Outcome::Refused,
        Ok(stream) => {
            if here {
                accepted = wait_for_accept(&stream, began + patience);
            }
            let first = match accepted {
                // Who hasn't accepted can't speak.
                Some(false) => First::Silence,
                _ => listen(&stream, MOMENT),
            };
            if let (true, First::Words(_) | First::Closed) = (here, &first) {
                // Somebody has done that.
                accepted = Some(true);
            }
            Outcome::Connected(first)
        }
        Err(error) => of_error(&error),
    };
    // Read while the connection is still there, or at once after it has failed.
    let here = before.map(|before| Here {
        queue: queue_at(addr),
        before,
        accepted,
    });
    Attempt {
        addr,
        place,
        took,
        outcome,
        here,
    }
}

/// Where `ip` is, to a machine in `networks`.
fn place(ip: IpAddr, networks: &[Network]) -> Place {
    let ip = ip.to_canonical();
    if ip.is_loopback() || ip.is_unspecified() {
        return Place::Loopback;
    }
    if let Some(own) = networks.iter().find(|it| it.addr == ip) {
        return Place::Own(own.interface.clone());
    }
    match networks.iter().find(|it| it.contains(ip)) {
        Some(near) => Place::SameNetwork(near.interface.clone()),
        None => Place::Elsewhere,
    }
}

/// A port that nobody listens on may be the very one that is given to who connects to it; then the
/// connection has one end.
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

/// Looks whether the server's end has become somebody's, which `accept` makes it.
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
            // It has been closed meanwhile, by whoever had it.
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

fn queue_at(addr: SocketAddr) -> Option<u32> {
    let after = Snapshot::take().ok()?;
    after.heard_at(reached(addr)).map(|listener| listener.queue)
}

/// Where a connection to `addr` arrives: who writes 0.0.0.0 or [::] is sent to loopback.
///
/// Source: `ip(7)`, INADDR_ANY.
fn reached(addr: SocketAddr) -> SocketAddr {
    let ip = match addr.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, addr.port())
}

fn canonical(addr: SocketAddr) -> SocketAddr {
    SocketAddr::new(addr.ip().to_canonical(), addr.port())
}

/// Who speaks first does it at once, and few networks take longer than this.
const MOMENT: Duration = Duration::from_millis(500);
const LOOK_AGAIN: Duration = Duration::from_millis(20);
/// The first line of most greetings.
const MOST_WORDS: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_of_an_address_is_told_by_the_networks() {
        let network = |interface: &str, addr: &str, mask: &str| Network {
            interface: interface.to_owned(),
            addr: addr.parse().unwrap(),
            mask: mask.parse().unwrap(),
        };
        let networks = [
            network("lo", "127.0.0.1", "255.0.0.0"),
            network("eth0", "192.0.2.2", "255.255.255.0"),
            network("eth0", "fd00::2", "ffff:ffff:ffff:ffff::"),
        ];
        let eth0 = || "eth0".to_owned();
        for (ip, expected) in [
            ("127.0.0.9", Place::Loopback),
            ("::1", Place::Loopback),
            ("0.0.0.0", Place::Loopback),
            ("::ffff:127.0.0.1", Place::Loopback),
            ("192.0.2.2", Place::Own(eth0())),
            ("192.0.2.9", Place::SameNetwork(eth0())),
            ("fd00::9", Place::SameNetwork(eth0())),
            ("198.51.100.1", Place::Elsewhere),
        ] {
            assert_eq!(place(ip.parse().unwrap(), &networks), expected, "{ip}");
        }
    }
}
