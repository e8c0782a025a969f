//! Listening sockets: the facts that `/proc/net/tcp` leaves out, and which of them gets a connection.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
};

use crate::{diag, interfaces::networks, sockets::listeners};

/// The settings of a listening socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listening {
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
    let found = diag::list(diag::Wanted::LISTENING, |entry| {
        let listening = Listening {
            backlog: entry.send_queue()?,
            is_v6_only: entry.is_v6_only()?,
        };
        Some((entry.inode()?, listening))
    });
    found.unwrap_or_default().into_iter().collect()
}

/// Whether a program of this machine would get a connection to `addr`. No connection is made, because an empty
/// connection ends some servers. `None` if `addr` isn't an address of this machine, or if the sockets can't be listed.
///
/// Source: `sock_diag(7)`.
pub fn has_listener(addr: SocketAddr) -> Option<bool> {
    let ip = reached(addr).ip();
    if !ip.is_loopback() && !networks().ok()?.iter().any(|it| it.addr == ip) {
        return None;
    }
    let all = listeners().ok()?;
    let mut at_port = all
        .iter()
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

#[cfg(test)]
mod tests {
    use rustix::net::{AddressFamily, SocketType, bind, ipproto, listen, socket, sockopt};
    use std::{io, os::fd::AsFd};

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
}
