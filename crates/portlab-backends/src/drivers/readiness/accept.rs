//! Accepting, for loops that accept without waiting.

use std::{io::ErrorKind, net::SocketAddr, time::Duration};

use portlab_service::Service;
use rustix::io::Errno;

use super::{conn::Conn, poller::Poller};
use crate::{
    door::{Entry, backoff::Backoff, next_id},
    trace::{self, Span},
};

/// What came of an attempt to accept.
pub(crate) enum Next<S> {
    Conn(Conn<S>, SocketAddr),
    /// No connection waits, or the server stops.
    Nothing,
    /// The system has no descriptor or no memory left: try again after this time.
    Pause(Duration),
}

/// Accepts the next connection for which the server has room.
pub(crate) fn accept<P: Poller>(
    poller: &mut P,
    entry: &Entry,
    service: &'static dyn Service,
    backoff: &mut Backoff,
) -> Next<P::Socket> {
    loop {
        if entry.stop.is_set() {
            return Next::Nothing;
        }
        let accepting = trace::start();
        let error = match poller.accept() {
            Ok((socket, peer)) => {
                backoff.reset();
                let span = Span::new(next_id());
                accepting.accepted(&span, peer, &poller.listener());
                if let Some(admission) = entry.admit(&socket) {
                    let session = service.open(span.id(), peer);
                    return Next::Conn(Conn::new(socket, session, span, admission), peer);
                }
                continue;
            }
            Err(error) => error,
        };
        // The stop signal has shut the listener; the event of the signal follows. In a forking model the parent may get the
        // signal first.
        let is_shut = Errno::from_io_error(&error) == Some(Errno::INVAL);
        if error.kind() == ErrorKind::WouldBlock || is_shut || entry.stop.is_set() {
            return Next::Nothing;
        }
        if let Some(pause) = backoff.after(&error) {
            return Next::Pause(pause);
        }
    }
}
