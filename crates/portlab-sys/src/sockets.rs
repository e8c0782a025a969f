//! The sockets of this machine, as the kernel lists them.

use std::{
    collections::{HashMap, HashSet},
    fmt, fs,
    hash::Hash,
    io,
    net::SocketAddr,
    time::Duration,
};

pub use procfs::net::TcpState as State;
use procfs::{
    FromBufReadSI, ProcError, current_system_info,
    net::{TcpNetEntries, UdpNetEntries},
    process::{FDTarget, FDsIter, Process, all_processes},
};

use crate::name::inert;

/// One TCP socket: a listening one, or one end of a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Socket {
    /// Its own address.
    pub local: SocketAddr,
    /// The peer's; port 0 when it listens.
    pub remote: SocketAddr,
    /// Its state in TCP's state machine.
    pub state: State,
    /// Received bytes that the program hasn't read. For a listening socket: connections that the program hasn't
    /// accepted.
    pub unread: u32,
    /// Bytes that the program has sent and the peer hasn't acknowledged.
    pub unsent: u32,
    /// The number by which [`holders`] finds the socket's process. 0 if no process holds the socket: in TIME-WAIT, or
    /// before the server accepts the connection.
    pub inode: u64,
    /// How long the kernel will still keep the socket in TIME-WAIT.
    pub time_left: Option<Duration>,
}

/// One UDP socket. UDP has no connections: a socket receives what is sent to its port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UdpSocket {
    /// Its own address.
    pub local: SocketAddr,
    /// The only peer that it receives from; port 0 if it receives from all.
    pub remote: SocketAddr,
    /// The size of the memory that holds datagrams that the program hasn't read.
    pub unread: u32,
    /// How many datagrams the kernel has dropped at this socket, most of them because that memory was full.
    pub dropped: u64,
    /// The number by which [`holders`] finds its process.
    pub inode: u64,
}

impl Socket {
    /// Whether the socket is an end of a connection between `one` and `other`.
    pub fn joins(&self, one: SocketAddr, other: SocketAddr) -> bool {
        let ends = (self.local, self.remote);
        ends == (one, other) || ends == (other, one)
    }

    /// The state by its name in the field, as in `LISTEN` and `TIME-WAIT`.
    ///
    /// Source: RFC 9293, 3.3.2, and `ss(8)`.
    pub fn state_name(&self) -> &'static str {
        match self.state {
            State::Established => "ESTABLISHED",
            State::SynSent => "SYN-SENT",
            State::SynRecv | State::NewSynRecv => "SYN-RECEIVED",
            State::FinWait1 => "FIN-WAIT-1",
            State::FinWait2 => "FIN-WAIT-2",
            State::TimeWait => "TIME-WAIT",
            State::Close => "CLOSED",
            State::CloseWait => "CLOSE-WAIT",
            State::LastAck => "LAST-ACK",
            State::Listen => "LISTEN",
            State::Closing => "CLOSING",
        }
    }
}

/// All TCP sockets, IPv4 first.
///
/// # Errors
/// When `/proc/net/tcp` can't be read. A machine without IPv6 has no IPv6 sockets.
///
/// Source: `proc(5)`, `/proc/net/tcp`.
pub fn sockets() -> io::Result<Vec<Socket>> {
    tables(|_| true)
}

/// The TCP sockets that have `port` at either end. If there are tens of thousands of sockets, this is much faster than
/// [`sockets`].
///
/// # Errors
/// As [`sockets`].
pub fn sockets_at(port: u16) -> io::Result<Vec<Socket>> {
    // A port is written as in `:1F90 `.
    let mark = format!(":{port:04X} ");
    tables(|line| line.contains(&mark))
}

