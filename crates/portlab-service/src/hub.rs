//! The half of a service that all its connections share.

use std::sync::Arc;

use crate::ConnId;

/// A message from a session to the hub: bytes, so that it can cross a process boundary.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Post(pub Vec<u8>);

/// A message from the hub to a session: bytes, for the same reason. What goes to many is made once
/// and shared, for a copy costs no more than counting it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail(pub Arc<[u8]>);

/// How a connection came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CloseReason {
    /// Its peer, or its session, ended it.
    Left,
    /// It broke: a reset, a panic, the death of the process that carried it.
    Lost,
    /// It was dropped, because its peer didn't read what was sent to it.
    TooSlow,
    /// It was closed by a time limit: no byte went either way, or a message that began did not end.
    TimedOut,
}

/// A limit that keeps a peer from what it asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Denied {
    /// Its line was too long.
    Line,
    /// There were as many rooms as there may be.
    Room,
}

/// The shared half of a service, such as a chat room: a deterministic state machine.
///
/// # Who calls
/// Whoever holds the one hub of a server, one call at a time: a loop that owns it, a thread that
/// has locked it, a task, or a broker process. Posts of one connection arrive in the order in which
/// its session wrote them; `gone` is the last that is heard of it. The order among connections is
/// the holder's, and is the same for all who receive.
///
/// # What is NOT promised
/// That mail arrives: its receiver may have gone, or be dropped for reading too slowly. That a
/// connection is taken leave of when the server itself is ending. No lock is held while mail is
/// being sent to a peer.
pub trait Hub: Send {
    /// Takes a post and hands what follows from it to `deliver`, to be given to each receiver's
    /// session in that order.
    fn handle(&mut self, from: ConnId, post: &Post, deliver: &mut dyn FnMut(ConnId, Mail));

    /// Returns the limit that the last post has met, if it met one, and forgets it. The holder of the hub calls it after
    /// each [`handle`](Hub::handle), and counts the answer.
    fn denied(&mut self) -> Option<Denied> {
        None
    }

    /// A connection has ended. One that never posted anything may end too.
    fn gone(&mut self, who: ConnId, how: CloseReason, deliver: &mut dyn FnMut(ConnId, Mail));
}
