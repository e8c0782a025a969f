//! Listening sockets: the facts that `/proc/net/tcp` leaves out, and which of them gets a connection.

use std::{
    collections::HashMap,
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
};

use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType,
    netlink::{self, SocketAddrNetlink},
    recv, sendto, socket_with,
};

use crate::{
    interfaces::networks,
    sockets::{State, sockets_at},
};

/// The settings of a listening socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listening {
    /// The address at which it listens.
    pub local: SocketAddr,
    /// How many connections may wait to be accepted: the argument of `listen`, or `net.core.somaxconn` if that is
    /// less. `ss` shows it as the Send-Q of LISTEN.
    pub backlog: u32,
    /// Whether the socket is an IPv6 one that receives no IPv4 connections (`IPV6_V6ONLY`).
    pub is_v6_only: bool,
}

impl Listening {
    /// The most connections that can wait: Linux accepts one more than the backlog.
    pub fn room(&self) -> u32 {
        self.backlog.saturating_add(1)
    }
}

/// The listening TCP sockets of this machine, by their inodes. Empty if the kernel doesn't list them, as in some
/// sandboxes.
///
/// Source: `sock_diag(7)`; `sk_acceptq_is_full` in the kernel's `include/net/sock.h`.
pub fn listening() -> HashMap<u64, Listening> {
    let mut found = HashMap::new();
    for family in [AddressFamily::INET, AddressFamily::INET6] {
        // A machine without IPv6 lists none of that family.
        let _ = ask(family, &mut found);
    }
    found
}

/// Whether a program of this machine would get a connection to `addr`. No connection is made, because an empty
/// connection ends some servers. `None` if `addr` isn't an address of this machine, or if the sockets can't be listed.
///
/// Source: `proc(5)`, `/proc/net/tcp`.
pub fn has_listener(addr: SocketAddr) -> Option<bool> {
    let ip = reached(addr).ip();
    if !ip.is_loopback() && !networks().ok()?.iter().any(|it| it.addr == ip) {
        return None;
    }
    let at_port = sockets_at(addr.port()).ok()?;
    let at_port = at_port.iter().filter(|it| it.state == State::Listen);
    let mut at_port = at_port
        .filter(|it| it.local.port() == addr.port())
        .peekable();
    if at_port.peek().is_none() {
        return Some(false);
    }
    let details = listening();
    Some(at_port.any(|it| {
        let is_v6_only = details.get(&it.inode).is_some_and(|it| it.is_v6_only);
        nearness(it.local.ip().to_canonical(), ip, is_v6_only).is_some()
    }))
}

/// The address at which a connection to `addr` arrives: 0.0.0.0 and `[::]` mean loopback, and an IPv4-mapped IPv6
/// address means the IPv4 address.
///
/// Source: `ip(7)`, INADDR_ANY.
pub fn reached(addr: SocketAddr) -> SocketAddr {
    let ip = match addr.ip().to_canonical() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, addr.port())
}

/// How exactly a listener's address `own` matches `ip`; 0 is the best match, `None` is no match. A listener at `::`
/// gets IPv4 connections too, unless its program forbids it.
pub fn nearness(own: IpAddr, ip: IpAddr, is_v6_only: bool) -> Option<u8> {
    match own {
        _ if own == ip => Some(0),
        _ if own.is_unspecified() && own.is_ipv4() == ip.is_ipv4() => Some(1),
        IpAddr::V6(own) if own.is_unspecified() && !is_v6_only => Some(2),
        _ => None,
    }
}

/// Adds the listening sockets of `family` to `found`.
fn ask(family: AddressFamily, found: &mut HashMap<u64, Listening>) -> io::Result<()> {
    let socket = socket_with(
        AddressFamily::NETLINK,
        SocketType::RAW,
        SocketFlags::CLOEXEC,
        Some(netlink::SOCK_DIAG),
    )?;
    let kernel = SocketAddrNetlink::new(0, 0);
    sendto(&socket, &request(family), SendFlags::empty(), &kernel)?;
    let mut answer = vec![0; ANSWER];
    loop {
        let (length, _) = recv(&socket, &mut answer[..], RecvFlags::empty())?;
        let mut rest = &answer[..length];
        // Each message begins with its length and its type.
        while let (Some(length), Some(kind)) = (u32_at(rest, 0), u16_at(rest, 4)) {
            let length = length as usize;
            if kind != SOCK_DIAG_BY_FAMILY || length < HEADER || length > rest.len() {
                // The end, or an error.
                return Ok(());
            }
            found.extend(socket_in(&rest[HEADER..length]));
            rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
        }
        if length == 0 {
            return Ok(());
        }
    }
}

/// `struct nlmsghdr` and `struct inet_diag_req_v2`: all listening TCP sockets of `family`.
fn request(family: AddressFamily) -> [u8; REQUEST] {
    let mut request = [0; REQUEST];
    request[..4].copy_from_slice(&(REQUEST as u32).to_ne_bytes());
    request[4..6].copy_from_slice(&SOCK_DIAG_BY_FAMILY.to_ne_bytes());
    request[6..8].copy_from_slice(&REQUEST_AND_DUMP.to_ne_bytes());
    request[16] = family.as_raw() as u8;
    request[17] = libc::IPPROTO_TCP as u8;
    let states: u32 = 1 << State::Listen as u32;
    request[20..24].copy_from_slice(&states.to_ne_bytes());
    request
}

