//! The file that a connection holds open while its answer is sent, and what follows an answer.

use std::{fs::File, io, os::fd::AsFd};

use portlab_service::Next;
use portlab_sys::tally::{self, Count};
use rustix::{
    buffer::spare_capacity,
    fs::sendfile,
    io::{Errno, pread, retry_on_intr},
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
}

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
                (held.from, held.left) = (from, length);
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
        let writing = trace::call();
        let sent = sendfile(socket, &self.file, Some(&mut from), count)?;
        writing.end(What::Write, sent);
        tally::add(Count::BytesOut, sent as u64);
        self.took(sent)
    }

    /// Reads the next piece of the file. The thread may wait for a disk.
    ///
    /// # Errors
    /// When the file has become shorter or can't be read.
    pub(crate) fn piece(&mut self) -> io::Result<Vec<u8>> {
        self.piece_of(PIECE)
    }

    /// As [`Held::piece`], with at most `most` bytes.
    pub(crate) fn piece_of(&mut self, most: usize) -> io::Result<Vec<u8>> {
        let mut piece = Vec::with_capacity(self.left.min(most as u64) as usize);
        let reading = trace::call();
        let length = retry_on_intr(|| pread(&self.file, spare_capacity(&mut piece), self.from))?;
        reading.end(What::Handle, 0);
        self.took(length)?;
        Ok(piece)
    }

    fn took(&mut self, length: usize) -> io::Result<usize> {
        // An answer has a length that was sent already, so the connection ends without the rest.
        if length == 0 {
            return Err(Errno::NODATA.into());
        }
        self.from += length as u64;
        self.left = self.left.saturating_sub(length as u64);
        Ok(length)
    }
}

/// Sends a part of an answer. The kernel waits for more bytes before it sends a packet that isn't full.
pub(crate) fn send_more(socket: impl AsFd, bytes: &[u8]) -> io::Result<usize> {
    Ok(send(socket, bytes, SendFlags::MORE | SendFlags::NOSIGNAL)?)
}

/// How many bytes of a file are in memory at a time.
const PIECE: usize = 2 * READ_BUFFER;
