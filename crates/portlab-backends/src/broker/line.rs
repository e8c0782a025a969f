//! The line between a process that serves connections and the broker, and what is said on it.

use std::{
    cell::Cell,
    io,
    os::fd::{AsFd, BorrowedFd},
    time::Duration,
};

use portlab_service::{ConnId, Mail, Parting, Post};
use portlab_sys::{seqpacket::Seqpacket, stop};

use super::counts::SharedCounts;
use crate::{
    READ_BUFFER,
    inbox::Inbox,
    mailbox::{Mailbox, Overflow},
    member::Desk,
    switchboard::Word,
};

/// A process's end of its line to the broker.
pub(crate) struct Line {
    socket: Seqpacket,
    overflow: Overflow,
    counts: SharedCounts,
    /// The other end has been closed.
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

    /// Waits until the broker has taken the line; `false` when it could not, or when the server stops.
    pub(crate) fn is_taken(&self) -> bool {
        while !stop::is_set() {
            match self.socket.try_recv(&mut [0; 16]) {
                Ok(length) => return length > 0,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    stop::wait_readable(self.socket.as_fd(), MOMENT);
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

    /// The desk of the connection that this process serves now.
    pub(crate) fn desk(&self, id: ConnId) -> LineDesk<'_> {
        let desk = LineDesk {
            line: self,
            id,
            mailbox: Mailbox::new(self.overflow),
            buffer: vec![0; READ_BUFFER].into(),
        };
        desk.send(&Said::Connect);
        desk
    }
}

/// The longest wait: a signal that comes just before a wait begins does not end it, so the caller looks again whether
/// the server stops.
const MOMENT: Duration = Duration::from_millis(100);

/// How a process that drives a connection reaches the hub.
pub(crate) struct LineDesk<'a> {
    line: &'a Line,
    id: ConnId,
    mailbox: Mailbox,
    buffer: Box<[u8]>,
}

impl LineDesk<'_> {
    /// Waits for room, which a broker that is stopped doesn't make, until the server's deadline at most. If the
    /// broker has died, the line's end tells so.
    fn send(&self, said: &Said<'_>) {
        let (kind, bytes) = said.write();
        let id = id_bytes(self.id);
        while let Err(error) = self.line.socket.try_send(&[&[kind], &id, bytes]) {
            if error.kind() != io::ErrorKind::WouldBlock || stop::is_past_deadline() {
                return;
            }
            stop::wait_writable(self.line.socket.as_fd(), MOMENT);
        }
    }

    fn take_in(&mut self, length: usize) {
        // Mail for the connection that was served before may still have been on its way.
        match Brought::read(&self.buffer[..length]) {
            Some((id, Brought::Mail(mail))) if id == self.id => {
                self.line
                    .counts
                    .put_behind(self.mailbox.put(Mail(mail.into())));
            }
            Some((id, Brought::Missed(count))) if id == self.id => self.mailbox.miss(count),
            Some((id, Brought::TooMuch)) if id == self.id => {
                self.line.counts.put_behind(self.mailbox.overflow());
            }
            _ => {}
        }
    }
}

/// How many messages are taken off the line in one visit: the peer is to be heard as well.
const VISIT: usize = 256;

