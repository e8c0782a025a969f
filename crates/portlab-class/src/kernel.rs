//! The kernel's view: the TCP sockets of the page's ports with their states and queues, as `ss` shows them.

use std::{
    collections::{BTreeMap, HashMap},
    io,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::Duration,
};

use portlab_sys::{
    listening::{Listening, listening},
    sockets::{Holder, Socket, State, holders, sockets},
};
use portlab_words::Text;
use serde::Serialize;

use crate::room::Room;

/// The ports that the view shows, by the part of the page that owns them.
#[derive(Debug, Default)]
pub(crate) struct Ports {
    shown: Mutex<BTreeMap<Owner, Port>>,
}

/// Which part of the page listens at a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Owner {
    /// The server in this slot of the stage.
    Slot(usize),
    Console,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Port {
    port: u16,
    /// What listens there.
    name: Text,
}

impl Ports {
    /// Shows the port of `owner` from now on, in place of its port before; with `None`, no longer.
    pub(crate) fn show(&self, owner: Owner, port: Option<(u16, Text)>) {
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        match port {
            Some((port, name)) => shown.insert(owner, Port { port, name }),
            None => shown.remove(&owner),
        };
    }

    fn all(&self) -> Vec<Port> {
        let shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        shown.values().cloned().collect()
    }
}

/// The sockets of the page's ports, for browsers.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct View {
    ports: Vec<Port>,
    /// How many sockets are in each state.
    states: BTreeMap<&'static str, usize>,
    rows: Vec<Row>,
    /// The sockets that `rows` has no room for.
    more: usize,
}

/// A socket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Row {
    state: &'static str,
    /// Received bytes that the program hasn't read. LISTEN: connections that wait to be accepted.
    recv_q: u32,
    /// Sent bytes that the peer hasn't acknowledged. LISTEN: the limit of the accept queue, if the kernel tells it.
    send_q: Option<u32>,
    local: String,
    /// `*` for LISTEN.
    remote: String,
    /// Which of the ports is at one of the ends.
    port: usize,
    /// Whether this is the end of the port, and not of its client.
    is_server: bool,
    process: Option<Process>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Process {
    name: String,
    pid: i32,
    /// How many other processes have the socket too: they have inherited it.
    others: usize,
    /// Whether it is the page itself.
    is_page: bool,
}

/// Publishes the view while a browser watches it, on a thread that lives as long as the page.
pub(crate) fn start(room: Arc<Room>) -> io::Result<()> {
    let thread = thread::Builder::new().name("kernel".to_owned());
    let run = move || {
        let mut known = Known::default();
        while !room.has_ended() {
            if room.is_watched("kernel") {
                room.publish("kernel", &known.look(&room.ports));
            }
            thread::sleep(EVERY);
        }
    };
    thread.spawn(run).map(drop)
}

/// What is kept between two looks, because to find it takes long.
#[derive(Default)]
struct Known {
    holders: HashMap<u64, Vec<Holder>>,
    listening: HashMap<u64, Listening>,
}

impl Known {
    fn look(&mut self, ports: &Ports) -> View {
        let ports = ports.all();
        // If the kernel's table can't be read now, it can be at the next look.
        let all = sockets().unwrap_or_default();
        let of_ports: Vec<_> = all
            .into_iter()
            .filter_map(|socket| Some((place(&socket, &ports)?, socket)))
            .collect();
        let is_new = |it: &Socket| it.inode != 0 && !self.holders.contains_key(&it.inode);
        if of_ports.iter().any(|(_, socket)| is_new(socket)) {
            self.holders = holders();
            self.listening = listening();
        }
        view(ports, of_ports, self)
    }
}

/// Which of `ports` the socket belongs to, and whether it is the end of the port.
fn place(socket: &Socket, ports: &[Port]) -> Option<(usize, bool)> {
    let at = |addr: SocketAddr| ports.iter().position(|it| it.port == addr.port());
    let own = at(socket.local).map(|port| (port, true));
    own.or_else(|| Some((at(socket.remote)?, false)))
}

fn view(ports: Vec<Port>, mut all: Vec<((usize, bool), Socket)>, known: &Known) -> View {
    let mut states = BTreeMap::new();
    for (_, socket) in &all {
        *states.entry(socket.state_name()).or_default() += 1;
    }
    // Both ends of a connection are neighbours, and no state moves a row but the first and the last.
    all.sort_by_key(|((port, is_server), socket)| {
        let client = match is_server {
            true => socket.remote,
            false => socket.local,
        };
        let rank = match socket.state {
            State::Listen => 0,
            State::TimeWait => 2,
            _ => 1,
        };
        (*port, rank, client, !is_server)
    });
    // Each port has its share, so that a flood at one of them hides no other.
    let share = MOST_ROWS / ports.len().max(1);
    let mut rows = Vec::new();
    for port in 0..ports.len() {
        let of_port = all.iter().filter(|((at, _), _)| *at == port);
        rows.extend(
            of_port
                .take(share)
                .map(|(place, it)| row(it, *place, known)),
        );
    }
    View {
        ports,
        states,
        more: all.len() - rows.len(),
        rows,
    }
}

fn row(socket: &Socket, (port, is_server): (usize, bool), known: &Known) -> Row {
    let listens = socket.state == State::Listen;
    let limit = || known.listening.get(&socket.inode).map(|it| it.backlog);
    let holders = known.holders.get(&socket.inode);
    let process = holders.and_then(|it| it.first()).map(|first| Process {
        name: first.name.clone(),
        pid: first.pid,
        others: holders.map_or(0, |it| it.len() - 1),
        is_page: u32::try_from(first.pid) == Ok(std::process::id()),
    });
    Row {
        state: socket.state_name(),
        recv_q: socket.unread,
        send_q: match listens {
            true => limit(),
            false => Some(socket.unsent),
        },
        local: shown(socket.local),
        remote: match listens {
            true => "*".to_owned(),
            false => shown(socket.remote),
        },
        port,
        is_server,
        process,
    }
}

/// An IPv4 client of an IPv6 socket is shown as in IPv4.
fn shown(addr: SocketAddr) -> String {
    SocketAddr::new(addr.ip().to_canonical(), addr.port()).to_string()
}

const EVERY: Duration = Duration::from_millis(500);
/// More rows than a class can read.
const MOST_ROWS: usize = 100;

#[cfg(test)]
mod tests;
