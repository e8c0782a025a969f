//! One direction of a connection: bytes go in, and come out when the faults allow it. A line has no socket and no clock:
//! the time is an argument of each call.

use std::{
    borrow::Cow,
    collections::VecDeque,
    time::{Duration, Instant},
};

use fastrand::Rng;

use crate::fault::Faults;

/// The bytes of one direction that are under way, and the faults of that direction.
#[derive(Debug)]
pub(crate) struct Line {
    faults: Faults,
    /// When `timeout` was set. It is counted from this time.
    timeout_since: Instant,
    random: Rng,
    waiting: VecDeque<Chunk>,
    /// The memory that `waiting` takes, in bytes.
    held: usize,
    /// The most that may be held.
    most: usize,
    sent: u64,
    /// Nothing is sent before this time, because of the bandwidth or the slicer's delay.
    free_at: Instant,
    ended: Option<(Instant, Ending)>,
    /// A FIN was sent to the receiver.
    shut: bool,
    /// A write to the receiver has failed.
    broken: bool,
}

/// Bytes that were read in one call.
#[derive(Debug)]
struct Chunk {
    came: Instant,
    /// The share of the jitter that is added to the latency, from -1 to 1.
    sway: f64,
    bytes: Vec<u8>,
    /// How many of the bytes were sent.
    at: usize,
}

/// How the sender ended its direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Ending {
    Closed,
    Reset,
}

/// What to do next.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Step<'a> {
    /// Send these bytes, or the first of them, and report how many with [`Line::sent`].
    Send(Cow<'a, [u8]>),
    /// Send nothing before this time, unless bytes come or the faults change.
    Wait(Option<Instant>),
    /// Send the receiver a FIN.
    Shut,
    /// Close the connection.
    Close,
    /// Reset the connection.
    Reset {
        /// A fault makes the reset; otherwise a reset by a peer is passed on.
        made: bool,
    },
}

impl Line {
    /// An empty line that holds at most `most` bytes.
    pub(crate) fn new(faults: Faults, most: usize, random: Rng, now: Instant) -> Self {
        Self {
            faults,
            timeout_since: now,
            random,
            waiting: VecDeque::new(),
            held: 0,
            most: most.max(PIECE),
            sent: 0,
            free_at: now,
            ended: None,
            shut: false,
            broken: false,
        }
    }

    /// Changes the faults, for bytes that are under way as well.
    pub(crate) fn set(&mut self, faults: &Faults, now: Instant) {
        let before = std::mem::replace(&mut self.faults, faults.clone());
        if before.timeout != faults.timeout {
            self.timeout_since = now;
        }
        if (before.bandwidth, before.slicer) != (faults.bandwidth, faults.slicer) {
            self.free_at = now;
        }
    }

    /// Whether more bytes may be put in.
    pub(crate) fn has_room(&self) -> bool {
        !self.faults.pause && self.ended.is_none() && self.held < self.room()
    }

    /// How many bytes may wait. If only the bandwidth delays the bytes, most must stay with the sender: a large buffer
    /// would make the line look fast. With a latency, the line holds the bytes that it carries in that time.
    fn room(&self) -> usize {
        let way = self.faults.latency + self.faults.jitter;
        let room = match self.faults.bandwidth {
            _ if way.is_zero() => PIECE,
            None => self.most,
            Some(rate) => PIECE.saturating_add((rate as f64 * way.as_secs_f64()) as usize),
        };
        room.min(self.most)
    }

    /// Adds bytes that the sender has sent.
    pub(crate) fn put(&mut self, bytes: &[u8], now: Instant) {
        self.held += bytes.len() + OVERHEAD;
        self.waiting.push_back(Chunk {
            came: now,
            sway: self.random.f64() * 2.0 - 1.0,
            bytes: bytes.to_vec(),
            at: 0,
        });
    }

    /// Records that the sender has ended. A reset replaces a close, and a close never replaces a reset.
    pub(crate) fn end(&mut self, ending: Ending, now: Instant) {
        if self.ended.is_none_or(|(_, before)| before < ending) {
            self.ended = Some((now, ending));
        }
    }

    /// Records that a write to the receiver has failed. Further bytes are dropped.
    pub(crate) fn break_off(&mut self) {
        self.broken = true;
    }

    pub(crate) fn is_broken(&self) -> bool {
        self.broken
    }

    /// Whether both ends of this direction are closed.
    pub(crate) fn is_over(&self) -> bool {
        self.shut && self.ended.is_some()
    }

