//! The programs that listen on this machine: the kernel's list of sockets, grouped by port.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fmt,
    net::{IpAddr, SocketAddr},
};

use portlab_sys::{
    listening::{Listening, nearness},
    sockets::{Holder, Socket, State},
};
use portlab_words::Text;

/// The sockets of one port that are listed as one entry: all sockets of an address, and the sockets of the same programs
/// at other addresses.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Group<F> {
    pub(crate) port: u16,
    pub(crate) addrs: Vec<IpAddr>,
    /// By process number; empty if they can't be seen.
    pub(crate) programs: Vec<Program>,
    /// The figures of all these sockets together.
    pub(crate) figures: F,
}

/// The listening sockets of TCP.
pub(crate) type Listener = Group<Queue>;

/// The figures of listening sockets.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Queue {
    /// Connections that are open in both directions, those in the queue included.
    pub(crate) established: usize,
    /// Connections that wait to be accepted.
    pub(crate) waiting: u32,
    /// How many connections can wait; `None` if the kernel doesn't report it.
    pub(crate) room: Option<u32>,
    /// Whether the socket at `::` receives no IPv4 connections.
    pub(crate) is_v6_only: bool,
}

/// The processes of one name that hold a socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Program {
    pub(crate) name: String,
    /// At least one, in ascending order.
    pub(crate) pids: Vec<i32>,
}

impl Listener {
    /// Whether the listener receives connections to `ip`, unless a listener of that very address takes them.
    pub(crate) fn receives(&self, ip: IpAddr) -> bool {
        self.nearness(ip).is_some()
    }

    /// Whether the accept queue is full. The kernel ignores further connections then.
    pub(crate) fn is_full(&self) -> bool {
        self.figures
            .room
            .is_some_and(|room| self.figures.waiting >= room)
    }

    /// How specifically the listener's addresses match `ip`; the smallest number is the best match, and `None` is no match.
    pub(crate) fn nearness(&self, ip: IpAddr) -> Option<u8> {
        let own = self.addrs.iter();
        own.filter_map(|&own| nearness(own, ip.to_canonical(), self.figures.is_v6_only))
            .min()
    }
}

impl<F> Group<F> {
    /// The addresses, each written with the port.
    pub(crate) fn addresses(&self) -> Text {
        let addrs = self.addrs.iter().map(|&ip| SocketAddr::new(ip, self.port));
        Text::join(addrs, ", ", "、")
    }
}

/// Writes `python3 (pid 4711)`, or `python3 (pid 4711 +3)` for the first of four processes.
impl fmt::Display for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let more = self.pids.len().saturating_sub(1);
        write!(f, "{} (pid {}", self.name, self.pids[0])?;
        if more > 0 {
            write!(f, " +{more}")?;
        }
        f.write_str(")")
    }
}

/// Groups the listening sockets, and counts the connections of each group.
pub(crate) fn listeners(
    sockets: &[Socket],
    holders: &HashMap<u64, Vec<Holder>>,
    details: &HashMap<u64, Listening>,
) -> Vec<Listener> {
    let listening = sockets.iter().filter(|it| it.state == State::Listen);
    let listening = listening.map(|it| {
        let detail = details.get(&it.inode);
        let queue = Queue {
            established: 0,
            waiting: it.unread,
            room: detail.map(Listening::room),
            is_v6_only: detail.is_some_and(|it| it.is_v6_only),
        };
        (it.local, it.inode, queue)
    });
    let mut listeners = grouped(listening, holders, |all, queue: Queue| {
        all.waiting += queue.waiting;
        all.room = sum(all.room, queue.room);
        all.is_v6_only |= queue.is_v6_only;
    });
    for socket in sockets.iter().filter(|it| it.state == State::Established) {
        let of_port = listeners.iter_mut();
        let of_port = of_port.filter(|it| it.port == socket.local.port());
        let matching = of_port.filter_map(|it| Some((it.nearness(socket.local.ip())?, it)));
        if let Some((_, listener)) = matching.min_by_key(|(nearness, _)| *nearness) {
            listener.figures.established += 1;
        }
    }
    listeners
}

