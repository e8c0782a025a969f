//! The half of a service that all its connections share.

use crate::ConnId;

/// A message from a session to the hub: bytes, so that it can cross a process boundary.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Post(pub Vec<u8>);

/// A message from the hub to one session: bytes, for the same reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail(pub Vec<u8>);

/// The shared half of a service, such as a chat room: a deterministic state machine.
///
/// # Who calls
/// Whoever holds the one hub of a server, one post at a time: a loop that owns it, a thread that
/// has locked it, or a broker process. Posts of one connection arrive in the order in which its
/// session wrote them; the order among connections is the holder's, and is the same for all who
/// receive.
///
/// # What is NOT promised
/// That mail arrives: its receiver may have gone. No lock is held while mail is being sent to a
/// peer.
pub trait Hub: Send {
    /// Takes a post and hands what follows from it to `deliver`, to be given to each receiver's
    /// session in that order.
    fn handle(&mut self, from: ConnId, post: Post, deliver: &mut dyn FnMut(ConnId, Mail));
}
