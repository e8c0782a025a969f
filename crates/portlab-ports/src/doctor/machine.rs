//! What this machine allows: the facts, without judging them.

use std::{
    io::{Read, Write},
    net::{IpAddr, SocketAddr, TcpListener, TcpStream},
    time::Duration,
};

use portlab_lab::python::Python;
use portlab_sys::{
    limits::{self, Tasks},
    machine::{Memory, Processors, machine, memory, processors},
    uring::{Uring, uring},
};
use portlab_words::Text;
use socket2::{Domain, Socket, Type};

use crate::{
    leftovers::Leftovers,
    listeners::Program,
    range::{Range, time_wait},
    snapshot::Snapshot,
};

/// The facts of a machine that a lesson or a load depends on.
#[derive(Clone, Debug)]
pub struct Facts {
    /// The limit of open files in force, and what it may be raised to; `u64::MAX` means no limit.
    pub(super) open_files: u64,
    pub(super) most_open_files: u64,
    pub(super) tasks: Option<Tasks>,
    /// How many memory maps a process may have.
    pub(super) memory_maps: Option<u64>,
    pub(super) processors: Processors,
    pub(super) memory: Option<Memory>,
    pub(super) range: Option<Range>,
    /// Ports of the range that are in use, and connections in TIME-WAIT.
    pub(super) in_use: usize,
    pub(super) time_wait: usize,
    /// Whether a port in TIME-WAIT is handed out again after a second, on loopback and elsewhere.
    pub(super) reuses_time_wait: (bool, bool),
    pub(super) somaxconn: Option<u32>,
    /// Connections that the firewall tracks, and can track.
    pub(super) conntrack: Option<(u64, u64)>,
    pub(super) uring: Uring,
    pub(super) loopback: Loopback,
    pub(super) course_port: CoursePort,
    pub(super) python: Option<Python>,
    /// The version of gevent, if Python has it.
    pub(super) gevent: Option<String>,
    pub(super) terminal: Terminal,
}

/// The error of a connection within this machine, by address; `None` if the connection works.
#[derive(Clone, Debug, Default)]
pub(super) struct Loopback {
    pub(super) v4: Option<Text>,
    /// At a second IPv4 address, which has ports of its own.
    pub(super) second: Option<Text>,
    pub(super) v6: Option<Text>,
}

/// What happens when a server binds the port of the course.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum CoursePort {
    Free,
    /// These programs listen on it; empty if they belong to another user and can't be seen.
    Held(Vec<String>),
    /// No program listens on it, but connections of an earlier server are left.
    LeftBehind(Leftovers),
    /// It can't be bound for another reason.
    Refused(Text),
}

/// The terminal that the output is shown on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Terminal {
    /// The width; `None` if the output goes to a file or a pipe.
    pub(super) columns: Option<usize>,
    /// The locale, which says how characters are encoded; empty if none is set.
    pub(super) locale: String,
    /// The value of `TERM`.
    pub(super) name: String,
}

/// The port that the course's server binds.
pub(super) const COURSE_PORT: u16 = 8080;

impl Facts {
    /// Looks at this machine. stdout is a terminal of `columns`, or no terminal. It takes a tenth of a second, because
    /// Python is started.
    pub fn gather(columns: Option<usize>) -> Self {
        // If the system doesn't list its sockets, no ports count as in use.
        let snapshot = Snapshot::take().unwrap_or_default();
        let range = Range::of_this_machine();
        let python = Python::find();
        Self {
            open_files: limits::open_files(),
            most_open_files: limits::most_open_files(),
            tasks: limits::tasks(),
            memory_maps: limits::memory_maps(),
            processors: processors(),
            memory: memory(),
            in_use: range
                .as_ref()
                .map_or(0, |range| range.usage(&snapshot.sockets).in_use),
            range,
            time_wait: time_wait(&snapshot.sockets),
            reuses_time_wait: limits::reuses_time_wait(),
            somaxconn: machine().somaxconn,
            conntrack: limits::conntrack(),
            uring: uring(),
            loopback: Loopback {
                v4: loopback_error([127, 0, 0, 1]),
                second: loopback_error([127, 0, 0, 2]),
                v6: loopback_error(std::net::Ipv6Addr::LOCALHOST),
            },
            course_port: course_port(&snapshot),
            gevent: python.as_ref().and_then(|python| python.package("gevent")),
            python,
            terminal: terminal(columns),
        }
    }
}

impl Terminal {
    /// Whether the locale can encode the characters of all languages.
    pub(super) fn is_utf8(&self) -> bool {
        let locale = self.locale.to_lowercase();
        locale.contains("utf-8") || locale.contains("utf8")
    }

    /// Whether the terminal has only a few hundred glyphs.
    pub(super) fn is_poor(&self) -> bool {
        matches!(self.name.as_str(), "linux" | "dumb")
    }
}

/// Connects to a listener of this program at `ip`, and returns the error if the connection doesn't work.
fn loopback_error(ip: impl Into<IpAddr>) -> Option<Text> {
    let connect = || {
        let listener = TcpListener::bind((ip.into(), 0))?;
        let mut client = TcpStream::connect_timeout(&listener.local_addr()?, TIMEOUT)?;
        client.set_read_timeout(Some(TIMEOUT))?;
        let (mut server, _) = listener.accept()?;
        server.write_all(b"!")?;
        client.read_exact(&mut [0])
    };
    connect()
        .err()
        .map(|error: std::io::Error| Text::system(&error))
}

/// Binds the port as the course's server does: at all addresses, without SO_REUSEADDR.
fn course_port(snapshot: &Snapshot) -> CoursePort {
    let addr = SocketAddr::from(([0, 0, 0, 0], COURSE_PORT));
    let bound =
        Socket::new(Domain::IPV4, Type::STREAM, None).and_then(|socket| socket.bind(&addr.into()));
    let Err(error) = bound else {
        return CoursePort::Free;
    };
    let mut held = snapshot.at(COURSE_PORT).peekable();
    match error.kind() {
        std::io::ErrorKind::AddrInUse if held.peek().is_some() => CoursePort::Held(
            held.flat_map(|it| it.programs.iter().map(Program::to_string))
                .collect(),
        ),
        std::io::ErrorKind::AddrInUse => {
            match Leftovers::at(COURSE_PORT, Some(addr.ip()), snapshot) {
                Some(left) => CoursePort::LeftBehind(left),
                None => CoursePort::Refused(Text::system(&error)),
            }
        }
        _ => CoursePort::Refused(Text::system(&error)),
    }
}

fn terminal(columns: Option<usize>) -> Terminal {
    let set = |name: &&str| std::env::var(name).ok().filter(|it| !it.is_empty());
    Terminal {
        columns,
        locale: ["LC_ALL", "LC_CTYPE", "LANG"]
            .iter()
            .find_map(set)
            .unwrap_or_default(),
        name: set(&"TERM").unwrap_or_default(),
    }
}

/// Far longer than loopback needs.
const TIMEOUT: Duration = Duration::from_secs(2);
