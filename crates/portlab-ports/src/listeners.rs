//! The programs that listen on this machine: the kernel's list of sockets, grouped by port.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fmt, io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
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

/// The listeners of a port that belong together: the same programs at one address or several, and all the
/// programs that share an address.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Listener {
    pub(crate) port: u16,
    pub(crate) addrs: Vec<IpAddr>,
    /// By process number; none when they can't be seen.
    pub(crate) programs: Vec<Program>,
    /// Connections that are open in both directions, those in the queue included.
    pub(crate) established: usize,
    /// Connections that wait to be accepted.
    pub(crate) queue: u32,
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
        self.room.is_some_and(|room| self.queue >= room)
    }

    fn nearness(&self, ip: IpAddr) -> Option<u8> {
        let own = self.addrs.iter();
        own.filter_map(|&own| nearness(own, ip.to_canonical(), self.is_v6_only))
            .min()
    }

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
    let mut doors = doors(sockets, holders, details);
    for socket in sockets.iter().filter(|it| it.state == State::Established) {
        let ip = socket.local.ip().to_canonical();
        let of_port = doors.range_mut((socket.local.port(), FIRST)..=(socket.local.port(), LAST));
        let nearest = of_port
            .filter_map(|((_, own), door)| Some((nearness(*own, ip, door.is_v6_only)?, door)))
            .min_by_key(|(far, _)| *far);
        if let Some((_, door)) = nearest {
            door.established += 1;
        }
    }
    let mut listeners: Vec<Listener> = Vec::new();
    for ((port, ip), door) in doors {
        let programs = programs(&door.holders);
        let same = |it: &&mut Listener| it.port == port && it.programs == programs;
        match listeners.iter_mut().find(same) {
            Some(listener) => {
                listener.addrs.push(ip);
                listener.established += door.established;
                listener.queue += door.queue;
                listener.room = sum(listener.room, door.room);
                listener.is_v6_only |= door.is_v6_only;
            }
            None => listeners.push(Listener {
                port,
                addrs: vec![ip],
                programs,
                established: door.established,
                queue: door.queue,
                room: door.room,
                is_v6_only: door.is_v6_only,
            }),
        }
    }
    listeners
}

/// A port at one address: one listening socket, or several that share it by SO_REUSEPORT.
#[derive(Default)]
struct Door {
    holders: BTreeSet<(i32, String)>,
    established: usize,
    queue: u32,
    room: Option<u32>,
    is_v6_only: bool,
}

fn doors(
    sockets: &[Socket],
    holders: &HashMap<u64, Vec<Holder>>,
    details: &HashMap<u64, Listening>,
) -> BTreeMap<(u16, IpAddr), Door> {
    let mut doors = BTreeMap::<_, Door>::new();
    for socket in sockets.iter().filter(|it| it.state == State::Listen) {
        let ip = socket.local.ip().to_canonical();
        let door = doors.entry((socket.local.port(), ip)).or_default();
        door.queue += socket.unread;
        let told = details.get(&socket.inode);
        door.room = sum(door.room, told.map(Listening::room));
        door.is_v6_only |= told.is_some_and(|it| it.is_v6_only);
        let held = holders.get(&socket.inode).into_iter().flatten();
        door.holders
            .extend(held.map(|it| (it.pid, it.name.clone())));
    }
    doors
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

/// The ends of the order of addresses.
const FIRST: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
const LAST: IpAddr = IpAddr::V6(Ipv6Addr::from_bits(u128::MAX));

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

    /// What listening sockets with these backlogs tell of themselves.
    fn details(of: &[(u64, u32, bool)]) -> HashMap<u64, Listening> {
        let told = of.iter().map(|&(inode, backlog, is_v6_only)| {
            let told = Listening {
                backlog,
                is_v6_only,
            };
            (inode, told)
        });
        told.collect()
    }

    pub(crate) fn holders(of: &[(u64, &str, i32)]) -> HashMap<u64, Vec<Holder>> {
        let mut holders = HashMap::<_, Vec<Holder>>::new();
        for &(inode, name, pid) in of {
            let name = name.to_owned();
            holders.entry(inode).or_default().push(Holder { name, pid });
        }
        holders
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
        let found = listeners(
            &sockets,
            &holders(&[(1, "a", 10), (2, "b", 11)]),
            &details(&[]),
        );
        let told: Vec<_> = found
            .iter()
            .map(|it| (it.addresses().en, it.established, it.queue))
            .collect();
        assert_eq!(
            told,
            [
                ("0.0.0.0:80, [::]:80".into(), 2, 0),
                ("127.0.0.1:80".into(), 1, 3),
            ]
        );
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
        let found = listeners(
            &sockets,
            &holders(&held),
            &details(&[(2, 5, false), (3, 6, false)]),
        );
        let told = |at: usize| {
            let programs = found[at].programs.iter().map(Program::to_string);
            programs.collect::<Vec<_>>().join(", ")
        };
        assert_eq!(told(0), "systemd (pid 1), fork (pid 10 +1)");
        assert_eq!(told(1), "b (pid 20 +1)");
        assert_eq!(told(2), "", "another user's");
        let room: Vec<_> = found.iter().map(|it| it.room).collect();
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
            let details = details(&[(1, 5, is_v6_only)]);
            let found = listeners(&[listening], &holders(&[]), &details);
            assert_eq!(found[0].hears(ip.parse().unwrap()), hears, "{own} {ip}");
        }
    }

    #[test]
    fn the_queue_of_a_mapped_address_is_that_of_its_ipv4_listener() {
        let mut waiting = socket("127.0.0.1:80", "", State::Listen, 1);
        waiting.unread = 3;
        let snapshot = Snapshot {
            listeners: listeners(&[waiting], &holders(&[]), &details(&[(1, 2, false)])),
            ..Snapshot::default()
        };
        let heard = snapshot.heard_at("[::ffff:127.0.0.1]:80".parse().unwrap());
        assert_eq!(heard.map(|it| (it.queue, it.is_full())), Some((3, true)));
        assert_eq!(
            snapshot.heard_at("[::ffff:127.0.0.2]:80".parse().unwrap()),
            None
        );
    }
}
