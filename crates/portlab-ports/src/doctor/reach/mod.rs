//! What happens on the way to an address: the name, each address, the connection. No byte is sent, and no connection is
//! made if the kernel's list of sockets shows the listener.

mod connect;
mod watch;

use std::{
    net::{IpAddr, SocketAddr},
    sync::mpsc::{self, RecvTimeoutError},
    thread,
    time::{Duration, Instant},
};

use portlab_sys::{
    interfaces::{Network, networks},
    listening::reached,
};
use portlab_words::Text;

use crate::{address::Address, leftovers::Leftovers, listeners::Listener, snapshot::Snapshot};

/// How an address is examined.
#[derive(Clone, Copy, Debug)]
pub struct Way {
    /// How long each step may take.
    pub timeout: Duration,
    /// Whether a connection is made even if the kernel's list of sockets shows the listener.
    pub connects: bool,
}

/// What happened on the way to an address.
#[derive(Debug)]
pub struct Reach {
    pub(super) target: Address,
    /// How long each step was allowed to take.
    pub(super) timeout: Duration,
    pub(super) name: Name,
    /// One for each address of the host, up to the first that was reached.
    pub(super) attempts: Vec<Attempt>,
}

/// The result of looking up the host's name.
#[derive(Debug)]
pub(super) enum Name {
    /// The host is an IP address.
    Literal,
    Found {
        /// IPv4 first.
        addrs: Vec<SocketAddr>,
        took: Duration,
    },
    Unknown {
        error: String,
        took: Duration,
    },
    /// The name service didn't answer within the timeout.
    Unanswered,
}

/// A try to connect to one address.
#[derive(Debug)]
pub(super) struct Attempt {
    pub(super) addr: SocketAddr,
    pub(super) location: Location,
    /// How long it took to connect; `None` if no connection was tried.
    pub(super) took: Option<Duration>,
    pub(super) outcome: Outcome,
    /// What this machine shows of the port, if the address is its own.
    pub(super) here: Option<Here>,
}

/// Where an address is, seen from this machine, with the interface of that network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Location {
    Loopback,
    Own(String),
    SameNetwork(String),
    Elsewhere,
}

#[derive(Clone, Debug)]
pub(super) enum Outcome {
    /// The kernel's list of sockets shows a listener. No connection was made.
    Listens,
    Connected(First),
    Refused,
    TimedOut,
    Unreachable,
    /// No local port is left to connect from, or the address can't be connected to.
    NoOwnPort,
    Failed(Text),
}

/// What the server did first. The client sends nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum First {
    Words(Vec<u8>),
    Silence,
    Closed,
    Reset,
}

/// What this machine shows of one of its own ports.
#[derive(Debug)]
pub(super) struct Here {
    /// The sockets before the attempt.
    pub(super) before: Snapshot,
    /// How many connections waited to be accepted afterwards.
    pub(super) queue: Option<u32>,
    /// Whether the program has accepted the connection, or one of the waiting connections; `None` if there was no such
    /// connection, or the list of sockets doesn't show it.
    pub(super) accepted: Option<bool>,
    /// Whether the program ended after the connection was closed; `None` if that can't be seen.
    pub(super) has_ended: Option<bool>,
    /// Connections that keep the port from being bound, though no program listens on it.
    pub(super) leftovers: Option<Leftovers>,
}

impl Attempt {
    /// The listener that a connection to the address reaches, if the address is this machine's own.
    pub(super) fn listener(&self) -> Option<&Listener> {
        self.here.as_ref()?.before.listener_for(reached(self.addr))
    }

    /// Whether a program listens, and nothing shows that the program doesn't accept.
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
    /// Looks `target` up and tries its addresses, until one is reached.
    ///
    /// # Errors
    /// If the zone of `target` isn't an interface of this machine.
    pub fn go(target: Address, way: Way) -> Result<Self, Text> {
        let literal = target.literal()?;
        let name = match literal {
            Some(_) => Name::Literal,
            None => look_up(&target, way.timeout),
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
            timeout: way.timeout,
            name,
            attempts,
        })
    }

    pub(super) fn is_reached(&self) -> bool {
        self.attempts.iter().any(Attempt::is_reached)
    }

    /// Whether the target was reached, and no program ended because of the connection.
    pub(super) fn is_well(&self) -> bool {
        self.is_reached() && !self.attempts.iter().any(Attempt::has_ended)
    }
}

fn look_up(target: &Address, timeout: Duration) -> Name {
    let began = Instant::now();
    let (sender, answer) = mpsc::channel();
    let target = target.clone();
    // A look-up has no timeout and can't be interrupted: after the timeout, the thread runs on until the look-up ends.
    thread::spawn(move || {
        let _ = sender.send(target.look_up());
    });
    let answer = answer.recv_timeout(timeout);
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
        // The kernel's list shows as much as an empty connection would, and doesn't disturb the server.
        Some(before) if !way.connects && before.listener_for(reached(addr)).is_some() => {
            watch::watch(addr, location, before, way.timeout)
        }
        before => connect::connect(addr, location, before, way.timeout),
    }
}

/// Where `ip` is, seen from a machine with `networks`.
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

fn canonical(addr: SocketAddr) -> SocketAddr {
    SocketAddr::new(addr.ip().to_canonical(), addr.port())
}

/// How many connections wait to be accepted at `addr`.
fn queue_at(addr: SocketAddr) -> Option<u32> {
    let after = Snapshot::take().ok()?;
    after
        .listener_for(reached(addr))
        .map(|listener| listener.figures.waiting)
}

const LOOK_AGAIN: Duration = Duration::from_millis(20);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_networks_show_where_an_address_is() {
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
