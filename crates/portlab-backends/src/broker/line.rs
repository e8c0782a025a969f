//! The line between a process that serves connections and the broker, and what is said on it.

use std::{
    io,
    os::fd::{AsFd, BorrowedFd},
};

use portlab_service::{ConnId, Mail, Parting, Post};
use portlab_sys::seqpacket::Seqpacket;

use crate::{
    READ_BUFFER,
    inbox::Inbox,
    mailbox::{Counts, Mailbox, Overflow},
    member::Desk,
    switchboard::Word,
};

/// A process's end of its line to the broker.
pub(crate) struct Line {
    socket: Seqpacket,
    overflow: Overflow,
}

impl Line {
    pub(super) fn new(socket: Seqpacket, overflow: Overflow) -> Self {
        Self { socket, overflow }
    }

    /// The desk of the connection that this process serves now.
    pub(crate) fn desk(&self, id: ConnId) -> LineDesk<'_> {
        let mut desk = LineDesk {
            line: self,
            id,
            mailbox: Mailbox::new(self.overflow),
            missed: 0,
            buffer: vec![0; READ_BUFFER].into(),
        };
        desk.send(&Said::Connect);
        desk
    }
}

/// How a process that drives a connection reaches the hub.
pub(crate) struct LineDesk<'a> {
    line: &'a Line,
    id: ConnId,
    mailbox: Mailbox,
    /// Pieces of mail that were thrown away here.
    missed: u64,
    buffer: Box<[u8]>,
}

impl LineDesk<'_> {
    /// Should the broker have died, the line's end will tell.
    fn send(&mut self, said: &Said<'_>) {
        let (kind, bytes) = said.write();
        let _ = self
            .line
            .socket
            .send(&[&[kind], &id_bytes(self.id), &bytes]);
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
            let length = match self.line.socket.try_recv(&mut self.buffer) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(length) => length,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            };
            // Mail for whom this process served before may still have been on its way.
            if let Some((id, mail)) = split_id(&self.buffer[..length])
                && id == self.id
            {
                let mut counts = Counts::default();
                counts.count(self.mailbox.put(Mail(mail.into())));
                self.missed += counts.missed;
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
            Word::Gone(how) => self.send(&Said::Gone(how, self.missed)),
        }
    }
}

/// What is said to the broker of one connection.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Said<'a> {
    Connect,
    Post(&'a [u8]),
    /// It has ended, having missed so many pieces of mail.
    Gone(Parting, u64),
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
    fn write(&self) -> (u8, std::borrow::Cow<'a, [u8]>) {
        match *self {
            Self::Connect => (CONNECT, (&[][..]).into()),
            Self::Post(bytes) => (POST, bytes.into()),
            Self::Gone(how, missed) => {
                let kind = GONE.iter().find(|(_, parting)| *parting == how);
                let kind = kind.expect("every parting has a letter").0;
                (kind, missed.to_le_bytes().to_vec().into())
            }
        }
    }

    /// Reads what was said, and of which connection; `None` when it is nothing of ours.
    pub(super) fn read(message: &'a [u8]) -> Option<(ConnId, Self)> {
        let (kind, rest) = message.split_first()?;
        let (id, bytes) = split_id(rest)?;
        let said = match *kind {
            CONNECT if bytes.is_empty() => Self::Connect,
            POST => Self::Post(bytes),
            kind => {
                let (_, how) = GONE.iter().find(|(letter, _)| *letter == kind)?;
                Self::Gone(*how, u64::from_le_bytes(bytes.try_into().ok()?))
            }
        };
        Some((id, said))
    }

    /// What the switchboard is told; `None` for a connection that begins.
    pub(super) fn word(&self) -> Option<Word> {
        match *self {
            Self::Connect => None,
            Self::Post(bytes) => Some(Word::Post(Post(bytes.to_vec()))),
            Self::Gone(how, _) => Some(Word::Gone(how)),
        }
    }
}

/// A message on a line is refused, or written again as it was. For `tests/fuzz/`.
///
/// # Panics
/// When it is written in another way.
pub fn fuzz(message: &[u8]) {
    if let Some((id, said)) = Said::read(message) {
        let (kind, bytes) = said.write();
        assert_eq!([&[kind][..], &id_bytes(id), &bytes].concat(), message);
    }
}

/// A connection's number, as it stands before what concerns it.
pub(super) fn id_bytes(id: ConnId) -> [u8; 8] {
    id.0.to_le_bytes()
}

fn split_id(bytes: &[u8]) -> Option<(ConnId, &[u8])> {
    let (id, rest) = bytes.split_first_chunk()?;
    Some((ConnId(u64::from_le_bytes(*id)), rest))
}

/// What the broker says at its end: what has become of all mail.
pub(super) fn write_counts(counts: Counts) -> [u8; 24] {
    let mut bytes = [0; 24];
    let numbers = [counts.delivered, counts.missed, counts.dropped];
    for (place, number) in bytes.chunks_exact_mut(8).zip(numbers) {
        place.copy_from_slice(&number.to_le_bytes());
    }
    bytes
}

/// Reads that from the parent's end; nothing is known of a broker that was killed.
pub(super) fn last_word(control: &Seqpacket) -> Counts {
    let mut bytes = [0; 24];
    let _ = control.try_recv(&mut bytes);
    let number = |at: usize| {
        let place = bytes[at * 8..][..8].try_into();
        u64::from_le_bytes(place.expect("eight bytes are eight bytes"))
    };
    Counts {
        delivered: number(0),
        missed: number(1),
        dropped: number(2),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_is_read_as_it_was_written() {
        for said in [
            Said::Connect,
            Said::Post(b"hello"),
            Said::Post(b""),
            Said::Gone(Parting::Left, 0),
            Said::Gone(Parting::Lost, 7),
            Said::Gone(Parting::TooSlow, u64::MAX),
        ] {
            let (kind, bytes) = said.write();
            let id = ConnId(0x0102_0304_0506_0708);
            let message = [&[kind][..], &id_bytes(id), &bytes].concat();
            let (kind, bytes) = said.write();
            assert_eq!(Said::read(&message).unwrap(), (id, said));
            assert!(
                Said::read(&[&[kind][..], &[0; 7]].concat()).is_none(),
                "{bytes:?}"
            );
        }
        assert!(Said::read(b"").is_none() && Said::read(&[0; 9]).is_none());
        assert_eq!(Said::read(b"c12345678 and more"), None);
    }

    #[test]
    fn the_last_word_is_read_as_it_was_written() {
        let counts = Counts {
            delivered: 1,
            missed: u64::MAX,
            dropped: 3,
        };
        let (near, far) = Seqpacket::pair().unwrap();
        far.send(&[&write_counts(counts)]).unwrap();
        assert_eq!(last_word(&near), counts);
        drop(far);
        assert_eq!(last_word(&near), Counts::default());
    }
}