/// All UDP sockets, IPv4 first.
///
/// # Errors
/// When `/proc/net/udp` can't be read. A machine without IPv6 has no IPv6 sockets.
///
/// Source: `proc(5)`, `/proc/net/udp`.
pub fn udp_sockets() -> io::Result<Vec<UdpSocket>> {
    let v4 = fs::read_to_string("/proc/net/udp")?;
    let v6 = fs::read_to_string("/proc/net/udp6").unwrap_or_default();
    let [v4, v6] = [v4, v6].map(|table| udp_entries(&table));
    let all = v4?.into_iter().chain(v6?);
    Ok(each_once(all, |it| (it.local, it.remote, it.inode)))
}

fn udp_entries(table: &str) -> io::Result<Vec<UdpSocket>> {
    let entries = UdpNetEntries::from_buf_read(table.as_bytes(), current_system_info());
    let entries = entries.map_err(io::Error::other)?.0;
    // The last column, which procfs leaves out.
    let dropped = |line: &str| line.split_whitespace().last()?.parse().ok();
    let sockets = entries.into_iter().zip(table.lines().skip(1));
    let sockets = sockets.map(|(entry, line)| UdpSocket {
        local: entry.local_address,
        remote: entry.remote_address,
        unread: entry.rx_queue,
        dropped: dropped(line).unwrap_or(0),
        inode: entry.inode,
    });
    Ok(sockets.collect())
}

/// Whether one of `processes` holds a UDP socket that has a port.
pub fn have_udp(processes: &[i32]) -> bool {
    let held = held_by(processes).inodes;
    let all = udp_sockets().unwrap_or_default();
    all.iter().any(|it| held.contains(&it.inode))
}

/// The TCP sockets whose lines `keep` selects.
fn tables(keep: impl Fn(&str) -> bool) -> io::Result<Vec<Socket>> {
    let v4 = fs::read_to_string("/proc/net/tcp")?;
    let v6 = fs::read_to_string("/proc/net/tcp6").unwrap_or_default();
    let [v4, v6] = [v4, v6].map(|table| entries(&table, &keep));
    let all = v4?.into_iter().chain(v6?);
    Ok(each_once(all, |it| (it.local, it.remote, it.inode)))
}

fn entries(table: &str, keep: impl Fn(&str) -> bool) -> io::Result<Vec<Socket>> {
    let mut lines = table.lines();
    let head = lines.next().unwrap_or_default();
    let kept: Vec<_> = lines.filter(|line| keep(line)).collect();
    let text = [&[head], &kept[..]].concat().join("\n");
    let entries = TcpNetEntries::from_buf_read(text.as_bytes(), current_system_info());
    let entries = entries.map_err(io::Error::other)?.0;
    let sockets = entries.into_iter().zip(kept).map(|(entry, line)| {
        let time_left = (entry.state == State::TimeWait).then(|| time_left(line));
        Socket {
            local: entry.local_address,
            remote: entry.remote_address,
            state: entry.state,
            unread: entry.rx_queue,
            unsent: entry.tx_queue,
            inode: entry.inode,
            time_left: time_left.flatten(),
        }
    });
    Ok(sockets.collect())
}

/// The time until a socket's timer fires: `03:00000F3A`, in ticks of the clock.
///
/// Source: `get_timewait4_sock` in the kernel's `net/ipv4/tcp_ipv4.c`.
fn time_left(line: &str) -> Option<Duration> {
    let (_, ticks) = line.split_whitespace().nth(5)?.split_once(':')?;
    let ticks = u64::from_str_radix(ticks, 16).ok()?;
    let per_second = procfs::ticks_per_second();
    Some(Duration::from_secs(ticks) / u32::try_from(per_second).ok().filter(|it| *it > 0)?)
}

/// Leaves out repeated sockets. The kernel returns its table in pieces, and sockets that are opened or closed between two
/// pieces move the others, so a socket may be listed twice (or be left out).
fn each_once<T, K: Eq + Hash>(listed: impl Iterator<Item = T>, key: fn(&T) -> K) -> Vec<T> {
    let mut known = HashSet::new();
    listed.filter(|it| known.insert(key(it))).collect()
}

/// A process that holds a socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// The program's name, as the kernel keeps it (15 bytes at most), with `?` for control characters.
    pub name: String,
    /// Its process number.
    pub pid: i32,
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (pid {})", self.name, self.pid)
    }
}