/// Reads a `struct inet_diag_msg` and the attributes behind it.
fn socket_in(message: &[u8]) -> Option<(u64, Listening)> {
    // Of a listening socket, idiag_wqueue is the backlog.
    let (backlog, inode) = (u32_at(message, 60)?, u32_at(message, 68)?);
    // The port and the address are in the order of the network.
    let ip = match i32::from(*message.first()?) {
        libc::AF_INET => IpAddr::from(<[u8; 4]>::try_from(message.get(8..12)?).ok()?),
        _ => IpAddr::from(<[u8; 16]>::try_from(message.get(8..24)?).ok()?),
    };
    let local = SocketAddr::new(ip, u16::from_be(u16_at(message, 4)?));
    let mut is_v6_only = false;
    let mut rest = message.get(72..)?;
    while let (Some(length), Some(kind)) = (u16_at(rest, 0), u16_at(rest, 2)) {
        let length = usize::from(length);
        if length < 4 {
            break;
        }
        if kind == INET_DIAG_SKV6ONLY {
            is_v6_only = rest.get(4).is_some_and(|it| *it != 0);
        }
        rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
    }
    let listening = Listening {
        local,
        backlog,
        is_v6_only,
    };
    Some((u64::from(inode), listening))
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    let bytes = bytes.get(at..at + 2)?;
    Some(u16::from_ne_bytes(bytes.try_into().ok()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    let bytes = bytes.get(at..at + 4)?;
    Some(u32::from_ne_bytes(bytes.try_into().ok()?))
}

/// `struct nlmsghdr`.
const HEADER: usize = 16;
/// The header, and the 56 bytes of `struct inet_diag_req_v2`.
const REQUEST: usize = HEADER + 56;
/// The kernel sends at most this much at once.
const ANSWER: usize = 32 << 10;
const SOCK_DIAG_BY_FAMILY: u16 = 20;
/// `NLM_F_REQUEST` and `NLM_F_DUMP`.
const REQUEST_AND_DUMP: u16 = 0x301;
const INET_DIAG_SKV6ONLY: u16 = 11;

#[cfg(test)]
mod tests {
    use rustix::net::{bind, ipproto, listen, socket, sockopt};
    use std::{net::SocketAddr, os::fd::AsFd};

    use super::*;
    use portlab_testkit::wait_until;

    /// The kernel's settings of `listener`; `None` in a sandbox.
    fn settings_of(listener: impl AsFd) -> Option<Listening> {
        let inode = rustix::fs::fstat(listener).unwrap().st_ino;
        let all = listening();
        assert!(all.is_empty() || all.contains_key(&inode), "{all:?}");
        all.get(&inode).copied()
    }

    #[test]
    fn the_backlog_and_the_ipv6_only_setting_of_a_listening_socket_are_found() {
        for (addr, only) in [
            ("127.0.0.1:0", None),
            ("[::]:0", Some(true)),
            ("[::]:0", Some(false)),
        ] {
            let addr: SocketAddr = addr.parse().unwrap();
            let family = match addr {
                SocketAddr::V4(_) => AddressFamily::INET,
                SocketAddr::V6(_) => AddressFamily::INET6,
            };
            let Ok(listener) = socket(family, SocketType::STREAM, Some(ipproto::TCP)) else {
                // This machine has no IPv6.
                continue;
            };
            if let Some(only) = only {
                sockopt::set_ipv6_v6only(&listener, only).unwrap();
            }
            bind(&listener, &addr).unwrap();
            listen(&listener, 7).unwrap();
            let Some(found) = settings_of(&listener) else {
                return;
            };
            assert_eq!(
                (found.room(), found.is_v6_only),
                (8, only == Some(true)),
                "{addr}"
            );
        }
    }

    #[test]
    fn a_listener_is_found_without_a_connection() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let port = listener.local_addr().unwrap().port();
        for (ip, expected) in [
            ("127.0.0.1", Some(true)),
            ("0.0.0.0", Some(true)),
            ("::ffff:127.0.0.1", Some(true)),
            ("127.0.0.2", Some(false)),
            ("::1", Some(false)),
            ("192.0.2.1", None),
        ] {
            let addr = SocketAddr::new(ip.parse().unwrap(), port);
            assert_eq!(has_listener(addr), expected, "{ip}");
        }
        let none = listener.accept().unwrap_err();
        assert_eq!(none.kind(), io::ErrorKind::WouldBlock);
        drop(listener);
        wait_until("no socket listens", || {
            has_listener(SocketAddr::from(([127, 0, 0, 1], port))) == Some(false)
        });
    }

    #[test]
    fn half_a_message_is_ignored() {
        assert_eq!(socket_in(&[0; 71]), None);
        let mut message = [0; 72 + 8];
        message[60] = 4;
        message[68] = 9;
        message[72..76]
            .copy_from_slice(&[5_u16, INET_DIAG_SKV6ONLY].map(u16::to_ne_bytes).concat());
        message[76] = 1;
        message[0] = libc::AF_INET as u8;
        message[4..12].copy_from_slice(&[0x1f, 0x90, 0, 0, 127, 0, 0, 1]);
        let expected = Listening {
            local: SocketAddr::from(([127, 0, 0, 1], 8080)),
            backlog: 4,
            is_v6_only: true,
        };
        assert_eq!(socket_in(&message), Some((9, expected)));
        // An attribute of length 0 ends the list.
        message[72] = 0;
        assert!(socket_in(&message).is_some_and(|(_, it)| !it.is_v6_only));
    }
}
