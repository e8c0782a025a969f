//! The programs that listen on this machine: the kernel's list of sockets, grouped by port.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fmt, io,
    net::{IpAddr, SocketAddr},
};

use portlab_sys::{
    holder::Holder,
    listening::{Listening, listening, nearness},
    sockets::{Socket, State, holders, sees_everybody, sockets, udp_sockets},
};
use portlab_words::{Text, tr};

use crate::receivers::{Receiver, receivers};

/// The sockets of this machine at one moment, and the programs that hold them.
#[derive(Debug, Default)]
pub struct Snapshot {
    /// Those of TCP.
    pub(crate) sockets: Vec<Socket>,
    /// By port, and then by address.
    pub(crate) listeners: Vec<Listener>,
    /// The programs that receive UDP, by port, and then by address.
    pub(crate) receivers: Vec<Receiver>,
    /// Which processes hold which sockets, by the sockets' inodes.
    pub(crate) holders: HashMap<u64, Vec<Holder>>,
    /// Whether the programs of other users could be seen.
    pub(crate) sees_everybody: bool,
}

/// The sockets of a port that belong together: those of the same programs at one address or several, and those of all
/// the programs that share an address.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Group<F> {
    pub(crate) port: u16,
    pub(crate) addrs: Vec<IpAddr>,
    /// By process number; none when they can't be seen.
    pub(crate) programs: Vec<Program>,
    /// What is counted, of all these sockets together.
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
    /// The most that can wait; `None` when the kernel doesn't tell.
    pub(crate) room: Option<u32>,
    /// Whether the socket at `::` receives no IPv4 connections.
    pub(crate) is_v6_only: bool,
}

/// The processes of one name among those that listen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Program {
    pub(crate) name: String,
    /// At least one, in order.
    pub(crate) pids: Vec<i32>,
}

impl Snapshot {
    /// Looks at the machine.
    ///
    /// # Errors
    /// When the system doesn't list its sockets.
    pub fn take() -> io::Result<Self> {
        let sockets = sockets()?;
        let holders = holders();
        Ok(Self {
            listeners: listeners(&sockets, &holders, &listening()),
            // A sandbox may have no table of UDP sockets.
            receivers: receivers(&udp_sockets().unwrap_or_default(), &holders),
            sockets,
            holders,
            sees_everybody: sees_everybody(),
        })
    }

    /// The listeners on `port`, at any address.
    pub(crate) fn at(&self, port: u16) -> impl Iterator<Item = &Listener> {
        self.listeners.iter().filter(move |it| it.port == port)
    }

    /// The programs that receive what is sent by UDP to `port`, at whatever address.
    pub(crate) fn receiving_at(&self, port: u16) -> impl Iterator<Item = &Receiver> {
        self.receivers.iter().filter(move |it| it.port == port)
    }

    /// Names the programs; if they can't be seen, says so.
    pub(crate) fn who(&self, programs: &[Program]) -> Text {
        match (programs, self.sees_everybody) {
            ([], false) => Text::new("another user's program", "其他用户的程序"),
            // Root sees all but what isn't in its own container.
            ([], true) => Text::new("an unseen program", "看不到的程序"),
            _ => Text::join(programs, ", ", "、"),
        }
    }

    /// The same as the subject of a sentence: in Chinese, a space follows a name.
    pub(crate) fn subject(&self, programs: &[Program]) -> Text {
        let who = self.who(programs);
        match programs {
            [] => who,
            _ => tr!("{who}", "{who:#} "),
        }
    }

    /// The listener that a connection to `addr` reaches.
    pub(crate) fn heard_at(&self, addr: SocketAddr) -> Option<&Listener> {
        let heard = self.at(addr.port());
        let heard = heard.filter_map(|it| Some((it.nearness(addr.ip())?, it)));
        let nearest = heard.min_by_key(|(far, _)| *far);
        nearest.map(|(_, listener)| listener)
    }
}

impl Listener {
    /// Whether a connection to `ip` comes to these, if no program listens at just that address.
    pub(crate) fn hears(&self, ip: IpAddr) -> bool {
        self.nearness(ip).is_some()
    }

    /// Whether no more connections can wait: the kernel ignores those that come.
    pub(crate) fn is_full(&self) -> bool {
        self.figures
            .room
            .is_some_and(|room| self.figures.waiting >= room)
    }

    fn nearness(&self, ip: IpAddr) -> Option<u8> {
        let own = self.addrs.iter();
        own.filter_map(|&own| nearness(own, ip.to_canonical(), self.figures.is_v6_only))
            .min()
    }
}

impl<F> Group<F> {
    /// The addresses as one writes them with the port.
    pub(crate) fn addresses(&self) -> Text {
        let addrs = self.addrs.iter().map(|&ip| SocketAddr::new(ip, self.port));
        Text::join(addrs, ", ", "、")
    }
}

