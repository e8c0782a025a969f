//! How many connections may wait at a listening socket.
//!
//! `/proc/net/tcp` doesn't tell it; `ss` asks the kernel over netlink, and so does this module.

use std::{collections::HashMap, io};

use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, netlink, recv, send, socket_with,
};

/// The limit of each listening TCP socket's accept queue, by the socket's inode: what the program said in
/// `listen`, or `net.core.somaxconn` if that is less. `ss` shows it as the Send-Q of LISTEN.
///
/// # Errors
/// When the kernel doesn't answer, as in a sandbox without netlink.
///
/// Source: `sock_diag(7)`, `ss(8)`.
pub fn limits() -> io::Result<HashMap<u64, u32>> {
    let socket = socket_with(
        AddressFamily::NETLINK,
        SocketType::DGRAM,
        SocketFlags::CLOEXEC,
        Some(netlink::SOCK_DIAG),
    )?;
    let mut limits = HashMap::new();
    for family in [AddressFamily::INET, AddressFamily::INET6] {
        send(&socket, &request(family), SendFlags::empty())?;
        let mut buffer = vec![0; 32 * 1024];
        loop {
            let (_, length) = recv(&socket, &mut buffer[..], RecvFlags::empty())?;
            if !read(&buffer[..length], &mut limits)? {
                break;
            }
        }
    }
    Ok(limits)
}

/// A request for all sockets of `family` that listen.
fn request(family: AddressFamily) -> Vec<u8> {
    let mut request = Vec::with_capacity(HEADER + QUERY);
    request.extend(((HEADER + QUERY) as u32).to_ne_bytes());
    request.extend(SOCK_DIAG_BY_FAMILY.to_ne_bytes());
    request.extend(REQUEST_DUMP.to_ne_bytes());
    request.resize(HEADER, 0);
    request.extend([family.as_raw() as u8, IPPROTO_TCP, 0, 0]);
    request.extend((1_u32 << TCP_LISTEN).to_ne_bytes());
    request.resize(HEADER + QUERY, 0);
    request
}

/// Reads the messages of one datagram; false after the last of an answer.
fn read(mut rest: &[u8], limits: &mut HashMap<u64, u32>) -> io::Result<bool> {
    while rest.len() >= HEADER {
        let length = word(rest, 0) as usize;
        let message = rest.get(HEADER..length).ok_or(io::ErrorKind::InvalidData)?;
        match u16::from_ne_bytes([rest[4], rest[5]]) {
            NLMSG_DONE => return Ok(false),
            NLMSG_ERROR => return Err(io::ErrorKind::Unsupported.into()),
            _ if message.len() >= INODE + 4 => {
                limits.insert(word(message, INODE).into(), word(message, WQUEUE));
            }
            _ => {}
        }
        rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
    }
    Ok(true)
}

fn word(bytes: &[u8], at: usize) -> u32 {
    u32::from_ne_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

/// `struct nlmsghdr`, and `struct inet_diag_req_v2` behind it.
const HEADER: usize = 16;
const QUERY: usize = 56;
/// Where `struct inet_diag_msg` has `idiag_wqueue` and `idiag_inode`.
const WQUEUE: usize = 60;
const INODE: usize = 68;

const SOCK_DIAG_BY_FAMILY: u16 = 20;
/// `NLM_F_REQUEST | NLM_F_DUMP`.
const REQUEST_DUMP: u16 = 0x301;
const NLMSG_ERROR: u16 = 2;
const NLMSG_DONE: u16 = 3;
const IPPROTO_TCP: u8 = 6;
const TCP_LISTEN: u32 = 10;

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;
    use crate::sockets::sockets_at;

    #[test]
    fn the_kernel_tells_what_listen_was_told() {
        for address in ["127.0.0.1:0", "[::1]:0"] {
            // A machine without IPv6 has no socket of it.
            let Ok(door) = TcpListener::bind(address) else {
                continue;
            };
            // Linux allows to call it again, with another limit.
            rustix::net::listen(&door, 7).unwrap();
            let port = door.local_addr().unwrap().port();
            let inode = sockets_at(port).unwrap()[0].inode;
            assert_eq!(limits().unwrap().get(&inode), Some(&7), "{address}");
        }
    }

    #[test]
    fn an_answer_that_is_cut_short_is_refused() {
        let mut message = 100_u32.to_ne_bytes().to_vec();
        message.resize(HEADER, 0);
        assert!(read(&message, &mut HashMap::new()).is_err());
    }
}
