//! One peer: its socket, and what waits to be sent.

use std::{collections::VecDeque, io, sync::Arc, time::Instant};

use portlab_service::TextDecoder;

use super::link::{Link, is_again};
use crate::{By, Pieces, replay::Part};

/// One peer.
pub(super) struct Peer {
    pub(super) link: Link,
    pub(super) decoder: TextDecoder,
    pub(super) paused: bool,
    /// Its FIN has come.
    pub(super) fin: bool,
    /// The own FIN was sent.
    pub(super) half_closed: bool,
    /// What happens when everything is sent.
    pub(super) then: Then,
    /// The next answer's number.
    pub(super) answers: u64,
    /// The answers of a log.
    pub(super) replay: Option<Part>,
    /// A row has said why no automatic answer is sent. Until something is sent, no further row says so.
    pub(super) silence_told: bool,
    queue: VecDeque<Message>,
    /// The bytes in the queue.
    queued: usize,
    /// When the next piece may be sent.
    next_at: Option<Instant>,
}

/// What happens to a connection when everything is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Then {
    Nothing,
    HalfClose,
    Close,
}

/// Bytes that wait to be sent.
struct Message {
    bytes: Arc<[u8]>,
    /// How many of them are sent.
    sent: usize,
    pieces: Pieces,
    by: By,
}

impl Peer {
    pub(super) fn new(link: Link, decoder: TextDecoder) -> Self {
        Self {
            link,
            decoder,
            paused: false,
            fin: false,
            half_closed: false,
            then: Then::Nothing,
            answers: 0,
            replay: None,
            silence_told: false,
            queue: VecDeque::new(),
            queued: 0,
            next_at: None,
        }
    }

    /// Puts bytes into the queue; returns whether there was room.
    pub(super) fn queue(&mut self, bytes: Arc<[u8]>, pieces: Pieces, by: By) -> bool {
        let has_room = self.queued + bytes.len() <= MOST_QUEUED;
        if has_room && !bytes.is_empty() {
            self.silence_told = false;
            self.queued += bytes.len();
            self.queue.push_back(Message {
                bytes,
                sent: 0,
                pieces,
                by,
            });
        }
        has_room
    }

    /// Whether everything is sent.
    pub(super) fn has_sent_all(&self) -> bool {
        self.queue.is_empty()
    }

    /// How many bytes wait to be sent.
    pub(super) fn queued(&self) -> usize {
        self.queued
    }

    /// Whether so much waits to be sent that nothing more should be read: a peer that sends and never reads would
    /// otherwise fill the memory with answers.
    pub(super) fn is_full(&self) -> bool {
        self.queued > ENOUGH_QUEUED
    }

    /// When the next piece is due, if one waits for its time.
    pub(super) fn due(&self) -> Option<Instant> {
        self.next_at.filter(|_| !self.queue.is_empty())
    }

    /// Sends the next piece, if it is due. Returns what was sent; `None` if there is nothing to send now.
    pub(super) fn send(&mut self, now: Instant) -> io::Result<Option<(Vec<u8>, By)>> {
        let Some(message) = self.queue.front_mut() else {
            return Ok(None);
        };
        if self.next_at.is_some_and(|at| at > now) {
            return Ok(None);
        }
        let Pieces { most_bytes, gap } = message.pieces;
        // The rest of the piece that has begun.
        let end = (message.sent / most_bytes + 1) * most_bytes;
        let piece = &message.bytes[message.sent..end.min(message.bytes.len())];
        let count = match self.link.write(piece) {
            Ok(count) => count,
            Err(error) if is_again(&error) => return Ok(None),
            Err(error) => return Err(error),
        };
        let sent = (piece[..count].to_vec(), message.by);
        message.sent += count;
        self.queued -= count;
        let is_piece = message.sent.is_multiple_of(most_bytes);
        self.next_at = (is_piece && !gap.is_zero()).then(|| now + gap);
        if message.sent == message.bytes.len() {
            self.queue.pop_front();
        }
        Ok(Some(sent))
    }

    /// Drops the message that is being sent; returns how many bytes its datagrams have.
    pub(super) fn drop_first(&mut self) -> usize {
        self.next_at = None;
        self.queue.pop_front().map_or(0, |message| {
            self.queued -= message.bytes.len() - message.sent;
            message.bytes.len().min(message.pieces.most_bytes)
        })
    }
}

/// The most bytes that wait to be sent to one peer.
pub(super) const MOST_QUEUED: usize = 32 << 20;
/// With more bytes that wait, nothing is read from the peer.
const ENOUGH_QUEUED: usize = 256 << 10;
