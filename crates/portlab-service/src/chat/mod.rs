//! The chat service: a line goes to everybody else in the room.
//!
//! Two state machines that know no socket: a session for each connection (`session`), and one hub
//! with all the rooms (`rooms`). A session turns bytes into lines (`lines`) and lines into requests
//! (`request`, `commands`); the hub turns a request into mail for its receivers, made once for each
//! encoding that is spoken (`press`). Requests and mail are bytes, so the hub may live behind a lock
//! or in another process, and neither half can tell.

mod commands;
mod lines;
mod press;
mod request;
mod rooms;
mod session;

use std::net::SocketAddr;

use self::{rooms::Rooms, session::ChatSession};
use crate::{ConnId, Hub, Service, Session, TextEncoding};

/// A chat, as one knows it from IRC: a name, a room, lines.
///
/// The first line that comes is the name; every other goes to everybody else in the room, unless it
/// begins with a slash. Lines end with LF or CRLF, so `nc` and telnet are clients, and what telnet
/// negotiates is left out. Every member reads and writes in an encoding of its own. What members say
/// can't move another's cursor: control characters and escape sequences are made visible.
///
/// Lines of the server begin with `* `, and all of them end with CRLF (RFC 5198).
#[derive(Clone, Copy, Debug)]
pub struct Chat {
    encoding: TextEncoding,
    limits: Limits,
}

/// What a chat bears with. Each limit has an answer of its own that says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a line, its end not counted. Who sends more is told and disconnected: what comes
    /// next can't be made sense of.
    pub line_bytes: usize,
    /// Lines and commands of one member that are taken in one turn. Then other members have theirs, and
    /// the mail that follows is delivered.
    pub lines_per_turn: usize,
    /// Characters of the name of a member or a room.
    pub name_chars: usize,
    /// Rooms that there may be at a time.
    pub rooms: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            line_bytes: 4096,
            lines_per_turn: 32,
            name_chars: 24,
            rooms: 100,
        }
    }
}

impl Chat {
    /// A chat whose members speak `encoding` until they choose another.
    #[must_use]
    pub fn new(encoding: TextEncoding, limits: Limits) -> Self {
        Self { encoding, limits }
    }
}

impl Service for Chat {
    fn open(&self, _conn: ConnId, _peer: SocketAddr) -> Box<dyn Session> {
        Box::new(ChatSession::new(self.encoding, self.limits))
    }

    fn hub(&self) -> Option<Box<dyn Hub>> {
        Some(Box::new(Rooms::new(self.encoding, self.limits)))
    }

    fn refusal(&self) -> Vec<u8> {
        press::line("* too many are here; come again later", self.encoding)
    }
}
