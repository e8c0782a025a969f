//! Encrypted streams that this side has closed, and that wait for the server's close.
//!
//! If a socket with unread bytes is closed, the kernel resets the connection, and the server loses what it has not read
//! yet. A server of TLS 1.3 sends tickets after the handshake (RFC 8446, 4.6.1) whether or not they are used, so a client
//! that only sends would nearly always lose its last messages.

use std::{collections::VecDeque, io::Read, mem};

use mio::{Interest, Token};

use crate::{
    dialogue::Dialogue,
    stream::Stream,
    worker::{ALARM, Worker},
};

/// How many such streams a thread keeps. When an older one is dropped, a server that still reads has read all of it.
pub(crate) const MOST: usize = 16;

/// The token of all of them when the run is over.
pub(crate) const LEAVING: Token = Token(ALARM.0 - 1);

/// How many reads empty the stream of a server that sends nothing more.
const READS: usize = 16;

impl<C: Dialogue> Worker<C> {
    /// This side has closed the stream, and the poller needn't report it any more.
    pub(crate) fn let_go(&mut self, mut stream: Stream) {
        if !matches!(stream, Stream::Tls(_)) || self.state.plan.life.reset {
            return;
        }
        if self.poll.registry().deregister(&mut stream).is_ok() {
            self.leaving.push_back(stream);
        }
        if self.leaving.len() > MOST
            && let Some(mut oldest) = self.leaving.pop_front()
        {
            has_ended(&mut oldest, &mut self.state.buffer);
        }
    }

    /// The run is over: lets the poller report the streams that are left.
    pub(crate) fn await_the_leaving(&mut self) {
        for mut stream in mem::take(&mut self.leaving) {
            let both = Interest::READABLE | Interest::WRITABLE;
            let registered = self.poll.registry().register(&mut stream, LEAVING, both);
            if registered.is_ok() {
                self.leaving.push_back(stream);
            }
        }
    }

    /// Drops the streams that the server has ended too.
    pub(crate) fn drop_the_ended(&mut self) {
        let (leaving, buffer) = (&mut self.leaving, &mut self.state.buffer);
        leaving.retain_mut(|stream| !has_ended(stream, buffer));
    }
}

/// The streams of a thread, the oldest first.
pub(crate) type Leaving = VecDeque<Stream>;

/// Reads what has come; returns whether that was the end.
fn has_ended(stream: &mut Stream, buffer: &mut [u8]) -> bool {
    (0..READS).any(|_| match stream.read(buffer) {
        Ok(length) => length == 0,
        Err(error) => error.kind() != std::io::ErrorKind::WouldBlock,
    })
}
