//! The ports that the system hands out: how many are in use, and between which addresses most of them.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    net::{IpAddr, SocketAddr},
    ops::RangeInclusive,
};

use portlab_sys::{
    ports,
    sockets::{Socket, State},
};

/// The ports that the system hands out, as it is configured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Range {
    pub(crate) ports: RangeInclusive<u16>,
    /// Ports of the range that the system doesn't hand out.
    pub(crate) reserved: Vec<RangeInclusive<u16>>,
}

/// The ports of a range that are in use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Usage {
    /// Local ports of sockets, also of connections in TIME-WAIT.
    pub(crate) in_use: usize,
    /// The source and destination whose connections use the most ports.
    pub(crate) crowded: Option<Crowded>,
}

/// A source and a destination, and how many ports the connections between them use. Each pair may use the whole range.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Crowded {
    pub(crate) source: IpAddr,
    pub(crate) destination: SocketAddr,
    pub(crate) ports: usize,
}

impl Range {
    /// The range of this machine; `None` if the system doesn't report it.
    pub(crate) fn of_this_machine() -> Option<Self> {
        Some(Self {
            ports: ports::handed_out()?,
            reserved: ports::reserved(),
        })
    }

    /// Whether `port` may be handed out.
    pub(crate) fn contains(&self, port: u16) -> bool {
        let mut reserved = self.reserved.iter();
        self.ports.contains(&port) && !reserved.any(|it| it.contains(&port))
    }

    /// How many ports may be handed out.
    pub(crate) fn count(&self) -> usize {
        self.ports
            .clone()
            .filter(|&port| self.contains(port))
            .count()
    }

    /// The ports of the range that `sockets` use.
    pub(crate) fn usage(&self, sockets: &[Socket]) -> Usage {
        let mut in_use = BTreeSet::new();
        let mut pairs = BTreeMap::<_, BTreeSet<u16>>::new();
        let listening: BTreeSet<u16> = sockets
            .iter()
            .filter(|it| it.state == State::Listen)
            .map(|it| it.local.port())
            .collect();
        for socket in sockets.iter().filter(|it| self.contains(it.local.port())) {
            let port = socket.local.port();
            in_use.insert(port);
            // The accepted connections of a server all use the port of its listener.
            if !listening.contains(&port) {
                let ends = (socket.local.ip(), socket.remote);
                pairs.entry(ends).or_default().insert(port);
            }
        }
        let most = pairs.into_iter().max_by_key(|(_, ports)| ports.len());
        Usage {
            in_use: in_use.len(),
            crowded: most.map(|((source, destination), ports)| Crowded {
                source: source.to_canonical(),
                destination: SocketAddr::new(destination.ip().to_canonical(), destination.port()),
                ports: ports.len(),
            }),
        }
    }
}

/// Writes `32768-60999`.
impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.ports.start(), self.ports.end())
    }
}

/// How many connections are in TIME-WAIT, on any port.
pub(crate) fn time_wait(sockets: &[Socket]) -> usize {
    let waiting = sockets.iter().filter(|it| it.state == State::TimeWait);
    waiting.count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::listeners::tests::socket;

    #[test]
    fn a_port_is_counted_once_and_a_pair_by_its_ports() {
        let range = Range {
            ports: 40_000..=40_009,
            reserved: vec![40_005..=40_005, 50_000..=50_001],
        };
        assert_eq!(range.count(), 9);
        assert!(range.contains(40_000) && range.contains(40_009));
        assert!(!range.contains(40_005) && !range.contains(40_010));
        let sockets = [
            socket("127.0.0.1:40000", "127.0.0.1:80", State::Established, 1),
            socket("127.0.0.1:40001", "127.0.0.1:80", State::TimeWait, 0),
            // The same port, to another destination.
            socket("127.0.0.1:40001", "127.0.0.1:81", State::Established, 2),
            // A listener in the range, with a connection.
            socket("127.0.0.1:40002", "", State::Listen, 3),
            socket("127.0.0.1:40002", "127.0.0.1:9", State::Established, 4),
            // A port outside the range.
            socket("127.0.0.1:80", "127.0.0.1:40000", State::TimeWait, 0),
        ];
        let usage = range.usage(&sockets);
        assert_eq!((usage.in_use, time_wait(&sockets)), (3, 2));
        let crowded = usage.crowded.unwrap();
        assert_eq!(crowded.destination, "127.0.0.1:80".parse().unwrap());
        assert_eq!(crowded.ports, 2);
        assert_eq!(range.usage(&[]).crowded, None);
    }
}
