//! The kernel's tables, as far as a lesson shows them.

use std::{
    io::{self, ErrorKind},
    net::TcpListener,
    thread,
    time::{Duration, Instant},
};

use portlab_sys::{
    sockets::{self, Socket, holders},
    threads,
};
use unicode_width::UnicodeWidthStr;

/// The TCP sockets at either end of which `port` stands: the listening one first, then those of the
/// server's side, then those of the clients'.
///
/// # Errors
/// When `/proc/net/tcp` can't be read.
pub fn sockets_at(port: u16) -> io::Result<Vec<Socket>> {
    let mut found = sockets::sockets()?;
    found.retain(|it| it.local.port() == port || it.remote.port() == port);
    found.sort_by_key(|it| (it.remote.port() != 0, it.local.port() != port, it.remote));
    Ok(found)
}

/// Waits until the sockets at `port` are as `are` says, for 5 s at most, and returns them as they are
/// then: what the kernel does after a packet takes it a moment.
///
/// # Errors
/// When `/proc/net/tcp` can't be read.
pub fn sockets_once(port: u16, are: impl Fn(&[Socket]) -> bool) -> io::Result<Vec<Socket>> {
    let since = Instant::now();
    loop {
        let found = sockets_at(port)?;
        if are(&found) || since.elapsed() > Duration::from_secs(5) {
            return Ok(found);
        }
        thread::sleep(Duration::from_millis(2));
    }
}

/// Opens a door of 127.0.0.1 whose number nobody else's socket has, so that what is seen at that number
/// is the lesson's: the number of another's TIME-WAIT is handed out again while that is still listed.
///
/// # Errors
/// When there is no port, or `/proc/net/tcp` can't be read.
pub fn quiet_door() -> io::Result<TcpListener> {
    let mut noisy = Vec::new();
    loop {
        let door = TcpListener::bind(("127.0.0.1", 0))?;
        if is_quiet(door.local_addr()?.port())? || noisy.len() == TRIES {
            return Ok(door);
        }
        // Held until another is found: it would be handed out again.
        noisy.push(door);
    }
}

/// Whether no other socket stands at `port` than the one that listens.
///
/// # Errors
/// When `/proc/net/tcp` can't be read.
pub fn is_quiet(port: u16) -> io::Result<bool> {
    Ok(sockets_at(port)?.len() == 1)
}

/// How many doors are tried until a noisy one will do.
const TRIES: usize = 50;

/// Sockets as `ss` shows them, with whose they are.
#[must_use]
pub fn shown(sockets: &[Socket]) -> String {
    let holders = holders();
    let head = ["State", "Recv-Q", "Send-Q", "Local", "Peer", "Process"].map(str::to_owned);
    let rows = sockets.iter().map(|it| {
        let holder = holders.get(&it.inode).and_then(|held| held.first());
        let peer = if it.remote.port() == 0 {
            "*".to_owned()
        } else {
            it.remote.to_string()
        };
        [
            it.state_name().to_owned(),
            it.unread.to_string(),
            it.unsent.to_string(),
            it.local.to_string(),
            peer,
            holder.map_or_else(|| "-".to_owned(), |it| format!("{}/{}", it.pid, it.name)),
        ]
    });
    // A single space: both ends of a connection and the longest process number fit into 80 columns.
    in_columns(&[head].into_iter().chain(rows).collect::<Vec<_>>(), " ")
}

/// The threads of a process with their states.
///
/// # Errors
/// When there is no such process.
pub fn threads_of(pid: i32) -> io::Result<String> {
    let head = ["TID", "Name", "State"].map(str::to_owned);
    let rows = threads::threads(pid)?;
    let rows = rows
        .iter()
        .map(|it| [it.tid.to_string(), it.name.clone(), it.state.to_string()]);
    Ok(table(&[head].into_iter().chain(rows).collect::<Vec<_>>()))
}

/// What the kernel calls an error; `OK` when there was none.
#[must_use]
pub fn error_name(error: Option<&io::Error>) -> String {
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

/// Rows in columns.
#[must_use]
pub fn table<const N: usize>(rows: &[[String; N]]) -> String {
    in_columns(rows, "  ")
}

fn in_columns<const N: usize>(rows: &[[String; N]], gap: &str) -> String {
    let mut widths = [0; N];
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.width());
        }
    }
    let line = |row: &[String; N]| {
        let cells = row.iter().zip(widths);
        let cells =
            cells.map(|(cell, width)| format!("{cell}{}", " ".repeat(width - cell.width())));
        let line = cells.collect::<Vec<_>>().join(gap);
        line.trim_end().to_owned()
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpStream;

    #[test]
    fn a_door_with_a_call_is_not_quiet() {
        let door = quiet_door().unwrap();
        let addr = door.local_addr().unwrap();
        let call = TcpStream::connect(addr).unwrap();
        assert!(!is_quiet(addr.port()).unwrap());
        drop(call);
    }

    #[test]
    fn errors_have_the_kernels_names() {
        let name = |kind: ErrorKind| error_name(Some(&kind.into()));
        assert_eq!(name(ErrorKind::NotConnected), "ENOTCONN");
        assert_eq!(name(ErrorKind::TimedOut), "timed out");
        assert_eq!(error_name(None), "OK");
    }

    #[test]
    fn columns_line_up_also_in_chinese() {
        let rows = [["端口", "b"], ["a", "c"]].map(|row| row.map(str::to_owned));
        assert_eq!(table(&rows), "端口  b\na     c");
    }
}
