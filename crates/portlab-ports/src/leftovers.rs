//! The connections that keep a port from being bound although no program listens on it.

use std::{
    collections::BTreeSet,
    io,
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use portlab_sys::sockets::{Socket, State};
use portlab_words::{Text, tr, units};
use socket2::{Domain, Type};

use crate::{
    listeners::{Program, programs},
    snapshot::Snapshot,
};

/// The connections of a port without a listener, and whether a server can bind the port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leftovers {
    /// Connections in TIME-WAIT.
    pub(crate) time_wait: usize,
    /// How long the last of them stays in TIME-WAIT; `None` if the kernel doesn't report it.
    pub(crate) time_left: Option<Duration>,
    /// Connections that are still open, or being closed.
    pub(crate) open: usize,
    /// The programs that hold the open connections; empty if the kernel holds them, or the programs can't be seen.
    pub(crate) programs: Vec<Program>,
    /// The result of `bind` with SO_REUSEADDR.
    pub(crate) reusing: Bind,
}

/// The result of `bind`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bind {
    Works,
    /// EADDRINUSE.
    InUse,
    /// Another error, such as missing rights.
    Unknown,
}

impl Leftovers {
    /// Looks for connections at `port`, and binds the port for a moment, without listening: at `ip`, or else at the
    /// address of the first connection. `None` if there are no connections, if a program listens on the port, or if the
    /// port can be bound without SO_REUSEADDR.
    pub fn at(port: u16, ip: Option<IpAddr>, snapshot: &Snapshot) -> Option<Self> {
        if snapshot.at(port).next().is_some() {
            return None;
        }
        let of_port = |it: &&Socket| it.local.port() == port;
        let left: Vec<_> = snapshot.sockets.iter().filter(of_port).collect();
        let ip = ip.unwrap_or(left.first()?.local.ip()).to_canonical();
        let addr = SocketAddr::new(ip, port);
        if left.is_empty() || bind(addr, false) == Bind::Works {
            return None;
        }
        let waits = |it: &&&Socket| it.state == State::TimeWait;
        let open: Vec<_> = left.iter().filter(|it| !waits(it)).collect();
        let held = open.iter().flat_map(|it| snapshot.holders.get(&it.inode));
        let held: BTreeSet<_> = held.flatten().map(|it| (it.pid, it.name.clone())).collect();
        Some(Self {
            time_wait: left.iter().filter(waits).count(),
            time_left: left.iter().filter_map(|it| it.time_left).max(),
            open: open.len(),
            programs: programs(&held),
            reusing: bind(addr, true),
        })
    }

    /// Says which connections are left, for how long, and what that means for `bind`.
    pub fn tell(&self) -> Text {
        let mut left = Vec::new();
        if self.open > 0 {
            left.push(self.tell_open());
        }
        if self.time_wait > 0 {
            left.push(self.tell_time_wait());
        }
        let left = Text::join(left, ", and ", "，");
        let end = if self.open > 0 {
            Text::new("until they are closed", "在这些连接关闭之前")
        } else {
            Text::new("until then", "在这之前")
        };
        let bind = match self.reusing {
            Bind::Works => tr!(
                "{end} bind() works only with SO_REUSEADDR, and only because the earlier socket had set it too",
                "{end:#}，只有设置了 SO_REUSEADDR（端口复用）的程序才能 bind；上一个套接字当时也设置了，\
                 所以现在才有用"
            ),
            Bind::InUse => tr!(
                "{end} bind() fails, even with SO_REUSEADDR, which helps only if the earlier socket had set it too",
                "{end:#} bind 会失败，设置 SO_REUSEADDR（端口复用）也没用：上一个套接字当时也设置了才有用"
            ),
            Bind::Unknown => tr!(
                "{end} bind() fails, unless both the earlier socket and the next one set SO_REUSEADDR",
                "{end:#} bind 会失败，除非上一个套接字和这一个都设置了 SO_REUSEADDR（端口复用）"
            ),
        };
        tr!("{left}; {bind}", "{left:#}；{bind:#}")
    }

