//! Sockets in TIME-WAIT: whether the kernel keeps more of them, and how to end those of a port.

use std::{fs, io, net::SocketAddr};

use rustix::net::{AddressFamily, SocketFlags, SocketType, bind, connect, socket_with, sockopt};

use crate::{
    limits::setting,
    socket::{choose_port_at_connect, choose_port_in},
    sockets::{State, sockets_at},
};

/// Ends the sockets in TIME-WAIT that a server of this machine has left at `port`, so that a program without SO_REUSEADDR
/// can bind this port again at once. Nothing may listen at `port`: a server would get a connection.
///
/// From the address of the peer of each socket, a SYN is sent. The kernel answers with the ACK of the old connection, and
/// the new socket with a RST, which ends the socket in TIME-WAIT: with `net.ipv4.tcp_rfc1337=0`, the default. Only a
/// peer at an address of this machine can be imitated.
///
/// # Errors
/// When the sockets can't be listed.
///
/// Source: `tcp_timewait_state_process` in the kernel's `net/ipv4/tcp_minisocks.c`.
pub fn sweep(port: u16) -> io::Result<()> {
    for socket in sockets_at(port)? {
        if socket.state == State::TimeWait && socket.local.port() == port {
            // If it fails, the socket stays until its time has passed.
            let _ = knock(socket.remote, socket.local);
        }
    }
    Ok(())
}

/// Sends a SYN from `from` to `to`. The port of `from` may be in TIME-WAIT itself, after a connection to another server:
/// then only [`choose_port_at_connect`] gives it, in a range of this one port (since Linux 6.3).
fn knock(from: SocketAddr, to: SocketAddr) -> io::Result<()> {
    let family = match from {
        SocketAddr::V4(_) => AddressFamily::INET,
        SocketAddr::V6(_) => AddressFamily::INET6,
    };
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = socket_with(family, SocketType::STREAM, flags, None)?;
    sockopt::set_socket_reuseaddr(&socket, true)?;
    if bind(&socket, &from).is_err() {
        choose_port_at_connect(&socket)?;
        choose_port_in(&socket, from.port()..=from.port())?;
        bind(&socket, &SocketAddr::new(from.ip(), 0))?;
    }
    Ok(connect(&socket, &to)?)
}

/// Whether the kernel would keep one more socket in TIME-WAIT: at its limit, the kernel closes connections without
/// TIME-WAIT. True if the limit can't be read.
///
/// Source: `tcp_max_tw_buckets` in `tcp(7)`; `TCP: ... tw` in `/proc/net/sockstat`, see `proc(5)`.
pub fn has_room() -> bool {
    let most: Option<u64> = setting("net/ipv4/tcp_max_tw_buckets");
    let kept = fs::read_to_string("/proc/net/sockstat");
    let kept = kept.ok().and_then(|text| kept_in(&text));
    most.zip(kept).is_none_or(|(most, kept)| kept < most)
}

/// Reads `TCP: inuse 5 orphan 0 tw 3 alloc 8 mem 1`, one of the lines.
fn kept_in(sockstat: &str) -> Option<u64> {
    let tcp = sockstat
        .lines()
        .find_map(|line| line.strip_prefix("TCP:"))?;
    let mut words = tcp.split_whitespace();
    words.find(|word| *word == "tw")?;
    words.next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sockets::Socket;
    use portlab_testkit::wait_until;
    use std::net::{TcpListener, TcpStream};

    #[test]
    fn a_swept_port_has_no_time_wait() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let addr = listener.local_addr().unwrap();
        let client = TcpStream::connect(addr).unwrap();
        close_first(&listener);
        drop((client, listener));
        waits_to_be_swept(addr);
    }

    #[test]
    fn a_port_is_swept_although_the_port_of_the_peer_is_in_time_wait_too() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let addr = listener.local_addr().unwrap();
        let client = TcpStream::connect(addr).unwrap();
        let peer = client.local_addr().unwrap();
        close_first(&listener);
        drop((client, listener));
        // The same port of a client, which closes first now.
        let other = TcpListener::bind("127.0.0.1:0").unwrap();
        let client = socket_with(
            AddressFamily::INET,
            SocketType::STREAM,
            SocketFlags::CLOEXEC,
            None,
        )
        .unwrap();
        if choose_port_in(&client, 40_000..=40_000).is_err() {
            // Before Linux 6.3.
            return;
        }
        choose_port_in(&client, peer.port()..=peer.port()).unwrap();
        connect(&client, &other.local_addr().unwrap()).unwrap();
        let server = other.accept().unwrap().0;
        drop(client);
        drop(server);
        // The old way can't bind it.
        assert!(TcpListener::bind(peer).is_err() || !has_room());
        waits_to_be_swept(addr);
    }

    /// Accepts a connection and closes it.
    fn close_first(listener: &TcpListener) {
        drop(listener.accept().unwrap());
    }

    /// Waits until the server at `addr` has a socket in TIME-WAIT, and sweeps it.
    fn waits_to_be_swept(addr: SocketAddr) {
        let waiting = || {
            let all = sockets_at(addr.port()).unwrap();
            let of_server = |it: &&Socket| it.local == addr && it.state == State::TimeWait;
            all.iter().filter(of_server).count()
        };
        if has_room() {
            wait_until("the server's socket is in TIME-WAIT", || waiting() == 1);
        }
        sweep(addr.port()).unwrap();
        wait_until("the socket has ended", || waiting() == 0);
    }

    #[test]
    fn the_sockets_in_time_wait_are_counted() {
        let sockstat = "sockets: used 9\nTCP: inuse 5 orphan 0 tw 3 alloc 8 mem 1\nUDP: inuse 1\n";
        assert_eq!(kept_in(sockstat), Some(3));
        assert_eq!(kept_in("TCP: inuse 5\n"), None);
        // The file of this machine.
        assert!(fs::read_to_string("/proc/net/sockstat").is_ok_and(|it| kept_in(&it).is_some()));
    }
}