impl Desk for LineDesk<'_> {
    fn bell(&self) -> BorrowedFd<'_> {
        self.line.socket.as_fd()
    }

    fn fetch(&mut self) -> io::Result<()> {
        for _ in 0..VISIT {
            match self.line.socket.try_recv(&mut self.buffer) {
                Ok(length @ 1..) => self.take_in(length),
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
        look(&mut self.mailbox)
    }

    fn say(&mut self, word: Word) {
        match word {
            Word::Post(post) => self.send(&Said::Post(&post.0)),
            Word::Gone(how) => self.send(&Said::Gone(how)),
        }
    }
}

/// What is said to the broker of one connection.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Said<'a> {
    Connect,
    Post(&'a [u8]),
    Gone(Parting),
}

const CONNECT: u8 = b'c';
const POST: u8 = b'p';
const GONE: [(u8, Parting); 4] = [
    (b'l', Parting::Left),
    (b'x', Parting::Lost),
    (b's', Parting::TooSlow),
    (b't', Parting::TimedOut),
];

impl<'a> Said<'a> {
    fn write(&self) -> (u8, &'a [u8]) {
        match *self {
            Self::Connect => (CONNECT, &[]),
            Self::Post(bytes) => (POST, bytes),
            Self::Gone(how) => {
                let kind = GONE.iter().find(|(_, parting)| *parting == how);
                (kind.expect("every parting has a letter").0, &[])
            }
        }
    }

    /// Reads what was said, and of which connection; `None` when it is none of these messages.
    pub(super) fn read(message: &'a [u8]) -> Option<(ConnId, Self)> {
        let (kind, id, bytes) = split(message)?;
        let said = match kind {
            CONNECT if bytes.is_empty() => Self::Connect,
            POST => Self::Post(bytes),
            kind if bytes.is_empty() => {
                Self::Gone(GONE.iter().find(|(letter, _)| *letter == kind)?.1)
            }
            _ => return None,
        };
        Some((id, said))
    }

    /// What the switchboard is told; `None` for a connection that begins.
    pub(super) fn word(&self) -> Option<Word> {
        match *self {
            Self::Connect => None,
            Self::Post(bytes) => Some(Word::Post(Post(bytes.to_vec()))),
            Self::Gone(how) => Some(Word::Gone(how)),
        }
    }
}

/// What the broker brings one connection.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Brought<'a> {
    Mail(&'a [u8]),
    /// So many pieces were thrown away before the next one.
    Missed(u64),
    /// Too much waited for it, and it has been taken off the switchboard.
    TooMuch,
}

pub(super) const MAIL: u8 = b'm';
const MISSED: u8 = b'n';
const TOO_MUCH: u8 = b'o';
/// The first message on a line: the broker has taken it.
pub(super) const TAKEN: &[u8] = b"t";

impl<'a> Brought<'a> {
    fn read(message: &'a [u8]) -> Option<(ConnId, Self)> {
        let (kind, id, bytes) = split(message)?;
        let brought = match kind {
            MAIL => Self::Mail(bytes),
            MISSED => Self::Missed(u64::from_le_bytes(bytes.try_into().ok()?)),
            TOO_MUCH if bytes.is_empty() => Self::TooMuch,
            _ => return None,
        };
        Some((id, brought))
    }
}

/// Tells connection `id` how many pieces were thrown away.
pub(super) fn missed(id: ConnId, count: u64) -> Mail {
    Mail(
        [&[MISSED][..], &id_bytes(id), &count.to_le_bytes()]
            .concat()
            .into(),
    )
}

/// Tells connection `id` that too much has waited for it.
pub(super) fn too_much(id: ConnId) -> Mail {
    Mail([&[TOO_MUCH][..], &id_bytes(id)].concat().into())
}

/// A message on a line is refused, or written again as it was. For `tests/fuzz/`.
///
/// # Panics
/// When it is written in another way.
pub fn fuzz(message: &[u8]) {
    if let Some((id, said)) = Said::read(message) {
        let (kind, bytes) = said.write();
        assert_eq!([&[kind][..], &id_bytes(id), bytes].concat(), message);
    }
    if let Some((id, brought)) = Brought::read(message) {
        let written = match brought {
            Brought::Mail(bytes) => Mail([&[MAIL][..], &id_bytes(id), bytes].concat().into()),
            Brought::Missed(count) => missed(id, count),
            Brought::TooMuch => too_much(id),
        };
        assert_eq!(&*written.0, message);
    }
}

/// A connection's number, as it stands before what concerns it.
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
    fn what_is_said_is_read_as_it_was_written() {
        for said in [
            Said::Connect,
            Said::Post(b"hello"),
            Said::Post(b""),
            Said::Gone(Parting::Left),
            Said::Gone(Parting::Lost),
            Said::Gone(Parting::TooSlow),
        ] {
            let (kind, bytes) = said.write();
            let message = [&[kind][..], &id_bytes(ID), bytes].concat();
            assert_eq!(Said::read(&message).unwrap(), (ID, said));
            assert!(Said::read(&message[..8]).is_none(), "{bytes:?}");
        }
        assert!(Said::read(b"").is_none() && Said::read(&[0; 9]).is_none());
        assert_eq!(Said::read(b"c12345678 and more"), None);
    }

    #[test]
    fn what_is_brought_is_read_as_it_was_written() {
        let notice = missed(ID, u64::MAX).0;
        assert_eq!(
            Brought::read(&notice),
            Some((ID, Brought::Missed(u64::MAX)))
        );
        assert_eq!(Brought::read(&notice[..16]), None);
        let mail = [&[MAIL][..], &id_bytes(ID), b"hello"].concat();
        assert_eq!(Brought::read(&mail), Some((ID, Brought::Mail(b"hello"))));
        let too_much = too_much(ID).0;
        assert_eq!(Brought::read(&too_much), Some((ID, Brought::TooMuch)));
        assert_eq!(Brought::read(TAKEN), None);
    }
}