    fn tell_time_wait(&self) -> Text {
        let left = match self.time_left {
            Some(left) => {
                let left = units::time(left);
                tr!("another {left}", "还要 {left}")
            }
            None => Text::new("up to a minute", "最多一分钟"),
        };
        match self.time_wait {
            1 => tr!(
                "1 closed connection is remembered there (TIME-WAIT), for {left}",
                "系统还记着 1 个已经关闭的连接（TIME-WAIT），{left:#}"
            ),
            count => tr!(
                "{count} closed connections are remembered there (TIME-WAIT), for {left}",
                "系统还记着 {count} 个已经关闭的连接（TIME-WAIT），{left:#}"
            ),
        }
    }

    fn tell_open(&self) -> Text {
        let names = Text::join(&self.programs, ", ", "、");
        let held = match self.programs.as_slice() {
            [] => names,
            _ => tr!(" ({names})", "（{names:#}）"),
        };
        match self.open {
            1 => tr!(
                "1 connection is still open there{held}",
                "还有 1 个连接没有关完{held:#}"
            ),
            count => tr!(
                "{count} connections are still open there{held}",
                "还有 {count} 个连接没有关完{held:#}"
            ),
        }
    }
}

/// Binds `addr` for a moment, with or without SO_REUSEADDR.
fn bind(addr: SocketAddr, reuses: bool) -> Bind {
    let bind = || {
        let socket = socket2::Socket::new(Domain::for_address(addr), Type::STREAM, None)?;
        socket.set_reuse_address(reuses)?;
        socket.bind(&addr.into())
    };
    match bind() {
        Ok(()) => Bind::Works,
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => Bind::InUse,
        Err(_) => Bind::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn left(time_wait: usize, open: usize, reusing: Bind) -> Leftovers {
        Leftovers {
            time_wait,
            time_left: (time_wait > 0).then_some(Duration::from_secs(43)),
            open,
            programs: Vec::new(),
            reusing,
        }
    }

    #[test]
    fn the_text_names_the_connections_the_time_and_the_effect_of_reuseaddr() {
        #[rustfmt::skip]
        let cases = [
            (left(1, 0, Bind::Works), ["1 closed connection is", "43.0 s", "works only with SO_REUSEADDR"], "才能 bind"),
            (left(2, 0, Bind::InUse), ["2 closed connections are", "43.0 s", "fails, even with SO_REUSEADDR"], "也没用"),
            (left(2, 0, Bind::Unknown), ["TIME-WAIT", "until then", "unless both"], "除非"),
            (left(0, 1, Bind::Works), ["1 connection is still open", "until they are closed", "works only"], "关闭之前"),
            (left(3, 2, Bind::InUse), ["2 connections are still", "3 closed connections", "until they are"], "没有关完"),
        ];
        for (left, en, zh) in cases {
            let text = left.tell();
            assert!(en.iter().all(|it| text.en.contains(it)), "{text}");
            assert!(
                text.zh.contains(zh) && !text.zh.contains(" is "),
                "{text:#}"
            );
        }
    }

    #[test]
    fn the_programs_that_hold_open_connections_are_named() {
        let mut left = left(0, 1, Bind::InUse);
        left.programs = vec![Program {
            name: "python3".to_owned(),
            pids: vec![42],
        }];
        let Text { en, zh } = left.tell();
        assert!(en.contains(" (python3 (pid 42))") && zh.contains("（python3 (pid 42)）"));
        left.time_left = None;
        left.time_wait = 1;
        assert!(left.tell().en.contains("for up to a minute"));
    }

    #[test]
    fn nothing_is_left_where_a_program_listens_or_the_port_is_free() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let client = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let served = listener.accept().unwrap();
        assert_eq!(Leftovers::at(port, None, &Snapshot::take().unwrap()), None);
        drop(listener);
        // The accepted connection is still open.
        let found = Leftovers::at(port, None, &Snapshot::take().unwrap()).unwrap();
        assert_eq!((found.open, found.time_wait), (1, 0));
        let pid = std::process::id().cast_signed();
        assert_eq!(found.programs[0].pids, [pid]);
        drop((client, served));
    }
}
