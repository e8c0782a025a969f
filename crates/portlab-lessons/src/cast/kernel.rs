//! The kernel's tables of sockets and threads, as lessons show them.

use std::{
    collections::HashMap,
    io::{self, ErrorKind},
    net::SocketAddr,
    thread,
    time::{Duration, Instant},
};

use portlab_sys::{
    listening::listening,
    sockets::{self, Holder, Socket, State, holders},
    threads::{self, Thread},
    time_wait,
};
use portlab_words::table::columns;

use super::PATIENCE;
use crate::seen::Seen;

/// The TCP sockets with `port` as their own or their peer's port: first the listening socket, then those of the server's
/// side, then those of the clients. Fails when `/proc/net/tcp` can't be read.
pub(crate) fn sockets_at(port: u16) -> io::Result<Vec<Socket>> {
    let mut found = sockets::sockets_at(port)?;
    found.sort_by_key(|it| (it.remote.port() != 0, it.local.port() != port, it.remote));
    Ok(found)
}

/// Waits until `are` holds for the sockets at `port`, for [`PATIENCE`] at most, and returns them: the kernel's table changes
/// a moment after a packet. Fails when `/proc/net/tcp` can't be read.
pub(crate) fn sockets_once(port: u16, are: impl Fn(&[Socket]) -> bool) -> io::Result<Vec<Socket>> {
    until(PATIENCE, || sockets_at(port), or_fails(are))
}

/// Waits until `holds`, for [`PATIENCE`] at most. Returns whether it did.
pub(crate) fn once(holds: impl FnMut() -> bool) -> bool {
    until(PATIENCE, holds, |holds| *holds)
}

/// Calls `look` again and again, until its result `is_so`, for `patience` at most. Returns the last result.
pub(crate) fn until<T>(
    patience: Duration,
    mut look: impl FnMut() -> T,
    is_so: impl Fn(&T) -> bool,
) -> T {
    let since = Instant::now();
    loop {
        let seen = look();
        if is_so(&seen) || since.elapsed() > patience {
            return seen;
        }
        thread::sleep(Duration::from_millis(2));
    }
}

/// The condition `are`, or an error, which ends the wait as well.
fn or_fails<T>(are: impl Fn(&[T]) -> bool) -> impl Fn(&io::Result<Vec<T>>) -> bool {
    move |seen| seen.as_ref().map_or(true, |found| are(found))
}

/// As [`sockets_once`], for closed connections, most of them in TIME-WAIT; and the outcome of the claim that they are left.
/// The kernel keeps a limited number of them. If the limit is reached, this doesn't wait, and the claim can't be shown here.
/// `had_room` says whether the kernel was below its limit when the connection was closed.
/// Fails when `/proc/net/tcp` can't be read.
pub(crate) fn remains_once(
    port: u16,
    had_room: bool,
    are: impl Fn(&[Socket]) -> bool,
) -> io::Result<(Vec<Socket>, Seen)> {
    let has_room = || had_room && time_wait::has_room();
    let found = sockets_once(port, |all| are(all) || !has_room())?;
    let seen = match are(&found) {
        false if !has_room() => Seen::NotHere,
        seen => seen.into(),
    };
    Ok((found, seen))
}

/// Sockets with their processes, as `ss` shows them. Send-Q of a listening socket is the limit of its queue.
pub(crate) fn shown(sockets: &[Socket]) -> String {
    let holders = holders();
    let listening = listening();
    // Unknown if the socket has been closed meanwhile, or without netlink.
    let limit = |it: &Socket| {
        let found = listening.get(&it.inode);
        found.map_or("-".to_owned(), |it| it.backlog.to_string())
    };
    let head = ["State", "Recv-Q", "Send-Q", "Local", "Peer", "Process"].map(str::to_owned);
    let rows = sockets.iter().map(|it| {
        let peer = if it.remote.port() == 0 {
            "*".to_owned()
        } else {
            it.remote.to_string()
        };
        [
            it.state_name().to_owned(),
            it.unread.to_string(),
            match it.state {
                State::Listen => limit(it),
                _ => it.unsent.to_string(),
            },
            it.local.to_string(),
            peer,
            process_of(it.inode, &holders),
        ]
    });
    // A single space: both ends of a connection and the longest process number fit into 80 columns.
    columns(&[head].into_iter().chain(rows).collect::<Vec<_>>(), 1)
}

/// The process that has the socket `inode`, as `ss` shows it.
pub(crate) fn process_of(inode: u64, holders: &HashMap<u64, Vec<Holder>>) -> String {
    let holder = holders.get(&inode).and_then(|held| held.first());
    holder.map_or_else(|| "-".to_owned(), |it| format!("{}/{}", it.pid, it.name))
}

/// The sockets of the server's side at `port`, in fewer columns than [`shown`]: the listening socket, whose Recv-Q is the
/// number of connections that wait to be accepted, and the connections with their unread bytes. A connection that wasn't
/// accepted belongs to no process yet.
pub(crate) fn side_of_server(port: u16, sockets: &[Socket]) -> String {
    let holders = holders();
    let head = ["State", "Recv-Q", "Peer", "Process"].map(str::to_owned);
    let own = sockets.iter().filter(|it| it.local.port() == port);
    let rows = own.map(|it| {
        [
            it.state_name().to_owned(),
            it.unread.to_string(),
            match it.state {
                State::Listen => "*".to_owned(),
                _ => it.remote.to_string(),
            },
            process_of(it.inode, &holders),
        ]
    });
    columns(&[head].into_iter().chain(rows).collect::<Vec<_>>(), 2)
}

