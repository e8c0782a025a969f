//! What happens in a conversation, in the order in which it happens.

use std::{
    io::{self, Read},
    net::TcpStream,
    sync::mpsc::{self, Receiver, SyncSender},
    thread,
    time::Instant,
};

use super::screen::Turn;

/// Something that has happened, and when.
pub(super) struct Event {
    pub(super) at: Instant,
    pub(super) what: What,
}

pub(super) enum What {
    /// These bytes are about to be sent: said before it is done, so that no answer comes first.
    Sending(Vec<u8>),
    /// A character had no place in the encoding, and a `?` is sent in its stead.
    Replaced(char),
    /// What is to be sent, or was typed, is not in the encoding of the input.
    Garbled(Garbled),
    /// Sending failed, and nothing more will be sent.
    Unsent(io::Error),
    /// What was to be sent could not be read.
    Unread(io::Error),
    /// All is sent, and the sending half is about to be closed.
    HalfClosing,
    /// All is sent.
    SaidAll,
    /// These bytes came.
    Came(Vec<u8>),
    /// The server's FIN: it will send nothing more.
    Fin,
    /// The connection broke.
    Broken(io::Error),
    /// The line editor has begun a line, or has printed what it was given.
    Turn(Turn),
    /// The line editor has been left, or failed.
    Left(Result<(), String>),
    /// The system wants this process to end (SIGTERM, or SIGINT).
    Terminated,
}

/// What became of input in another encoding than was said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Garbled {
    /// It is in the encoding of the conversation, and goes as it is.
    SentAsItIs,
    /// Each character that was malformed goes as a `?`.
    Marked,
    /// It was typed, and the line is lost.
    LineLost,
}

/// Where what happens is told.
#[derive(Clone)]
pub(super) struct Post(SyncSender<Event>);

impl Post {
    pub(super) fn tell(&self, what: What) {
        let at = Instant::now();
        // After the end of the conversation the receiver is gone, and the event is not needed.
        let _ = self.0.send(Event { at, what });
    }
}

/// A channel for events. While stdout takes nothing, no event is taken either: then what is sent to the server
/// waits, instead of all being kept here.
pub(super) fn channel() -> (Post, Receiver<Event>) {
    let (sender, receiver) = mpsc::sync_channel(MOST_EVENTS);
    (Post(sender), receiver)
}

/// Has a thread read from `stream` until it ends, and tell what comes.
///
/// It reads into the buffers that it is given through the channel that is returned, and has two to
/// begin with: a server that sends faster than its bytes can be shown has to wait.
///
/// # Errors
/// When the system has no thread or no descriptor left.
pub(super) fn listen(stream: &TcpStream, post: Post) -> io::Result<SyncSender<Vec<u8>>> {
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
                Ok(0) => return post.tell(What::Fin),
                Ok(length) => {
                    buffer.truncate(length);
                    post.tell(What::Came(buffer));
                }
                Err(error) => return post.tell(What::Broken(error)),
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

/// The most events that wait. Each holds one line at most, or one read.
const MOST_EVENTS: usize = 64;

const BUFFERS: usize = 2;

/// The most that is read at once.
const READ: usize = 16 << 10;