/// Groups sockets by port and by the programs that hold them. Each socket is given as address, inode and figures; `add`
/// adds the figures of a socket to the figures of its group.
pub(crate) fn grouped<F: Default>(
    sockets: impl Iterator<Item = (SocketAddr, u64, F)>,
    holders: &HashMap<u64, Vec<Holder>>,
    add: impl Fn(&mut F, F),
) -> Vec<Group<F>> {
    let mut by_addr = BTreeMap::<(u16, IpAddr), (BTreeSet<(i32, String)>, F)>::new();
    for (local, inode, figures) in sockets {
        let key = (local.port(), local.ip().to_canonical());
        let (held, all) = by_addr.entry(key).or_default();
        let holding = holders.get(&inode).into_iter().flatten();
        held.extend(holding.map(|it| (it.pid, it.name.clone())));
        add(all, figures);
    }
    let mut groups: Vec<Group<F>> = Vec::new();
    for ((port, ip), (held, figures)) in by_addr {
        let programs = programs(&held);
        let same = |it: &&mut Group<F>| it.port == port && it.programs == programs;
        match groups.iter_mut().find(same) {
            Some(group) => {
                group.addrs.push(ip);
                add(&mut group.figures, figures);
            }
            None => groups.push(Group {
                port,
                addrs: vec![ip],
                programs,
                figures,
            }),
        }
    }
    groups
}

/// The sum of two figures. An unknown figure counts as 0, but two unknown figures give an unknown sum.
fn sum(one: Option<u32>, other: Option<u32>) -> Option<u32> {
    one.into_iter().chain(other).reduce(u32::saturating_add)
}