/// How many connections at `port` have been accepted: a connection that waits to be accepted has no inode.
pub(crate) fn accepted(port: u16, sockets: &[Socket]) -> usize {
    let own = sockets.iter().filter(|it| it.local.port() == port);
    own.filter(|it| it.state == State::Established && it.inode != 0)
        .count()
}

/// How many connections wait at `port` to be accepted.
pub(crate) fn queued(port: u16, sockets: &[Socket]) -> u32 {
    let mut own = sockets.iter().filter(|it| it.local.port() == port);
    own.find(|it| it.state == State::Listen)
        .map_or(0, |it| it.unread)
}

/// The number of bytes from `peer` that the server hasn't read.
pub(crate) fn unread_from(peer: SocketAddr, sockets: &[Socket]) -> u32 {
    let mut all = sockets.iter();
    all.find(|it| it.remote == peer).map_or(0, |it| it.unread)
}

/// Waits until `are` holds for the threads of a process, for [`PATIENCE`] at most, and returns them.
/// Fails if no process has this id.
pub(crate) fn threads_once(pid: i32, are: impl Fn(&[Thread]) -> bool) -> io::Result<Vec<Thread>> {
    until(PATIENCE, || threads::threads(pid), or_fails(are))
}

/// The state of this process's thread `name`, a letter as in [`Thread::state`]; `None` if there is no such thread.
pub(crate) fn own_thread(name: &str) -> Option<char> {
    let all = threads::threads(own_pid()).unwrap_or_default();
    let found = all.iter().find(|it| it.name == name);
    found.map(|it| it.state)
}

pub(crate) fn own_pid() -> i32 {
    std::process::id().cast_signed()
}

pub(crate) fn are_asleep(threads: &[Thread]) -> bool {
    threads.iter().all(|it| it.state == 'S')
}

/// The threads of a process with their states. Fails if no process has this id.
pub(crate) fn threads_of(pid: i32) -> io::Result<String> {
    threads::threads(pid).map(|threads| threads_shown(&threads))
}

/// Threads with their states.
pub(crate) fn threads_shown(threads: &[Thread]) -> String {
    let head = ["TID", "Name", "State"].map(str::to_owned);
    let row = |it: &Thread| [it.tid.to_string(), it.name.clone(), it.state.to_string()];
    let rows = [head].into_iter().chain(threads.iter().map(row));
    columns(&rows.collect::<Vec<_>>(), 2)
}

/// The kernel's name of an error; `OK` if there was no error.
pub(crate) fn error_name(error: Option<&io::Error>) -> String {
    let Some(error) = error else {
        return "OK".to_owned();
    };
    let name = match error.kind() {
        ErrorKind::AddrInUse => "EADDRINUSE",
        ErrorKind::AddrNotAvailable => "EADDRNOTAVAIL",
        ErrorKind::BrokenPipe => "EPIPE",
        ErrorKind::ConnectionRefused => "ECONNREFUSED",
        ErrorKind::ConnectionReset => "ECONNRESET",
        ErrorKind::NotConnected => "ENOTCONN",
        ErrorKind::PermissionDenied => "EACCES",
        ErrorKind::WouldBlock => "EAGAIN",
        _ => return error.to_string(),
    };
    name.to_owned()
}

#[cfg(test)]
mod tests {
    use std::{io::Write, net::TcpListener, net::TcpStream};

    use super::*;

    #[test]
    fn errors_have_the_kernels_names() {
        let name = |kind: ErrorKind| error_name(Some(&kind.into()));
        assert_eq!(name(ErrorKind::NotConnected), "ENOTCONN");
        assert_eq!(name(ErrorKind::TimedOut), "timed out");
        assert_eq!(error_name(None), "OK");
    }

    #[test]
    fn a_connection_that_was_not_accepted_has_no_process_and_its_bytes_are_counted() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let door = listener.local_addr().unwrap();
        let mut client = TcpStream::connect(door).unwrap();
        client.write_all(b"hello").unwrap();
        let own = client.local_addr().unwrap();
        let port = door.port();
        let waits = sockets_once(port, |all| unread_from(own, all) == 5).unwrap();
        assert_eq!((queued(port, &waits), accepted(port, &waits)), (1, 0));
        let rows = side_of_server(port, &waits);
        assert_eq!(rows.lines().count(), 3, "{rows}");
        assert!(rows.lines().last().unwrap().ends_with('-'), "{rows}");
        let _served = listener.accept().unwrap();
        let served = sockets_once(port, |all| accepted(port, all) == 1).unwrap();
        assert_eq!((queued(port, &served), accepted(port, &served)), (0, 1));
    }

    #[test]
    fn the_send_q_of_a_listening_socket_is_its_limit() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let all = sockets_at(listener.local_addr().unwrap().port()).unwrap();
        // Connections of an earlier program may still be in TIME-WAIT at this port.
        let shown = shown(&all);
        let row = shown.lines().find(|row| row.starts_with("LISTEN")).unwrap();
        let cells: Vec<_> = row.split_whitespace().take(3).collect();
        assert_eq!(cells, ["LISTEN", "0", "128"], "{row}");
    }

    #[test]
    fn once_waits_until_the_condition_holds() {
        let mut looks = 0;
        let third = || {
            looks += 1;
            looks == 3
        };
        assert!(once(third));
        assert_eq!(looks, 3);
    }

    #[test]
    fn until_returns_the_last_result_when_its_time_is_over() {
        assert_eq!(until(Duration::ZERO, || 1, |seen| *seen == 2), 1);
        let since = Instant::now();
        assert!(threads_once(0, <[_]>::is_empty).is_err());
        assert!(since.elapsed() < PATIENCE);
    }
}
