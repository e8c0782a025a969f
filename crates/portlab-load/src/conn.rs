//! One connection: what it has sent, what it has received, and what it waits for.

use std::{
    collections::VecDeque,
    io::{self, Read, Write},
};

use mio::net::TcpStream;

use crate::{Cause, Mismatch, Pattern, Phase, Tally};

/// One connection of a closed loop. It owns no buffer: messages are sent straight from the pattern,
/// and answers pass through the thread's one buffer.
#[derive(Debug)]
pub(crate) struct Conn {
    pub(crate) stream: TcpStream,
    /// Which connection of the run this is; its stream is the pattern from a place of its own on.
    number: usize,
    /// Bytes handed to the system.
    sent: u64,
    /// Bytes that are to be sent by now.
    due: u64,
    /// Bytes that came back, and were right.
    received: u64,
    /// Bytes missing from the answer that is coming in.
    missing: usize,
    /// When each message in flight became due, in nanoseconds since the run began; the oldest
    /// first.
    asked: VecDeque<u64>,
}

/// A connection that can't go on.
#[derive(Debug)]
pub(crate) enum Broken {
    Io(Phase, io::Error),
    Because(Phase, Cause),
    Wrong(Mismatch),
}

impl Broken {
    pub(crate) fn count_in(self, tally: &mut Tally) {
        match self {
            Self::Io(phase, error) => tally.add_io(phase, &error),
            Self::Because(phase, cause) => tally.add(phase, cause),
            Self::Wrong(mismatch) => tally.add_mismatch(mismatch),
        }
    }
}

impl Conn {
    pub(crate) fn new(stream: TcpStream, number: usize) -> Self {
        let (sent, due, received, missing) = (0, 0, 0, 0);
        Self {
            stream,
            number,
            sent,
            due,
            received,
            missing,
            asked: VecDeque::new(),
        }
    }

    /// Messages sent, or due, and not answered.
    pub(crate) fn in_flight(&self) -> usize {
        self.asked.len()
    }

    /// When the oldest message in flight became due.
    pub(crate) fn oldest(&self) -> Option<u64> {
        self.asked.front().copied()
    }

    /// One more message of `size` bytes is due, as of `now`. [`Conn::send`] sends it.
    pub(crate) fn ask(&mut self, size: usize, now: u64) {
        if self.asked.is_empty() {
            self.missing = size;
        }
        self.due += size as u64;
        self.asked.push_back(now);
    }

    /// Sends what is due, as far as the socket takes it.
    pub(crate) fn send(&mut self, pattern: &Pattern) -> Result<(), Broken> {
        while self.sent < self.due {
            let length = (self.due - self.sent).min(Pattern::REACH as u64) as usize;
            match self
                .stream
                .write(pattern.at(self.number, self.sent, length))
            {
                Ok(written) => self.sent += written as u64,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(Broken::Io(Phase::Send, error)),
            }
        }
        Ok(())
    }

    /// Reads once and checks what came; `None` when nothing has.
    pub(crate) fn receive(
        &mut self,
        pattern: &Pattern,
        buffer: &mut [u8],
    ) -> Result<Option<usize>, Broken> {
        let length = match self.stream.read(buffer) {
            Ok(0) => return Err(Broken::Because(Phase::Receive, Cause::ClosedEarly)),
            Ok(length) => length,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(None),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Ok(None),
            Err(error) => return Err(Broken::Io(Phase::Receive, error)),
        };
        pattern
            .check(self.number, self.received, &buffer[..length])
            .map_err(Broken::Wrong)?;
        self.received += length as u64;
        if self.received > self.sent {
            return Err(Broken::Because(Phase::Verify, Cause::Unsolicited));
        }
        Ok(Some(length))
    }

    /// Takes the next message out of flight that the `length` bytes received last complete, and
    /// returns when it had become due. `length` is reduced by what belonged to it.
    pub(crate) fn complete(&mut self, length: &mut usize, size: usize) -> Option<u64> {
        if *length < self.missing {
            self.missing -= *length;
            *length = 0;
            return None;
        }
        let asked = self.asked.pop_front()?;
        *length -= self.missing;
        self.missing = if self.asked.is_empty() { 0 } else { size };
        Some(asked)
    }
}
