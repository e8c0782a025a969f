//! The half of a service that all its connections share.

use std::sync::Arc;

/// The number of a connection, unique within one server (processes of a forking server included).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ConnId(pub u64);

/// A message from a session to the hub: bytes, so that it can cross a process boundary.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Post(pub Vec<u8>);

/// A message from the hub to a session: bytes, for the same reason. Mail for many receivers is made once and shared; a
/// clone only counts a reference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail(pub Arc<[u8]>);

/// Why a connection has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CloseReason {
    /// Its peer, or its session, ended it.
    Left,
    /// The connection broke: by a reset, a panic, or the death of the process that served it.
    Lost,
    /// The connection was dropped, because its peer didn't read.
    TooSlow,
    /// A time limit has closed it: no byte was sent or received, or a message that began did not end.
    TimedOut,
}

/// A limit because of which a request was denied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Denied {
    /// Its line was too long.
    Line,
    /// There were as many rooms as there may be.
    Room,
}

/// The shared half of a service, such as a chat room: a deterministic state machine.
///
/// # Order of calls
/// The holder of the hub calls it, one call at a time: a loop that owns it, a thread that has locked it, a task, or a
/// broker process. Posts of one connection arrive in the order in which its session wrote them; `gone` is the last call
/// about a connection. The holder decides the order among connections, which is the same for all receivers.
///
/// # What is NOT promised
/// That mail arrives: its receiver may have ended, or be dropped for reading too slowly. That `gone` is called for a
/// connection that ends because the server stops. No lock is held while mail is sent to a peer.
pub trait Hub: Send {
    /// Handles a post, and gives the mail that follows from it to `deliver`. Each receiver's session gets its mail in that
    /// order.
    fn handle(&mut self, from: ConnId, post: &Post, deliver: &mut dyn FnMut(ConnId, Mail));

    /// Returns the limit because of which the last post was denied, once. The holder of the hub calls it after each
    /// [`handle`](Hub::handle), and counts the answer.
    fn denied(&mut self) -> Option<Denied> {
        None
    }

    /// A connection has ended. It may have posted nothing.
    fn gone(&mut self, id: ConnId, reason: CloseReason, deliver: &mut dyn FnMut(ConnId, Mail));
}
