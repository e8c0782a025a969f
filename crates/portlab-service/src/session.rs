//! The two traits every service implements.

use std::net::SocketAddr;

use crate::{Flow, Hub, Mail, Post};

/// The number of a connection, unique within one server (processes of a forking server included).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ConnId(pub u64);

/// The protocol of a port: a factory of [`Session`]s.
///
/// All threads or processes of a server share one service, so it holds only what never changes (a text to answer with, a
/// limit). The state of one connection is in its session, the state that all connections share in the [`Hub`].
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

    /// The bytes for a connection that is closed at once, because the server has as many connections as it may have. By
    /// default none: then the connection is only closed.
    fn refusal(&self) -> Vec<u8> {
        Vec::new()
    }
}

/// One connection's half of a service: a state machine over bytes.
///
/// # Who calls, and when
/// The driver of the connection, in this order: `on_open` once; then any mix of `on_data`, `on_mail`
/// and `on_missed`; `on_eof` at most once, after the last `on_data`; or `on_cut`. Never two calls at a time, though a
/// session may move to another thread between calls. After an answer that says
/// [`Next::More`](crate::Next::More), other connections have their turn, and `on_more` comes before the next
/// `on_data` or `on_eof`; `on_mail` may come between. After [`Next::Close`](crate::Next::Close), or when the
/// connection breaks, the session is dropped without a further call.
///
/// # What each answer causes
/// The driver does the [`Flow`]'s work, then sends all of `cx.out`, then goes on or closes. It does
/// not call the session again before `out` has been handed to the system: a peer that doesn't read
/// stops its own session (back-pressure) and no other.
///
/// # What is NOT promised
/// That one `on_data` is one message: TCP keeps bytes in order and nothing else, so a session keeps its partial frame.
/// That `on_eof` or `on_cut` is called: after a reset, the session is only dropped.
///
/// # Panics
/// A session that panics loses its own connection. The driver catches the panic, and serves the
/// others.
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

    /// The number of the message of which a part has come, if there is one. The driver gives a message a
    /// time limit, so that a peer can't keep a connection by sending a byte now and then.
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
    /// them within a second.
    fn on_cut(&mut self, _why: Cut, _cx: &mut Cx<'_>) {}

    /// The peer has sent its FIN: no more bytes will come, but it may still read. By default
    /// everything that is due is sent and the connection closed. A session that waits for mail goes on, and closes when
    /// the mail has come.
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
