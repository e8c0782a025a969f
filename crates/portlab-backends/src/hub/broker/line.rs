//! The line between a process that serves connections and the broker, and the messages on it.

use std::{
    cell::Cell,
    io,
    os::fd::{AsFd, BorrowedFd},
    time::Duration,
};

use portlab_service::{CloseReason, ConnId, Mail, Post};
use portlab_sys::{seqpacket::Seqpacket, stop};

use super::counts::SharedCounts;
use crate::{
    READ_BUFFER,
    hub::{
        inbox::{HubClient, Inbox},
        mailbox::{Mailbox, Overflow},
        state::HubEvent,
    },
};

/// A process's end of its line to the broker.
pub(crate) struct Line {
    socket: Seqpacket,
    overflow: Overflow,
    counts: SharedCounts,
    lost: Cell<bool>,
}

impl Line {
    pub(super) fn new(socket: Seqpacket, overflow: Overflow, counts: SharedCounts) -> Self {
        Self {
            socket,
            overflow,
            counts,
            lost: Cell::new(false),
        }
    }

    /// Waits until the broker has taken the line. Returns `false` if the broker couldn't take it, or if the server stops.
    pub(crate) fn is_taken(&self) -> bool {
        while !stop::is_set() {
            match self.socket.try_recv(&mut [0; 16]) {
                Ok(length) => return length > 0,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    stop::wait_readable(self.socket.as_fd(), LOOK);
                }
                Err(_) => return false,
            }
        }
        false
    }

    /// Whether the line has ended, so that no other connection can be served on it.
    pub(crate) fn is_lost(&self) -> bool {
        self.lost.get()
    }

    /// Connects `id`, the connection that this process serves now, to the hub.
    pub(crate) fn client(&self, id: ConnId) -> LineClient<'_> {
        let client = LineClient {
            line: self,
            received: Received::new(id, self),
            buffer: vec![0; READ_BUFFER].into(),
        };
        client.send(&ToBroker::Connect);
        client
    }

    /// The line as the line of connection `id` alone, for a loop.
    pub(super) fn into_parts(self, id: ConnId) -> (Seqpacket, Received) {
        let received = Received::new(id, &self);
        (self.socket, received)
    }
}

/// The longest wait. A signal just before a wait doesn't end the wait, so the stop is checked again after this time.
const LOOK: Duration = Duration::from_millis(100);

/// What has come on a line for one connection.
pub(super) struct Received {
    id: ConnId,
    pub(super) mailbox: Mailbox,
    counts: SharedCounts,
}

/// How a process that drives a connection reaches the hub.
pub(crate) struct LineClient<'a> {
    line: &'a Line,
    received: Received,
    buffer: Box<[u8]>,
}

impl Received {
    fn new(id: ConnId, line: &Line) -> Self {
        Self {
            id,
            mailbox: Mailbox::new(line.overflow),
            counts: line.counts,
        }
    }

    pub(super) fn id(&self) -> ConnId {
        self.id
    }

    /// Takes a message of the broker in.
    pub(super) fn take_in(&mut self, message: &[u8]) {
        // Mail for the last connection of this process may come late.
        match FromBroker::read(message) {
            Some((id, FromBroker::Mail(mail))) if id == self.id => {
                let put = self.mailbox.put(Mail(mail.into()));
                self.counts.put_at_far_end(put);
            }
            Some((id, FromBroker::Missed(count))) if id == self.id => self.mailbox.miss(count),
            Some((id, FromBroker::TooMuch)) if id == self.id => {
                self.counts.put_at_far_end(self.mailbox.overflow());
            }
            _ => {}
        }
    }
}

impl LineClient<'_> {
    /// Sends a message, and waits for room on the line until the server's deadline at most: a broker that is stopped
    /// takes nothing. If the broker has died, the next [`HubClient::fetch`] finds the end of the line.
    fn send(&self, said: &ToBroker<'_>) {
        let (kind, bytes) = said.write();
        let id = id_bytes(self.received.id);
        while let Err(error) = self.line.socket.try_send(&[&[kind], &id, bytes]) {
            if error.kind() != io::ErrorKind::WouldBlock || stop::is_past_deadline() {
                return;
            }
            stop::wait_writable(self.line.socket.as_fd(), LOOK);
        }
    }
}

/// How many messages are taken from the line before the peer has its turn.
pub(super) const VISIT: usize = 256;

impl HubClient for LineClient<'_> {
    fn bell(&self) -> BorrowedFd<'_> {
        self.line.socket.as_fd()
    }

    fn fetch(&mut self) -> io::Result<()> {
        for _ in 0..VISIT {
            match self.line.socket.try_recv(&mut self.buffer) {
                Ok(length @ 1..) => self.received.take_in(&self.buffer[..length]),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                ended => {
                    self.line.lost.set(true);
                    return Err(ended.err().unwrap_or(io::ErrorKind::UnexpectedEof.into()));
                }
            }
        }
        Ok(())
    }

    fn with_inbox<T>(&mut self, look: impl FnOnce(&mut dyn Inbox) -> T) -> T {
        look(&mut self.received.mailbox)
    }

    fn tell(&mut self, event: HubEvent) {
        self.send(&ToBroker::of(&event));
    }
}

/// A message to the broker about one connection.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum ToBroker<'a> {
    Connect,
    Post(&'a [u8]),
    Gone(CloseReason),
}

const CONNECT: u8 = b'c';
const POST: u8 = b'p';
const GONE: [(u8, CloseReason); 4] = [
    (b'l', CloseReason::Left),
    (b'x', CloseReason::Lost),
    (b's', CloseReason::TooSlow),
    (b't', CloseReason::TimedOut),
];

