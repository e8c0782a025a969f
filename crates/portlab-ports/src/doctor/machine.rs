//! What this machine allows: the facts, as they are found.

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
use socket2::{Domain, Socket, Type};

use crate::{
    leftovers::Leftovers,
    listeners::{Program, Snapshot},
    range::{Range, time_wait},
};

/// The facts of a machine that a lesson or a load depends on.
#[derive(Clone, Debug)]
pub struct Facts {
    /// The limit of open files in force, and what it may be raised to; `u64::MAX` is none.
    pub(super) open_files: u64,
    pub(super) most_open_files: u64,
    pub(super) tasks: Option<Tasks>,
    pub(super) processors: Processors,
    pub(super) memory: Option<Memory>,
    pub(super) range: Option<Range>,
    /// Ports of the range that are in use, and connections in TIME-WAIT.
    pub(super) in_use: usize,
    pub(super) time_wait: usize,
    /// Whether a port in TIME-WAIT is handed out again after a second, on loopback and elsewhere.
    pub(super) reuses_time_wait: (bool, bool),
    pub(super) somaxconn: Option<u32>,
    /// Connections that the firewall follows, and can follow.
    pub(super) conntrack: Option<(u64, u64)>,
    pub(super) uring: Uring,
    pub(super) loopback: Loopback,
    pub(super) course_port: CoursePort,
    pub(super) python: Option<Python>,
    /// Its version, when Python has it.
    pub(super) gevent: Option<String>,
    pub(super) terminal: Terminal,
}

/// What goes wrong when a program of this machine talks to another; `None` when nothing does.
#[derive(Clone, Debug, Default)]
pub(super) struct Loopback {
    pub(super) v4: Option<String>,
    /// A second address, for more ports.
    pub(super) second: Option<String>,
    pub(super) v6: Option<String>,
}

/// What becomes of a server that binds the port of the course.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum CoursePort {
    Free,
    /// These programs listen on it; none if it is another user's, which can't be seen.
    Held(Vec<String>),
    /// No program listens on it, but connections of an earlier server are left.
    Remembered(Leftovers),
    /// It may not be bound, and why.
    Refused(String),
}

/// What is printed to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Terminal {
    /// Its width; `None` when it is none.
    pub(super) columns: Option<usize>,
    /// The setting that says which letters there are; empty when none does.
    pub(super) locale: String,
    /// What the terminal calls itself.
    pub(super) name: String,
}

/// The port that the course's server binds.
pub(super) const COURSE_PORT: u16 = 8080;

impl Facts {
    /// Looks at this machine, whose stdout is a terminal of so many `columns`, or none. It takes a tenth of a second:
    /// Python is asked too.
    pub fn gather(columns: Option<usize>) -> Self {
        // A machine that doesn't list its sockets has none in use, as far as one can tell.
        let snapshot = Snapshot::take().unwrap_or_default();
        let range = Range::of_this_machine();
        let python = Python::find();
        Self {
            open_files: limits::open_files(),
            most_open_files: limits::most_open_files(),
            tasks: limits::tasks(),
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
                v4: talks_at([127, 0, 0, 1]),
                second: talks_at([127, 0, 0, 2]),
                v6: talks_at(std::net::Ipv6Addr::LOCALHOST),
            },
            course_port: course_port(&snapshot),
            gevent: python.as_ref().and_then(|python| python.package("gevent")),
            python,
            terminal: terminal(columns),
        }
    }
}

impl Terminal {
    /// Whether the settings allow letters of all languages.
    pub(super) fn is_utf8(&self) -> bool {
        let locale = self.locale.to_lowercase();
        locale.contains("utf-8") || locale.contains("utf8")
    }

    /// Whether it has no glyphs but those of its own few hundred.
    pub(super) fn is_poor(&self) -> bool {
        matches!(self.name.as_str(), "linux" | "dumb")
    }
}

/// Has this program talk to itself at `ip`, and tells what goes wrong.
fn talks_at(ip: impl Into<IpAddr>) -> Option<String> {
    let talk = || {
        let listener = TcpListener::bind((ip.into(), 0))?;
        let mut client = TcpStream::connect_timeout(&listener.local_addr()?, PATIENCE)?;
        client.set_read_timeout(Some(PATIENCE))?;
        let (mut server, _) = listener.accept()?;
        server.write_all(b"!")?;
        client.read_exact(&mut [0])
    };
    talk().err().map(|error: std::io::Error| error.to_string())
}

/// Tries what the course's server does: it binds the port at all addresses, without SO_REUSEADDR.
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
                Some(left) => CoursePort::Remembered(left),
                None => CoursePort::Refused(error.to_string()),
            }
        }
        _ => CoursePort::Refused(error.to_string()),
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

/// Loopback answers within microseconds.
const PATIENCE: Duration = Duration::from_secs(2);