    /// What is to be done at `now`.
    pub(crate) fn next(&mut self, now: Instant) -> Step<'_> {
        let reached = |limit: Option<u64>| limit.is_some_and(|limit| self.sent >= limit);
        if self.faults.pause {
            return Step::Wait(None);
        }
        if reached(self.faults.reset_peer) {
            return Step::Reset { made: true };
        }
        if reached(self.faults.limit_data) {
            return Step::Close;
        }
        let shuts = reached(self.faults.half_close) && !self.shut;
        let timeout = self.faults.timeout.filter(|limit| !limit.is_zero());
        let timeout = timeout.map(|limit| self.timeout_since + limit);
        if timeout.is_some_and(|at| at <= now) {
            return Step::Close;
        }
        if shuts || self.shut || self.broken || self.faults.timeout.is_some() {
            self.waiting.clear();
            self.held = 0;
        }
        if shuts {
            self.shut = true;
            return Step::Shut;
        }
        if let Some(chunk) = self.waiting.front() {
            let due = chunk.came + self.way(chunk.sway);
            match due.max(self.free_at) {
                due if due <= now => return Step::Send(self.piece()),
                due => return Step::Wait(Some(due)),
            }
        }
        let Some((came, ending)) = self.ended else {
            return Step::Wait(timeout);
        };
        let due = match ending {
            Ending::Reset => came + self.faults.latency,
            Ending::Closed => came + self.faults.latency + self.faults.slow_close,
        };
        match ending {
            Ending::Closed if self.shut => Step::Wait(timeout),
            _ if due > now => Step::Wait(Some(timeout.map_or(due, |it| it.min(due)))),
            Ending::Reset => Step::Reset { made: false },
            Ending::Closed => {
                self.shut = true;
                Step::Shut
            }
        }
    }

    /// Records that the first `length` bytes of the piece from [`Line::next`] have been sent.
    pub(crate) fn sent(&mut self, length: usize, now: Instant) {
        self.sent += length as u64;
        if let Some(rate) = self.faults.bandwidth {
            let takes = Duration::from_secs_f64(length as f64 / rate as f64);
            self.free_at = self.free_at.max(now) + takes;
        }
        if let Some((_, delay)) = self.faults.slicer {
            self.free_at = self.free_at.max(now + delay);
        }
        let Some(chunk) = self.waiting.front_mut() else {
            return;
        };
        chunk.at += length;
        if chunk.at >= chunk.bytes.len() {
            self.held -= chunk.bytes.len() + OVERHEAD;
            self.waiting.pop_front();
        }
    }

    /// How long bytes with this share of the jitter are under way.
    fn way(&self, sway: f64) -> Duration {
        let jitter = self.faults.jitter.mul_f64(sway.abs());
        match sway < 0.0 {
            true => self.faults.latency.saturating_sub(jitter),
            false => self.faults.latency + jitter,
        }
    }

    /// The bytes that may be sent at once, with their flipped bits.
    fn piece(&mut self) -> Cow<'_, [u8]> {
        let mut most = PIECE as u64;
        if let Some((size, _)) = self.faults.slicer {
            let (low, high) = (size / 2, size.saturating_add(size / 2));
            most = most.min(self.random.u64(low.max(1)..=high));
        }
        if let Some(rate) = self.faults.bandwidth {
            most = most.min((rate / PIECES_PER_S).max(1));
        }
        let faults = &self.faults;
        for limit in [faults.half_close, faults.limit_data, faults.reset_peer] {
            most = most.min(limit.map_or(most, |limit| limit - self.sent));
        }
        let rest = self
            .waiting
            .front()
            .map_or(&[][..], |it| &it.bytes[it.at..]);
        let piece = &rest[..rest.len().min(most as usize)];
        let Some((nth, once)) = self.faults.flip else {
            return Cow::Borrowed(piece);
        };
        let flips = |number| {
            if once {
                number == nth
            } else {
                number % nth == 0
            }
        };
        let numbered = piece.iter().zip(self.sent + 1..);
        numbered
            .map(|(byte, number)| byte ^ u8::from(flips(number)))
            .collect()
    }
}

/// The most bytes that are read or sent at once.
pub(crate) const PIECE: usize = 64 << 10;
/// A limited bandwidth is divided into this many pieces a second.
const PIECES_PER_S: u64 = 50;
/// About the memory that a chunk takes besides its bytes. It matters for chunks of one byte.
const OVERHEAD: usize = 64;

#[cfg(test)]
mod tests;