impl<'a> ToBroker<'a> {
    pub(super) fn of(event: &'a HubEvent) -> Self {
        match event {
            HubEvent::Post(post) => Self::Post(&post.0),
            HubEvent::Gone(reason) => Self::Gone(*reason),
        }
    }

    pub(super) fn write(&self) -> (u8, &'a [u8]) {
        match *self {
            Self::Connect => (CONNECT, &[]),
            Self::Post(bytes) => (POST, bytes),
            Self::Gone(reason) => {
                let kind = GONE.iter().find(|(_, known)| *known == reason);
                (kind.expect("every reason has a letter").0, &[])
            }
        }
    }

    /// Reads a message and the connection that it is about; `None` if the bytes are no message.
    pub(super) fn read(message: &'a [u8]) -> Option<(ConnId, Self)> {
        let (kind, id, bytes) = split(message)?;
        let message = match kind {
            CONNECT if bytes.is_empty() => Self::Connect,
            POST => Self::Post(bytes),
            kind if bytes.is_empty() => {
                Self::Gone(GONE.iter().find(|(letter, _)| *letter == kind)?.1)
            }
            _ => return None,
        };
        Some((id, message))
    }

    /// The event for the hub; `None` for a connection that begins.
    pub(super) fn event(&self) -> Option<HubEvent> {
        match *self {
            Self::Connect => None,
            Self::Post(bytes) => Some(HubEvent::Post(Post(bytes.to_vec()))),
            Self::Gone(reason) => Some(HubEvent::Gone(reason)),
        }
    }
}

/// A message from the broker to one connection.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum FromBroker<'a> {
    Mail(&'a [u8]),
    /// This number of pieces was thrown away before the next one.
    Missed(u64),
    /// More mail waited for the connection than the limit allows, so the hub has removed the connection.
    TooMuch,
}

pub(super) const MAIL: u8 = b'm';
const MISSED: u8 = b'n';
const TOO_MUCH: u8 = b'o';
/// The first message on a line: the broker has taken it.
pub(super) const TAKEN: &[u8] = b"t";

impl<'a> FromBroker<'a> {
    fn read(message: &'a [u8]) -> Option<(ConnId, Self)> {
        let (kind, id, bytes) = split(message)?;
        let message = match kind {
            MAIL => Self::Mail(bytes),
            MISSED => Self::Missed(u64::from_le_bytes(bytes.try_into().ok()?)),
            TOO_MUCH if bytes.is_empty() => Self::TooMuch,
            _ => return None,
        };
        Some((id, message))
    }
}

/// Tells connection `id` how many pieces were thrown away.
pub(super) fn missed(id: ConnId, count: u64) -> Mail {
    let parts = [&[MISSED][..], &id_bytes(id), &count.to_le_bytes()];
    Mail(parts.concat().into())
}

/// Tells connection `id` that too much has waited for it.
pub(super) fn too_much(id: ConnId) -> Mail {
    Mail([&[TOO_MUCH][..], &id_bytes(id)].concat().into())
}

/// Reads a message, and checks that it is refused, or has the same bytes when it is written again. For `tests/fuzz/`.
///
/// # Panics
/// When the bytes differ.
pub fn fuzz(message: &[u8]) {
    if let Some((id, said)) = ToBroker::read(message) {
        let (kind, bytes) = said.write();
        assert_eq!([&[kind][..], &id_bytes(id), bytes].concat(), message);
    }
    if let Some((id, brought)) = FromBroker::read(message) {
        let written = match brought {
            FromBroker::Mail(bytes) => Mail([&[MAIL][..], &id_bytes(id), bytes].concat().into()),
            FromBroker::Missed(count) => missed(id, count),
            FromBroker::TooMuch => too_much(id),
        };
        assert_eq!(&*written.0, message);
    }
}

/// A connection's number, as every message about it has it after its first byte.
pub(super) fn id_bytes(id: ConnId) -> [u8; 8] {
    id.0.to_le_bytes()
}

fn split(message: &[u8]) -> Option<(u8, ConnId, &[u8])> {
    let (kind, rest) = message.split_first()?;
    let (id, bytes) = rest.split_first_chunk()?;
    Some((*kind, ConnId(u64::from_le_bytes(*id)), bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: ConnId = ConnId(0x0102_0304_0506_0708);

    #[test]
    fn a_message_to_the_broker_is_read_as_it_was_written() {
        let ends = GONE.map(|(_, reason)| ToBroker::Gone(reason));
        let others = [
            ToBroker::Connect,
            ToBroker::Post(b"hello"),
            ToBroker::Post(b""),
        ];
        for said in others.into_iter().chain(ends) {
            let (kind, bytes) = said.write();
            let message = [&[kind][..], &id_bytes(ID), bytes].concat();
            assert_eq!(ToBroker::read(&message).unwrap(), (ID, said));
            assert!(ToBroker::read(&message[..8]).is_none(), "{bytes:?}");
        }
        assert!(ToBroker::read(b"").is_none() && ToBroker::read(&[0; 9]).is_none());
        assert_eq!(ToBroker::read(b"c12345678 and more"), None);
    }

    #[test]
    fn a_message_from_the_broker_is_read_as_it_was_written() {
        let mail = [&[MAIL][..], &id_bytes(ID), b"hello"].concat();
        for (message, brought) in [
            (&*mail, FromBroker::Mail(b"hello")),
            (&missed(ID, u64::MAX).0, FromBroker::Missed(u64::MAX)),
            (&too_much(ID).0, FromBroker::TooMuch),
        ] {
            assert_eq!(FromBroker::read(message), Some((ID, brought)));
        }
        assert_eq!(FromBroker::read(&missed(ID, 1).0[..16]), None);
        assert_eq!(FromBroker::read(TAKEN), None);
    }
}