/// Writes `python3 (pid 4711)`; of many processes the first, and how many more there are.
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
        let told = details.get(&it.inode);
        let queue = Queue {
            established: 0,
            waiting: it.unread,
            room: told.map(Listening::room),
            is_v6_only: told.is_some_and(|it| it.is_v6_only),
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
        let heard = of_port.filter_map(|it| Some((it.nearness(socket.local.ip())?, it)));
        if let Some((_, listener)) = heard.min_by_key(|(far, _)| *far) {
            listener.figures.established += 1;
        }
    }
    listeners
}

/// Groups sockets, given by address, inode and figures, by port and by the programs that hold them. `add` adds the
/// figures of a socket to those of its group.
pub(crate) fn grouped<F: Default>(
    sockets: impl Iterator<Item = (SocketAddr, u64, F)>,
    holders: &HashMap<u64, Vec<Holder>>,
    add: impl Fn(&mut F, F),
) -> Vec<Group<F>> {
    let mut doors = BTreeMap::<(u16, IpAddr), (BTreeSet<(i32, String)>, F)>::new();
    for (local, inode, figures) in sockets {
        let key = (local.port(), local.ip().to_canonical());
        let (held, all) = doors.entry(key).or_default();
        let holding = holders.get(&inode).into_iter().flatten();
        held.extend(holding.map(|it| (it.pid, it.name.clone())));
        add(all, figures);
    }
    let mut groups: Vec<Group<F>> = Vec::new();
    for ((port, ip), (held, figures)) in doors {
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

/// What two figures make together; one that isn't known adds nothing.
fn sum(one: Option<u32>, other: Option<u32>) -> Option<u32> {
    one.into_iter().chain(other).reduce(u32::saturating_add)
}

/// Brings together the processes of one name, given by number.
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

    /// A socket as the kernel lists it; of a listening one, `remote` is empty.
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

    /// Groups `sockets`, which these processes hold, and whose inodes, backlogs and `IPV6_V6ONLY` are `details`.
    fn found(
        sockets: &[Socket],
        held: &[(u64, &str, i32)],
        details: &[(u64, u32, bool)],
    ) -> Vec<Listener> {
        let details = details.iter().map(|&(inode, backlog, is_v6_only)| {
            let told = Listening {
                backlog,
                is_v6_only,
            };
            (inode, told)
        });
        listeners(sockets, &holders(held), &details.collect())
    }

    #[test]
    fn connections_belong_to_the_listener_that_means_their_address() {
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
            // A client's end, and a connection to a port without a listener.
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
    fn processes_that_share_a_port_stand_together() {
        // One socket inherited by three, as in pre-forking; and one each, as with SO_REUSEPORT.
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
    fn a_listener_hears_its_own_address_or_all() {
        for (own, ip, is_v6_only, hears) in [
            ("127.0.0.1", "127.0.0.1", false, true),
            ("127.0.0.1", "192.0.2.2", false, false),
            ("0.0.0.0", "192.0.2.2", false, true),
            ("0.0.0.0", "::1", false, false),
            ("::", "::1", false, true),
            ("::", "127.0.0.1", false, true),
            ("::", "::1", true, true),
            ("::", "127.0.0.1", true, false),
            ("::1", "127.0.0.1", false, false),
            // The same address in IPv6's form.
            ("127.0.0.1", "::ffff:127.0.0.1", false, true),
            ("0.0.0.0", "::ffff:127.0.0.1", false, true),
            ("::", "::ffff:127.0.0.1", true, false),
        ] {
            let mut listening = socket("127.0.0.1:80", "", State::Listen, 1);
            listening.local = SocketAddr::new(own.parse().unwrap(), 80);
            let found = found(&[listening], &[], &[(1, 5, is_v6_only)]);
            assert_eq!(found[0].hears(ip.parse().unwrap()), hears, "{own} {ip}");
        }
    }

    #[test]
    fn the_queue_of_a_mapped_address_is_that_of_its_ipv4_listener() {
        let mut waiting = socket("127.0.0.1:80", "", State::Listen, 1);
        waiting.unread = 3;
        let snapshot = Snapshot {
            listeners: found(&[waiting], &[], &[(1, 2, false)]),
            ..Snapshot::default()
        };
        let heard = snapshot.heard_at("[::ffff:127.0.0.1]:80".parse().unwrap());
        assert_eq!(
            heard.map(|it| (it.figures.waiting, it.is_full())),
            Some((3, true))
        );
        assert_eq!(
            snapshot.heard_at("[::ffff:127.0.0.2]:80".parse().unwrap()),
            None
        );
    }
}
