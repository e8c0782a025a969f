//! Examining a listener without connecting to it.

use std::{collections::BTreeSet, net::SocketAddr, thread, time::Instant};

use portlab_sys::{
    listening::reached,
    sockets::{Socket, State, sockets_at},
};

use super::{Attempt, Here, LOOK_AGAIN, Location, Outcome, canonical, queue_at};
use crate::snapshot::Snapshot;

/// Examines the listener at `addr`, which is one of `before`. If connections wait to be accepted, the listener is
/// watched until it accepts one, for at most `timeout`.
pub(super) fn watch(
    addr: SocketAddr,
    location: Location,
    before: Snapshot,
    timeout: std::time::Duration,
) -> Attempt {
    let accepted = accepts(addr, &before, Instant::now() + timeout);
    Attempt {
        addr,
        location,
        took: None,
        outcome: Outcome::Listens,
        here: Some(Here {
            queue: queue_at(addr),
            before,
            accepted,
            has_ended: None,
            leftovers: None,
        }),
    }
}

/// Whether the listener accepts one of the waiting connections; `None` if no connection waits.
fn accepts(addr: SocketAddr, before: &Snapshot, until: Instant) -> Option<bool> {
    let waiting = waiting(&before.sockets, addr, before);
    if waiting.is_empty() {
        return None;
    }
    loop {
        let now = sockets_at(addr.port()).ok()?;
        let still = self::waiting(&now, addr, before);
        // If a client has reset its connection, the connection isn't listed any more, but still counts in the queue.
        let queue = now.iter().filter(|it| it.state == State::Listen);
        let queue: u32 = queue.map(|it| it.unread).sum();
        if !waiting.is_subset(&still) && (queue as usize) < waiting.len() {
            return Some(true);
        }
        if Instant::now() >= until {
            return Some(false);
        }
        thread::sleep(LOOK_AGAIN);
    }
}

/// The connections among `sockets` that wait in the same accept queue as a connection to `addr` would. No process owns
/// them yet. If the client has closed its end, the connection still waits.
fn waiting(
    sockets: &[Socket],
    addr: SocketAddr,
    before: &Snapshot,
) -> BTreeSet<(SocketAddr, SocketAddr)> {
    let listener = before.listener_for(reached(addr));
    let waits = |it: &&Socket| {
        it.inode == 0
            && it.local.port() == addr.port()
            && matches!(it.state, State::Established | State::CloseWait)
            && before.listener_for(canonical(it.local)) == listener
    };
    let waiting = sockets.iter().filter(waits);
    waiting.map(|it| (it.local, it.remote)).collect()
}
