//! The TCP sockets that the kernel selects itself: by state and by port, without a text that lists all others.
//!
//! The cost of a list grows with the sockets that fit, and hardly with the thousands in TIME-WAIT of a busy machine.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    time::Duration,
};

use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType,
    netlink::{self, SocketAddrNetlink},
    recv, sendto, socket_with,
};

use crate::sockets::{Socket, State};

/// Which sockets are listed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted {
    /// The states, a bit each.
    states: u32,
    /// The socket's own port; 0 for any.
    local_port: u16,
    /// The peer's port; 0 for any.
    remote_port: u16,
}

impl Wanted {
    /// Sockets that listen.
    pub(crate) const LISTENING: Self = Self {
        states: 1 << State::Listen as u32,
        local_port: 0,
        remote_port: 0,
    };

    /// Sockets that have `port` at their own end.
    pub(crate) fn local(port: u16) -> Self {
        Self {
            states: ALL_STATES,
            local_port: port,
            remote_port: 0,
        }
    }

    /// Sockets whose peer has `port`. None of them listens.
    pub(crate) fn remote(port: u16) -> Self {
        Self {
            states: ALL_STATES,
            local_port: 0,
            remote_port: port,
        }
    }
}

/// The answer about one socket: a `struct inet_diag_msg` and the attributes behind it.
pub(crate) struct Entry<'a>(&'a [u8]);

/// The sockets that are `wanted`, IPv4 first, as `read` reads them.
///
/// # Errors
/// When the kernel doesn't list them, as in some sandboxes. A machine without IPv6 has no IPv6 sockets.
///
/// Source: `sock_diag(7)`.
pub(crate) fn list<T>(
    wanted: Wanted,
    mut read: impl FnMut(Entry<'_>) -> Option<T>,
) -> io::Result<Vec<T>> {
    let mut found = Vec::new();
    ask(AddressFamily::INET, wanted, &mut |it| {
        found.extend(read(it));
    })?;
    let _ = ask(AddressFamily::INET6, wanted, &mut |it| {
        found.extend(read(it));
    });
    Ok(found)
}

/// Calls `each` with each socket of `family` that is `wanted`.
fn ask(family: AddressFamily, wanted: Wanted, each: &mut dyn FnMut(Entry<'_>)) -> io::Result<()> {
    let socket = socket_with(
        AddressFamily::NETLINK,
        SocketType::RAW,
        SocketFlags::CLOEXEC,
        Some(netlink::SOCK_DIAG),
    )?;
    let kernel = SocketAddrNetlink::new(0, 0);
    sendto(
        &socket,
        &request(family, wanted),
        SendFlags::empty(),
        &kernel,
    )?;
    let mut answer = vec![0; ANSWER];
    loop {
        let (length, _) = recv(&socket, &mut answer[..], RecvFlags::empty())?;
        let mut rest = &answer[..length];
        // Each message begins with its length and its type.
        while let (Some(length), Some(kind)) = (u32_at(rest, 0), u16_at(rest, 4)) {
            let length = length as usize;
            if kind != SOCK_DIAG_BY_FAMILY || length < HEADER || length > rest.len() {
                // The end and an error carry the number of the error, or 0.
                let error = u32_at(rest, HEADER).map_or(0, u32::cast_signed);
                return match error {
                    0 => Ok(()),
                    _ => Err(io::Error::from_raw_os_error(-error)),
                };
            }
            each(Entry(&rest[HEADER..length]));
            rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
        }
        if length == 0 {
            return Ok(());
        }
    }
}

/// `struct nlmsghdr` and `struct inet_diag_req_v2`.
fn request(family: AddressFamily, wanted: Wanted) -> [u8; REQUEST] {
    let mut request = [0; REQUEST];
    request[..4].copy_from_slice(&(REQUEST as u32).to_ne_bytes());
    request[4..6].copy_from_slice(&SOCK_DIAG_BY_FAMILY.to_ne_bytes());
    request[6..8].copy_from_slice(&REQUEST_AND_DUMP.to_ne_bytes());
    request[16] = family.as_raw() as u8;
    request[17] = libc::IPPROTO_TCP as u8;
    request[20..24].copy_from_slice(&wanted.states.to_ne_bytes());
    request[24..26].copy_from_slice(&wanted.local_port.to_be_bytes());
    request[26..28].copy_from_slice(&wanted.remote_port.to_be_bytes());
    request
}

impl Entry<'_> {
    /// The socket. `None` if the message is too short, or names an unknown state.
    pub(crate) fn socket(&self) -> Option<Socket> {
        let state = State::from_u8(*self.0.get(1)?)?;
        let end = |port: usize, ip: usize| {
            let port = u16::from_be_bytes(self.0.get(port..port + 2)?.try_into().ok()?);
            let bytes: [u8; 16] = self.0.get(ip..ip + 16)?.try_into().ok()?;
            let ip = match AddressFamily::from_raw(u16::from(self.0[0])) {
                AddressFamily::INET => {
                    IpAddr::V4(Ipv4Addr::new(bytes[0], bytes[1], bytes[2], bytes[3]))
                }
                _ => IpAddr::V6(Ipv6Addr::from(bytes)),
            };
            Some(SocketAddr::new(ip, port))
        };
        let ms = u64::from(u32_at(self.0, 52)?);
        Some(Socket {
            local: end(4, 8)?,
            remote: end(6, 24)?,
            unread: u32_at(self.0, 56)?,
            // Of a listening socket, idiag_wqueue is the backlog.
            unsent: match state {
                State::Listen => 0,
                _ => self.send_queue()?,
            },
            inode: self.inode()?,
            time_left: (state == State::TimeWait).then(|| Duration::from_millis(ms)),
            state,
        })
    }

    /// Bytes that the peer hasn't acknowledged; of a listening socket, the backlog.
    pub(crate) fn send_queue(&self) -> Option<u32> {
        u32_at(self.0, 60)
    }

    /// The socket's inode.
    pub(crate) fn inode(&self) -> Option<u64> {
        u32_at(self.0, 68).map(u64::from)
    }

    /// Whether the socket has the option `IPV6_V6ONLY`. `None` if the message is too short.
    pub(crate) fn is_v6_only(&self) -> Option<bool> {
        let mut is_v6_only = false;
        let mut rest = self.0.get(72..)?;
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
        Some(is_v6_only)
    }
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
/// The bits of ESTABLISHED to CLOSING.
const ALL_STATES: u32 = (1 << 12) - 2;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_a_message_is_ignored() {
        let short = Entry(&[10; 71]);
        assert_eq!((short.is_v6_only(), short.socket()), (None, None));
        let mut message = [0; 72 + 8];
        message[..2].copy_from_slice(&[2, State::Listen as u8]);
        message[4..6].copy_from_slice(&8080_u16.to_be_bytes());
        message[8..12].copy_from_slice(&[127, 0, 0, 1]);
        message[60] = 4;
        message[68] = 9;
        message[72..76]
            .copy_from_slice(&[5_u16, INET_DIAG_SKV6ONLY].map(u16::to_ne_bytes).concat());
        message[76] = 1;
        let entry = Entry(&message);
        let socket = entry.socket().unwrap();
        assert_eq!(socket.local, "127.0.0.1:8080".parse().unwrap());
        assert_eq!((socket.inode, socket.unsent), (9, 0));
        assert_eq!(entry.send_queue(), Some(4));
        assert_eq!(entry.is_v6_only(), Some(true));
        // An attribute of length 0 ends the list.
        message[72] = 0;
        assert_eq!(Entry(&message).is_v6_only(), Some(false));
    }
}
