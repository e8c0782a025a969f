//! The port at which a program listens, read from the kernel: no connection is made to find it.

use std::{
    collections::BTreeSet,
    net::SocketAddr,
    thread,
    time::{Duration, Instant},
};

use portlab_sys::{
    listening::{listening, reached},
    sockets::{State, held_by, sockets, sockets_at},
    time_wait,
};

/// The addresses at which `processes` listen, each once, in the order of their ports.
pub(super) fn listeners(processes: &[i32]) -> Vec<SocketAddr> {
    let held = held_by(processes).inodes;
    let details = listening();
    let mut found: Vec<_> = match details.is_empty() {
        // The kernel reads its table of all connections, which takes a hundred times longer.
        true => {
            let mut all = sockets().unwrap_or_default();
            all.retain(|it| it.state == State::Listen && held.contains(&it.inode));
            all.iter().map(|it| it.local).collect()
        }
        false => held
            .iter()
            .flat_map(|it| details.get(it))
            .map(|it| it.local)
            .collect(),
    };
    found.sort_by_key(|it| (it.port(), it.is_ipv6()));
    found
}

/// The address at which clients of this machine reach one of `listeners`: that with the port `wanted` if one was asked
/// for, or else the first.
pub(super) fn chosen(listeners: &[SocketAddr], wanted: Option<u16>) -> Option<SocketAddr> {
    let mut of_port = listeners.iter();
    let found = match wanted {
        Some(port) => of_port.find(|it| it.port() == port),
        None => of_port.next(),
    };
    found.map(|it| reached(*it))
}

/// Waits until nothing listens at `port`, and frees it from sockets in TIME-WAIT. If both ends have closed at once, both
/// are in TIME-WAIT, and the kernel frees the client's end for another connection after a second.
pub(super) fn free(port: u16) {
    let since = Instant::now();
    while since.elapsed() < FREEING {
        let mut at_port = sockets_at(port).unwrap_or_default();
        at_port.retain(|it| it.local.port() == port);
        let has = |state| at_port.iter().any(|it| it.state == state);
        if !has(State::Listen) {
            // If the sockets can't be listed, the program's own error says what is wrong.
            let _ = time_wait::sweep(port);
            if !has(State::TimeWait) {
                break;
            }
        }
        thread::sleep(AGAIN);
    }
}

/// Frees the ports from sockets in TIME-WAIT that an earlier server has left: each of `named`, and each below those that
/// the kernel gives to clients, if nothing listens at it. Returns whether there was one.
pub(super) fn free_what_was_left(named: &[u16]) -> bool {
    let all = sockets().unwrap_or_default();
    let with = |state| {
        let found = all.iter().filter(move |it| it.state == state);
        found.map(|it| it.local.port()).collect::<BTreeSet<_>>()
    };
    let mut left = with(State::TimeWait);
    left.retain(|port| *port < OF_CLIENTS || named.contains(port));
    let left: Vec<_> = left.difference(&with(State::Listen)).copied().collect();
    for port in &left {
        free(*port);
    }
    !left.is_empty()
}

/// The first port that the kernel gives to clients by default.
///
/// Source: `ip_local_port_range` in `ip(7)`.
const OF_CLIENTS: u16 = 32768;

/// How long the port of a killed program may take to be free.
const FREEING: Duration = Duration::from_secs(3);

/// The time between two looks at the port.
const AGAIN: Duration = Duration::from_millis(5);
