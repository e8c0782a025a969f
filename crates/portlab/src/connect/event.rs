//! What happens in a conversation, in the order in which it happens.

use std::{
    io::{self, Read},
    net::TcpStream,
    sync::mpsc::{self, Receiver, SyncSender},
    thread,
    time::Instant,
};

use super::screen::EditorEvent;

/// Something that has happened, and when.
pub(super) struct Event {
    pub(super) at: Instant,
    pub(super) what: What,
}

pub(super) enum What {
    /// These bytes are about to be sent. The event comes before the send, so that it comes before the answer.
    Sending(Vec<u8>),
    /// The encoding has no code for this character, and a `?` is sent instead.
    Replaced(char),
    /// Input is not in the encoding that was named for it.
    Garbled(Garbled),
    /// Sending failed, and nothing more will be sent.
    Unsent(io::Error),
    /// The input could not be read.
    Unread(io::Error),
    /// Everything is sent, and the sending half is about to be closed.
    HalfClosing,
    /// Everything is sent.
    SentAll,
    /// These bytes were received.
    Received(Vec<u8>),
    /// The server's FIN: it will send nothing more.
    Fin,
    /// The connection broke.
    Broken(io::Error),
    /// The line editor has begun a line, or has printed what it was given.
    Editor(EditorEvent),
    /// The line editor has been left, or failed.
    Left(Result<(), String>),
    /// A signal asks this process to end (SIGTERM, or SIGINT).
    Terminated,
}

/// How input is treated that is not in the encoding that was named for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Garbled {
    /// The input is in the encoding of the conversation, and is sent unchanged.
    SentAsItIs,
    /// Each malformed character is sent as a `?`.
    Marked,
    /// The input was typed, and its line is not sent.
    LineLost,
}

/// The sending end of the channel for events.
#[derive(Clone)]
pub(super) struct EventSender(SyncSender<Event>);

impl EventSender {
    pub(super) fn send(&self, what: What) {
        let at = Instant::now();
        // After the end of the conversation the receiver is gone, and the event is not needed.
        let _ = self.0.send(Event { at, what });
    }
}

/// A channel for events. It is bounded: while stdout takes nothing, no event is taken either, so sending to the server
/// waits, and memory doesn't grow.
pub(super) fn channel() -> (EventSender, Receiver<Event>) {
    let (sender, receiver) = mpsc::sync_channel(MOST_EVENTS);
    (EventSender(sender), receiver)
}

/// Starts a thread that reads from `stream` until it ends, and sends what it receives as events.
///
/// The thread has two buffers, and gets them back through the channel that is returned. So a server that sends faster than
/// its bytes can be shown has to wait.
///
/// # Errors
/// When the system has no thread or no descriptor left.
pub(super) fn listen(stream: &TcpStream, post: EventSender) -> io::Result<SyncSender<Vec<u8>>> {
    let mut stream = stream.try_clone()?;
    let (spare, buffers) = mpsc::sync_channel(BUFFERS);
    for _ in 0..BUFFERS {
        // There is room for all of them.
        let _ = spare.try_send(Vec::new());
    }
    thread::Builder::new().spawn(move || {
        for mut buffer in buffers {
            buffer.resize(READ, 0);
            match read(&mut stream, &mut buffer) {
                Ok(0) => return post.send(What::Fin),
                Ok(length) => {
                    buffer.truncate(length);
                    post.send(What::Received(buffer));
                }
                Err(error) => return post.send(What::Broken(error)),
            }
        }
    })?;
    Ok(spare)
}

fn read(stream: &mut TcpStream, buffer: &mut [u8]) -> io::Result<usize> {
    loop {
        match stream.read(buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

/// The most events in the channel. An event holds at most one line, or one read.
const MOST_EVENTS: usize = 64;

const BUFFERS: usize = 2;

/// The most bytes that are read at once.
const READ: usize = 16 << 10;
