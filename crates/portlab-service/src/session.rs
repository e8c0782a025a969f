//! The two traits every service implements.

use std::net::SocketAddr;

use crate::{ConnId, Flow, Found, Hub, Lookup, Mail, Post};

/// The protocol of a port: a factory of [`Session`]s.
///
/// All threads or processes of a server share one service, so it holds only constant data (a text for answers, a
/// limit). The state of one connection is in its session, and the state that all connections share is in the [`Hub`].
pub trait Service: Send + Sync {
    /// Makes the session of a connection that was just accepted.
    ///
    /// Called once per connection, by the process that will drive it. It must not block.
    fn open(&self, conn: ConnId, peer: SocketAddr) -> Box<dyn Session>;

    /// Makes the half that all connections share, or `None` (the default) when they share nothing.
    ///
    /// Called when the server starts, and again when the process that held the hub has died. The model decides where the
    /// hub is held.
    fn hub(&self) -> Option<Box<dyn Hub>> {
        None
    }

    /// The bytes for a connection that is closed at once, because the server has reached its limit of connections. By
    /// default there are none, and the connection is only closed.
    fn refusal(&self) -> Vec<u8> {
        Vec::new()
    }
}

/// One connection's half of a service: a state machine over bytes.
///
/// # Order of calls
/// The driver of the connection calls `on_open` once; then any mix of `on_data`, `on_mail`
/// and `on_missed`; `on_eof` at most once, after the last `on_data`; or `on_cut`. Calls never overlap, though a
/// session may move to another thread between calls. After a flow with [`Next::More`](crate::Next::More), other
/// connections have their turn, and `on_more` comes before the next `on_data` or `on_eof`; `on_mail` may come
/// between. After [`Next::Lookup`](crate::Next::Lookup) comes `on_found`, and after
/// [`Next::Body`](crate::Next::Body) comes `on_more`. After [`Next::Close`](crate::Next::Close), or when the connection breaks, the driver drops the session
/// without a further call.
///
/// # What each answer causes
/// The driver does the [`Flow`]'s work, then sends all of `cx.out`, then goes on or closes. It does
/// not call the session again before `out` has been handed to the system: if a peer doesn't read, only its
/// own session waits (back-pressure). Only `on_found` may come before, if what was found is cached and `out` isn't long.
///
/// # What is NOT promised
/// That one `on_data` is one message: TCP keeps the order of bytes and no boundaries, so a session keeps its partial
/// frame. That `on_eof` or `on_cut` is called: after a reset, the session is only dropped.
///
/// # Panics
/// If a session panics, only its connection ends. The driver catches the panic.
pub trait Session: Send {
    /// The connection is open; a service that greets first appends its greeting.
    fn on_open(&mut self, _cx: &mut Cx<'_>) -> Flow {
        Flow::CONTINUE
    }

    /// `input` has arrived: at least one byte, in order, cut anywhere.
    fn on_data(&mut self, input: &[u8], cx: &mut Cx<'_>) -> Flow;

    /// Goes on with the input that the session holds since it has returned [`Next::More`](crate::Next::More).
    fn on_more(&mut self, _cx: &mut Cx<'_>) -> Flow {
        Flow::CONTINUE
    }

    /// What the session asks for. Called after a flow with [`Next::Lookup`](crate::Next::Lookup).
    fn lookup(&self) -> &Lookup {
        &Lookup::Time
    }

    /// The driver has looked up what [`Session::lookup`] returned.
    fn on_found(&mut self, _found: &Found, _cx: &mut Cx<'_>) -> Flow {
        Flow::CONTINUE
    }

    /// The number of the message of which a part has come, if there is one. A message has a time limit, so that
    /// a peer can't occupy a connection by sending a byte from time to time.
    fn unfinished(&self) -> Option<u64> {
        None
    }

    /// The hub delivers a piece of mail.
    fn on_mail(&mut self, _mail: &Mail, _cx: &mut Cx<'_>) -> Flow {
        Flow::CONTINUE
    }

    /// `count` pieces of mail were thrown away unread, the oldest first, because the peer reads too slowly and the server
    /// was started with `--overflow drop-oldest`.
    fn on_missed(&mut self, _count: u64, _cx: &mut Cx<'_>) -> Flow {
        Flow::CONTINUE
    }

    /// The server closes the connection, and this is the last call. The bytes that it writes are sent if the peer reads
    /// them within a second. `now_s` is the time, in seconds since 1970-01-01 UTC.
    fn on_cut(&mut self, _why: Cut, _now_s: u64, _cx: &mut Cx<'_>) {}

    /// The peer has sent its FIN: no more bytes will come, but the peer may still read. By default all answers are sent,
    /// and the connection closes. A session that waits for mail goes on, and closes when the mail has come.
    fn on_eof(&mut self, _cx: &mut Cx<'_>) -> Flow {
        Flow::CLOSE
    }
}

/// Why the server closes a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// The peer didn't read, and too much mail waited for it.
    TooSlow,
    /// The process that held the hub has died.
    HubLost,
    /// No byte was sent or received for longer than the idle timeout.
    Idle,
    /// A message that began did not end within its time limit.
    Unfinished,
}

/// What a session may write to while it handles an event.
///
/// Both buffers belong to the driver, which may share them among connections: they are empty when a
/// method is called and taken away when it returns, so an idle connection owns neither.
pub struct Cx<'a> {
    /// Bytes for the peer, sent in order.
    pub out: &'a mut Vec<u8>,
    /// Messages for the hub.
    pub posts: &'a mut Vec<Post>,
}
