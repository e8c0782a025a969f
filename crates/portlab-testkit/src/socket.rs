//! Sockets in a state that a test needs, and waiting for states in the kernel's list of sockets.

use std::{
    collections::BTreeSet,
    net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    sync::Mutex,
};

use portlab_sys::sockets::{Socket, State, sockets_at};
use socket2::{Domain, Type};

use crate::wait_until;

/// A listener at a port of loopback that the system chooses.
pub fn listener() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").unwrap()
}

/// A listener whose accept queue holds `backlog` connections, and one more on Linux.
pub fn listener_with_backlog(backlog: i32) -> TcpListener {
    let socket = socket2::Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    socket.bind(&any.into()).unwrap();
    socket.listen(backlog).unwrap();
    socket.into()
}

/// An address of loopback at which no socket listens, different from all others that this function has returned: the
/// system may give a port again before a server has bound it, and one test would then talk to the server of another.
///
/// The socket that finds the port never listens: while another test starts a program, the new process has copies of all
/// sockets until it executes the program, and a listening copy would look like the server that the test waits for.
pub fn free_addr() -> SocketAddr {
    free_addr_of(Ipv4Addr::LOCALHOST.into())
}

/// The same at another address of loopback.
pub fn free_addr_of(ip: IpAddr) -> SocketAddr {
    static GIVEN: Mutex<BTreeSet<SocketAddr>> = Mutex::new(BTreeSet::new());
    loop {
        let any = SocketAddr::new(ip, 0);
        let socket = socket2::Socket::new(Domain::for_address(any), Type::STREAM, None).unwrap();
        // With this option, such a copy doesn't prevent a server from binding the port.
        socket.set_reuse_address(true).unwrap();
        socket.bind(&any.into()).unwrap();
        let addr = socket.local_addr().unwrap().as_socket().unwrap();
        if GIVEN.lock().unwrap().insert(addr) {
            return addr;
        }
    }
}

/// Waits until the process at the other end of `stream` has read everything that was written to it.
#[track_caller]
pub fn wait_until_read(stream: &TcpStream) {
    let (own, peer) = (stream.local_addr().unwrap(), stream.peer_addr().unwrap());
    wait_until("all bytes are read", || {
        let mut sockets = sockets_at(own.port()).unwrap();
        sockets.retain(|it| it.joins(own, peer));
        // The kernel's list can lack a socket that has just been made.
        let both_listed = sockets.len() == 2;
        // A socket that no process has accepted has no inode.
        let is_read = |it: &Socket| it.unread == 0 && it.inode != 0;
        let is_done =
            |it: &Socket| it.local == own && it.unsent == 0 || it.local == peer && is_read(it);
        both_listed && sockets.iter().all(is_done)
    });
}

/// Waits until the other end of `stream` is closed for sending, even if its last bytes have not arrived.
#[track_caller]
pub fn wait_until_closed(stream: &TcpStream) {
    let own = stream.local_addr().unwrap();
    wait_until("the other end is closed", || {
        let sockets = sockets_at(own.port()).unwrap();
        let mut others = sockets.iter().filter(|it| it.remote == own);
        others.all(|it| it.state_name() != "ESTABLISHED")
    });
}

/// The clients' ends of the connections to the listener at `addr`. Those in TIME-WAIT are left out: they remain of ended
/// connections, perhaps with an earlier server at the same port.
pub fn clients_of(addr: SocketAddr) -> Vec<Socket> {
    let mut clients = sockets_at(addr.port()).unwrap();
    clients.retain(|it| it.remote == addr && it.state != State::TimeWait);
    clients
}

/// The ports of the clients that connect, or are connected, to the listener at `addr`.
pub fn client_ports(addr: SocketAddr) -> BTreeSet<u16> {
    let clients = clients_of(addr);
    clients.iter().map(|it| it.local.port()).collect()
}

#[cfg(test)]
mod tests {
    use portlab_sys::time_wait::has_room;

    use super::*;

    #[test]
    fn what_is_left_of_an_ended_connection_is_no_client() {
        let listener = listener();
        let addr = listener.local_addr().unwrap();
        let ended = TcpStream::connect(addr).unwrap();
        let own = ended.local_addr().unwrap();
        let (accepted, _) = listener.accept().unwrap();
        // The end that closes first is left in TIME-WAIT.
        drop(ended);
        wait_until_closed(&accepted);
        drop(accepted);
        let is_left = |it: &Socket| it.local == own && it.state == State::TimeWait;
        wait_until("the client's end is in TIME-WAIT", || {
            sockets_at(addr.port()).unwrap().iter().any(is_left) || !has_room()
        });

        let client = TcpStream::connect(addr).unwrap();
        let port = client.local_addr().unwrap().port();
        assert_eq!(client_ports(addr), BTreeSet::from([port]));
    }
}