/// Groups processes, given in ascending order of their numbers, by name.
pub(crate) fn programs(holders: &BTreeSet<(i32, String)>) -> Vec<Program> {
    let mut programs: Vec<Program> = Vec::new();
    for (pid, name) in holders {
        match programs.iter_mut().find(|program| program.name == *name) {
            Some(program) => program.pids.push(*pid),
            None => programs.push(Program {
                name: name.clone(),
                pids: vec![*pid],
            }),
        }
    }
    programs
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A socket as the kernel lists it. A listening socket is given with an empty `remote`.
    pub(crate) fn socket(local: &str, remote: &str, state: State, inode: u64) -> Socket {
        let no_addr = || SocketAddr::from(([0, 0, 0, 0], 0));
        Socket {
            local: local.parse().unwrap(),
            remote: remote.parse().unwrap_or_else(|_| no_addr()),
            state,
            unread: 0,
            unsent: 0,
            inode,
            time_left: None,
        }
    }

    pub(crate) fn holders(of: &[(u64, &str, i32)]) -> HashMap<u64, Vec<Holder>> {
        let mut holders = HashMap::<_, Vec<Holder>>::new();
        for &(inode, name, pid) in of {
            let name = name.to_owned();
            holders.entry(inode).or_default().push(Holder { name, pid });
        }
        holders
    }

    /// The listeners among `sockets`. `held` has the inode, name and number of each holder, `details` the inode, backlog
    /// and `IPV6_V6ONLY` of each listening socket.
    pub(crate) fn found(
        sockets: &[Socket],
        held: &[(u64, &str, i32)],
        details: &[(u64, u32, bool)],
    ) -> Vec<Listener> {
        let details = details.iter().map(|&(inode, backlog, is_v6_only)| {
            let detail = Listening {
                local: SocketAddr::from(([0; 4], 0)),
                backlog,
                is_v6_only,
            };
            (inode, detail)
        });
        listeners(sockets, &holders(held), &details.collect())
    }

    #[test]
    fn connections_are_counted_at_the_listener_that_matches_their_address_best() {
        let mut waiting = socket("127.0.0.1:80", "", State::Listen, 1);
        waiting.unread = 3;
        let sockets = [
            waiting,
            socket("0.0.0.0:80", "", State::Listen, 2),
            socket("[::]:80", "", State::Listen, 2),
            socket("127.0.0.1:80", "127.0.0.1:40000", State::Established, 9),
            socket("192.0.2.2:80", "192.0.2.9:40000", State::Established, 9),
            socket(
                "[::ffff:192.0.2.2]:80",
                "192.0.2.9:40001",
                State::Established,
                9,
            ),
            socket("127.0.0.1:80", "127.0.0.1:40001", State::TimeWait, 0),
            // A client's socket, and a connection to a port without a listener.
            socket("127.0.0.1:40000", "127.0.0.1:80", State::Established, 9),
            socket("127.0.0.1:81", "127.0.0.1:40002", State::Established, 9),
        ];
        let found = found(&sockets, &[(1, "a", 10), (2, "b", 11)], &[]);
        let told = found.iter().map(|it| {
            let (at, figures) = (it.addresses().en, &it.figures);
            (at, figures.established, figures.waiting)
        });
        let all = ("0.0.0.0:80, [::]:80".into(), 2, 0);
        assert!(told.eq([all, ("127.0.0.1:80".into(), 1, 3)]), "{found:?}");
    }

    #[test]
    fn processes_that_share_a_port_are_one_entry() {
        // At port 80, three processes have inherited one socket, as in pre-forking; at port 81, each process has a socket
        // of its own, as with SO_REUSEPORT.
        let sockets = [
            socket("127.0.0.1:80", "", State::Listen, 1),
            socket("127.0.0.1:81", "", State::Listen, 2),
            socket("127.0.0.1:81", "", State::Listen, 3),
            socket("127.0.0.1:82", "", State::Listen, 4),
        ];
        let held = [
            (1, "fork", 12),
            (1, "fork", 10),
            (1, "systemd", 1),
            (2, "b", 20),
            (3, "b", 21),
        ];
        let found = found(&sockets, &held, &[(2, 5, false), (3, 6, false)]);
        let told = |at: usize| Text::join(&found[at].programs, ", ", "、").en;
        assert_eq!(told(0), "systemd (pid 1), fork (pid 10 +1)");
        assert_eq!(told(1), "b (pid 20 +1)");
        assert_eq!(told(2), "", "another user's");
        let room: Vec<_> = found.iter().map(|it| it.figures.room).collect();
        assert_eq!(room, [None, Some(13), None]);
    }

    #[test]
    fn a_listener_receives_connections_to_its_own_address_or_to_all_addresses() {
        for (own, ip, is_v6_only, receives) in [
            ("127.0.0.1", "127.0.0.1", false, true),
            ("127.0.0.1", "192.0.2.2", false, false),
            ("0.0.0.0", "192.0.2.2", false, true),
            ("0.0.0.0", "::1", false, false),
            ("::", "::1", false, true),
            ("::", "127.0.0.1", false, true),
            ("::", "::1", true, true),
            ("::", "127.0.0.1", true, false),
            ("::1", "127.0.0.1", false, false),
            // IPv4-mapped IPv6 addresses.
            ("127.0.0.1", "::ffff:127.0.0.1", false, true),
            ("0.0.0.0", "::ffff:127.0.0.1", false, true),
            ("::", "::ffff:127.0.0.1", true, false),
        ] {
            let mut listening = socket("127.0.0.1:80", "", State::Listen, 1);
            listening.local = SocketAddr::new(own.parse().unwrap(), 80);
            let found = found(&[listening], &[], &[(1, 5, is_v6_only)]);
            assert_eq!(
                found[0].receives(ip.parse().unwrap()),
                receives,
                "{own} {ip}"
            );
        }
    }
}
