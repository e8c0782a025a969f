//! What happens on the way to an address, as far as it gets. Nothing is sent, and no connection is made where the
//! kernel's list of sockets tells as much.

mod call;
mod watch;

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::mpsc::{self, RecvTimeoutError},
    thread,
    time::{Duration, Instant},
};

use portlab_sys::interfaces::{Network, networks};
use portlab_words::Text;

use crate::{
    address::Address,
    leftovers::Leftovers,
    listeners::{Listener, Snapshot},
};

/// How an address is examined.
#[derive(Clone, Copy, Debug)]
pub struct Way {
    /// How long each step may take.
    pub patience: Duration,
    /// Whether a connection is made where the kernel's list of sockets would do.
    pub connects: bool,
}

/// All that happened.
#[derive(Debug)]
pub struct Reach {
    pub(super) target: Address,
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
        addrs: Vec<SocketAddr>,
        took: Duration,
    },
    Unknown {
        error: String,
        took: Duration,
    },
    /// The name service has not answered in time.
    Unanswered,
}

/// A try to connect to one address.
#[derive(Debug)]
pub(super) struct Attempt {
    pub(super) addr: SocketAddr,
    pub(super) location: Location,
    /// How long it took to connect; `None` when that wasn't tried.
    pub(super) took: Option<Duration>,
    pub(super) outcome: Outcome,
    /// What this machine knows of it, when the address is its own.
    pub(super) here: Option<Here>,
}

/// Where an address is, seen from this machine; with the interface that tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Location {
    Loopback,
    Own(String),
    SameNetwork(String),
    Elsewhere,
}

#[derive(Clone, Debug)]
pub(super) enum Outcome {
    /// The kernel's list of sockets tells that a program listens there. Nothing was connected.
    Listens,
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
    /// Whether the program has accepted the connection, or one of those that waited; `None` when there was
    /// none, or it can't be told.
    pub(super) accepted: Option<bool>,
    /// Whether the program was gone after the connection was closed; `None` when that can't be told.
    pub(super) has_ended: Option<bool>,
    /// What keeps the port from being bound, though no program listens on it.
    pub(super) leftovers: Option<Leftovers>,
}

impl Attempt {
    /// The listener that the address leads to, if it is this machine's.
    pub(super) fn heard(&self) -> Option<&Listener> {
        self.here.as_ref()?.before.heard_at(reached(self.addr))
    }

    /// Whether a program has taken the connection, or would take one, as far as one can tell.
    pub(super) fn is_reached(&self) -> bool {
        let taken = self.here.as_ref().and_then(|here| here.accepted);
        matches!(self.outcome, Outcome::Connected(_) | Outcome::Listens) && taken != Some(false)
    }

    /// Whether the program ended when the connection was closed.
    pub(super) fn has_ended(&self) -> bool {
        self.here.as_ref().and_then(|here| here.has_ended) == Some(true)
    }
}

impl Reach {
    /// Goes the way to `target`, as far as it gets.
    ///
    /// # Errors
    /// If the zone of `target` is no interface of this machine.
    pub fn go(target: Address, way: Way) -> Result<Self, Text> {
        let literal = target.literal()?;
        let name = match literal {
            Some(_) => Name::Literal,
            None => look_up(&target, way.patience),
        };
        let addrs = match &name {
            Name::Literal => literal.into_iter().collect(),
            Name::Found { addrs, .. } => addrs.clone(),
            Name::Unknown { .. } | Name::Unanswered => Vec::new(),
        };
        // If the system doesn't list its networks, every address but loopback counts as elsewhere.
        let networks = networks().unwrap_or_default();
        let mut attempts = Vec::new();
        for addr in addrs {
            let attempt = attempt(addr, &networks, way);
            let reached = attempt.is_reached();
            attempts.push(attempt);
            if reached {
                break;
            }
        }
        Ok(Self {
            target,
            patience: way.patience,
            name,
            attempts,
        })
    }

    pub(super) fn is_reached(&self) -> bool {
        self.attempts.iter().any(Attempt::is_reached)
    }

    /// Whether a program is there, takes connections, and was not harmed.
    pub(super) fn is_well(&self) -> bool {
        self.is_reached() && !self.attempts.iter().any(Attempt::has_ended)
    }
}

fn look_up(target: &Address, patience: Duration) -> Name {
    let began = Instant::now();
    let (sender, answer) = mpsc::channel();
    let target = target.clone();
    // The system asks for as long as it likes, and can't be interrupted: the thread is left behind.
    thread::spawn(move || {
        let _ = sender.send(target.look_up());
    });
    let answer = answer.recv_timeout(patience);
    let took = began.elapsed();
    match answer {
        Ok(Ok(addrs)) => Name::Found { addrs, took },
        Ok(Err(error)) => Name::Unknown {
            error: error.to_string(),
            took,
        },
        Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => Name::Unanswered,
    }
}

fn attempt(addr: SocketAddr, networks: &[Network], way: Way) -> Attempt {
    let location = location(addr.ip(), networks);
    let here = matches!(location, Location::Loopback | Location::Own(_));
    let before = here.then(|| Snapshot::take().ok()).flatten();
    match before {
        // The kernel's list tells what an empty connection would, and ends no server.
        Some(before) if !way.connects && before.heard_at(reached(addr)).is_some() => {
            watch::watch(addr, location, before, way.patience)
        }
        before => call::call(addr, location, before, way.patience),
    }
}

/// Where `ip` is, to a machine in `networks`.
fn location(ip: IpAddr, networks: &[Network]) -> Location {
    let ip = ip.to_canonical();
    if ip.is_loopback() || ip.is_unspecified() {
        return Location::Loopback;
    }
    if let Some(own) = networks.iter().find(|it| it.addr == ip) {
        return Location::Own(own.interface.clone());
    }
    match networks.iter().find(|it| it.contains(ip)) {
        Some(near) => Location::SameNetwork(near.interface.clone()),
        None => Location::Elsewhere,
    }
}

/// Where a connection to `addr` arrives: 0.0.0.0 and `[::]` mean loopback. An IPv4 address in
/// IPv6's form is IPv4's.
///
/// Source: `ip(7)`, INADDR_ANY.
pub(super) fn reached(addr: SocketAddr) -> SocketAddr {
    let ip = match addr.ip().to_canonical() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, addr.port())
}

fn canonical(addr: SocketAddr) -> SocketAddr {
    SocketAddr::new(addr.ip().to_canonical(), addr.port())
}

/// How many connections wait to be accepted at `addr`.
fn queue_at(addr: SocketAddr) -> Option<u32> {
    let after = Snapshot::take().ok()?;
    after
        .heard_at(reached(addr))
        .map(|listener| listener.figures.waiting)
}

const LOOK_AGAIN: Duration = Duration::from_millis(20);

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
            ("127.0.0.9", Location::Loopback),
            ("::1", Location::Loopback),
            ("0.0.0.0", Location::Loopback),
            ("::ffff:127.0.0.1", Location::Loopback),
            ("192.0.2.2", Location::Own(eth0())),
            ("192.0.2.9", Location::SameNetwork(eth0())),
            ("fd00::9", Location::SameNetwork(eth0())),
            ("198.51.100.1", Location::Elsewhere),
        ] {
            assert_eq!(location(ip.parse().unwrap(), &networks), expected, "{ip}");
        }
    }
}