/// Whether [`holders`] finds the processes of all users: only root can see them.
pub fn sees_all_users() -> bool {
    rustix::process::geteuid().is_root()
}

/// The processes that hold each socket, by the socket's inode. Only root sees the processes of other users. Processes
/// that have inherited a socket share it, so there may be several.
pub fn holders() -> HashMap<u64, Vec<Holder>> {
    let mut holders = HashMap::<u64, Vec<Holder>>::new();
    for process in all_processes().into_iter().flatten().flatten() {
        let (Ok(fds), Ok(stat)) = (process.fd(), process.stat()) else {
            continue;
        };
        for inode in sockets_of(fds) {
            let held = holders.entry(inode).or_default();
            if held.last().is_none_or(|last| last.pid != process.pid) {
                held.push(Holder {
                    name: inert(&stat.comm),
                    pid: process.pid,
                });
            }
        }
    }
    holders
}

/// The inodes of the sockets among a process's descriptors.
fn sockets_of(fds: FDsIter) -> impl Iterator<Item = u64> {
    fds.flatten().filter_map(|fd| match fd.target {
        FDTarget::Socket(inode) => Some(inode),
        _ => None,
    })
}

/// The sockets that some processes hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Held {
    /// Their inodes.
    pub inodes: HashSet<u64>,
    /// Whether all of the processes could be examined. Only root can examine processes of other users.
    pub all_seen: bool,
}

