//! The file that a connection holds open while its answer is sent, and what follows an answer.

use std::{
    fs::File,
    io::{self, IoSliceMut},
    os::fd::AsFd,
};

use portlab_service::Next;
use portlab_sys::tally::{self, Count};
use rustix::{
    fs::sendfile,
    io::{Errno, ReadWriteFlags, pread, preadv2, retry_on_intr},
    net::{SendFlags, send},
};

use crate::{
    READ_BUFFER,
    trace::{self, What},
};

/// The file that a session has found, and the part of it that is still to be sent. A connection that waits for a request
/// holds none.
#[derive(Debug)]
pub(crate) struct Held {
    file: File,
    from: u64,
    left: u64,
    /// Up to this byte the file is in memory, so that sending it waits for no disk.
    in_memory_to: u64,
}

/// Whether the next piece of a file is in memory. If not, a job reads it first.
pub(crate) type InMemory = fn(&Held) -> bool;

/// A [`Next`] without its numbers, which are in [`Held`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum After {
    Continue,
    More,
    Close,
    Lookup,
    Body,
}

impl After {
    /// Takes over what a session returned. A file is held until an answer without a further part of it.
    ///
    /// # Errors
    /// When the session asks for a part of a file, and no file is open.
    pub(crate) fn of(next: Next, held: &mut Option<Box<Held>>) -> io::Result<Self> {
        Ok(match next {
            Next::Body { from, length } => {
                let held = held.as_mut().ok_or(Errno::BADF)?;
                (held.from, held.left, held.in_memory_to) = (from, length, 0);
                Self::Body
            }
            Next::Lookup => Self::Lookup,
            Next::More => Self::More,
            Next::Continue | Next::Close => {
                *held = None;
                match next {
                    Next::Close => Self::Close,
                    _ => Self::Continue,
                }
            }
        })
    }
}

impl Held {
    pub(crate) fn new(file: File) -> Box<Self> {
        Box::new(Self {
            file,
            from: 0,
            left: 0,
            in_memory_to: 0,
        })
    }

    /// The number of bytes that are still to be sent.
    pub(crate) fn left(&self) -> u64 {
        self.left
    }

    /// Sends at most `most` bytes from the file to a socket, without a copy in this process. Returns how many.
    ///
    /// # Errors
    /// When the socket takes no bytes, or the file has become shorter or can't be read.
    ///
    /// Source: `sendfile(2)`.
    pub(crate) fn send(&mut self, socket: impl AsFd, most: usize) -> io::Result<usize> {
        let count = self.left.min(most as u64) as usize;
        let mut from = self.from;
        let writing = trace::call(What::Write);
        let sent = sendfile(socket, &self.file, Some(&mut from), count)?;
        writing.end(sent);
        tally::add(Count::BytesOut, sent as u64);
        self.took(sent)
    }

    /// The number of bytes, at most `most`, that can be sent now. If it is 0, [`Held::load`] comes first.
    pub(crate) fn ready(&mut self, most: usize, in_memory: InMemory) -> usize {
        if self.in_memory_to <= self.from && in_memory(self) {
            self.in_memory_to = self.from + self.piece();
        }
        let ready = self.in_memory_to.saturating_sub(self.from);
        ready.min(self.left).min(most as u64) as usize
    }

    /// Whether the first and the last byte of the next piece are in the page cache. Some file systems can't tell; then no
    /// piece is.
    ///
    /// Source: `RWF_NOWAIT` in `preadv2(2)`.
    pub(crate) fn is_in_memory(&self) -> bool {
        let last = self.from + self.piece().saturating_sub(1);
        [self.from, last].iter().all(|&at| {
            let mut byte = [0];
            let buffer = &mut [IoSliceMut::new(&mut byte)];
            preadv2(&self.file, buffer, at, ReadWriteFlags::NOWAIT).is_ok()
        })
    }

    /// Reads the next piece, so that it is in memory. The thread may wait for a disk.
    ///
    /// # Errors
    /// When the file has become shorter or can't be read.
    pub(crate) fn load(&mut self) -> io::Result<()> {
        let reading = trace::call(What::Handle);
        let (mut at, end) = (self.from, self.from + self.piece());
        let mut buffer = vec![0; READ_BUFFER];
        while at < end {
            let length = retry_on_intr(|| pread(&self.file, &mut buffer, at))?;
            at += is_there(length)? as u64;
        }
        reading.end(0);
        self.in_memory_to = end;
        Ok(())
    }

    /// Appends at most `most` bytes of the file to `out`, for a socket that takes bytes of this process. The thread may
    /// wait for a disk.
    ///
    /// # Errors
    /// When the file has become shorter or can't be read.
    pub(crate) fn take(&mut self, most: usize, out: &mut Vec<u8>) -> io::Result<()> {
        let at = out.len();
        out.resize(at + self.left.min(most as u64) as usize, 0);
        let length = retry_on_intr(|| pread(&self.file, &mut out[at..], self.from))?;
        out.truncate(at + self.took(length)?);
        Ok(())
    }

    fn piece(&self) -> u64 {
        self.left.min(PIECE as u64)
    }

    fn took(&mut self, length: usize) -> io::Result<usize> {
        self.from += is_there(length)? as u64;
        self.left = self.left.saturating_sub(length as u64);
        Ok(length)
    }
}

/// The file has become shorter if it has no byte where one is to be sent. The length of the answer was sent already, so the
/// connection ends without the rest.
fn is_there(length: usize) -> io::Result<usize> {
    match length {
        0 => Err(Errno::NODATA.into()),
        length => Ok(length),
    }
}

/// Sends a part of an answer. The kernel waits for more bytes before it sends a packet that isn't full.
pub(crate) fn send_more(socket: impl AsFd, bytes: &[u8]) -> io::Result<usize> {
    Ok(send(socket, bytes, SendFlags::MORE | SendFlags::NOSIGNAL)?)
}

/// How many bytes of a file are read by one job, and sent before other connections have their turn.
pub(crate) const PIECE: usize = 4 * READ_BUFFER;