/// The sockets that `processes` hold. A process that has ended holds none.
pub fn held_by(processes: &[i32]) -> Held {
    let mut held = Held {
        inodes: HashSet::new(),
        all_seen: true,
    };
    for &pid in processes {
        match Process::new(pid).and_then(|process| process.fd()) {
            Ok(fds) => held.inodes.extend(sockets_of(fds)),
            Err(ProcError::PermissionDenied(_)) => held.all_seen = false,
            Err(_) => {}
        }
    }
    held
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{
        io::Write,
        net::{TcpListener, TcpStream},
        thread,
        time::{Duration, Instant},
    };

    #[test]
    fn a_socket_that_is_listed_twice_is_one() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let door = listener.local_addr().unwrap();
        let all = sockets().unwrap().into_iter();
        let listed = all.filter(|it| it.local == door).collect::<Vec<_>>();
        let twice = listed.iter().chain(&listed).cloned();
        assert_eq!(each_once(twice, |it| it.inode), listed);
    }

    /// The listening socket, the server's end and the client's end in `list`, as soon as `are` is true of them: the
    /// kernel handles a packet a moment later.
    #[track_caller]
    fn once(
        list: impl Fn() -> io::Result<Vec<Socket>>,
        [door, own]: [SocketAddr; 2],
        are: impl Fn(&[Socket; 3]) -> bool,
    ) -> [Socket; 3] {
        let none = SocketAddr::from(([0, 0, 0, 0], 0));
        let since = Instant::now();
        loop {
            let all = list().unwrap();
            let find = |local, remote| {
                let mut all = all.iter();
                all.find(|it| (it.local, it.remote) == (local, remote))
                    .cloned()
            };
            let found = [find(door, none), find(door, own), find(own, door)];
            if let [Some(listening), Some(served), Some(calling)] = found.clone() {
                let three = [listening, served, calling];
                if are(&three) {
                    return three;
                }
            }
            assert!(since.elapsed() < PATIENCE, "{found:?}");
            thread::sleep(Duration::from_millis(1));
        }
    }

    #[test]
    fn a_connection_is_two_sockets_and_the_listening_one_a_third() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let door = listener.local_addr().unwrap();
        // Another listener may have the same number at another address.
        let _other = TcpListener::bind(("127.0.0.2", door.port()));
        let mut client = TcpStream::connect(door).unwrap();
        let ends = [door, client.local_addr().unwrap()];
        // Not accepted yet: it waits in the listening socket's queue.
        let [_, served, _] = once(sockets, ends, |[listening, ..]| listening.unread == 1);
        assert_eq!(served.inode, 0);
        let (_served, _) = listener.accept().unwrap();
        client.write_all(b"hello").unwrap();
        let has_come =
            |[_, served, calling]: &[Socket; 3]| served.unread == 5 && calling.unsent == 0;
        let [listening, served, calling] = once(sockets, ends, has_come);
        assert_eq!(listening.unread, 0);
        for end in [&served, &calling] {
            assert!(end.joins(ends[0], ends[1]));
            assert_eq!(end.state_name(), "ESTABLISHED");
        }
        let pid = std::process::id() as i32;
        // A child that another test has just forked holds it too, until its `exec`.
        let holders = holders();
        let mut known = holders[&served.inode].iter().map(|holder| holder.pid);
        assert!(known.any(|holder| holder == pid));
        let held = held_by(&[pid]);
        assert!(held.all_seen && held.inodes.contains(&served.inode));
        assert_eq!(held_by(&[]).inodes.len(), 0);
        // The list for one port has the same three.
        let at_door = || sockets_at(door.port());
        assert_eq!(once(at_door, ends, has_come), [listening, served, calling]);
    }

    #[test]
    fn time_wait_has_a_time_left() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let door = listener.local_addr().unwrap();
        let client = TcpStream::connect(door).unwrap();
        let own = client.local_addr().unwrap();
        let (server, _) = listener.accept().unwrap();
        // The end that closes first stays in TIME-WAIT.
        drop(server);
        drop(client);
        let since = Instant::now();
        let waits = |it: &Socket| it.state == State::TimeWait && it.joins(door, own);
        let left = loop {
            let all = sockets_at(door.port()).unwrap();
            match all.iter().find(|it| waits(it)) {
                Some(found) => break found.time_left.unwrap(),
                // At its limit, the kernel keeps no further sockets in TIME-WAIT.
                None if !crate::time_wait::has_room() => return,
                None => assert!(since.elapsed() < PATIENCE, "{all:?}"),
            }
            thread::sleep(Duration::from_millis(1));
        };
        assert!(
            left > Duration::ZERO && left <= Duration::from_secs(60),
            "{left:?}"
        );
    }

    #[test]
    fn a_timer_is_read_in_ticks_of_the_clock() {
        let line =
            "  0: 0100007F:1F90 0100007F:9C40 06 00000000:00000000 03:000000C8 00000000 0 0 0 3";
        let per_second = procfs::ticks_per_second();
        assert_eq!(
            time_left(line),
            Some(Duration::from_secs(200) / per_second as u32)
        );
        assert_eq!(time_left("0: 1 2 06"), None);
    }

    #[test]
    fn a_udp_socket_is_listed_with_the_size_of_its_unread_datagrams() {
        let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        let addr = socket.local_addr().unwrap();
        socket.send_to(b"hello", addr).unwrap();
        let all = udp_sockets().unwrap();
        let found = all.iter().find(|it| it.local == addr).unwrap();
        assert_eq!(found.remote.port(), 0);
        assert!(found.unread >= 5, "{found:?}");
        assert_eq!(found.dropped, 0);
        let pid = std::process::id() as i32;
        assert_eq!(holders()[&found.inode][0].pid, pid);
    }

    #[test]
    fn the_datagrams_that_a_full_udp_socket_drops_are_counted() {
        let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        let addr = socket.local_addr().unwrap();
        let sent = 10_000;
        for _ in 0..sent {
            socket.send_to(&[0; 1000], addr).unwrap();
        }
        let all = udp_sockets().unwrap();
        let found = all.iter().find(|it| it.local == addr).unwrap();
        socket.set_nonblocking(true).unwrap();
        let received = std::iter::from_fn(|| socket.recv(&mut [0; 1000]).ok()).count();
        assert!(found.dropped > 0, "{found:?}");
        assert_eq!(found.dropped + received as u64, sent);
    }

    /// The kernel needs microseconds, on a busy machine longer.
    const PATIENCE: Duration = Duration::from_secs(30);
}
