//! The chat service: a line goes to all other members of the room.
//!
//! Two state machines without sockets: a session for each connection (`session`), and one hub with all rooms (`rooms`). A
//! session turns bytes into lines (`lines`) and lines into requests (`request`, `commands`); the hub turns a request into
//! mail for its receivers, made once for each of their encodings (`encoded_line`). Requests and mail are bytes, so the hub
//! may be behind a lock or in another process, and neither half changes.

mod commands;
mod encoded_line;
mod lines;
mod request;
mod rooms;
mod session;

use std::net::SocketAddr;

use self::{rooms::Rooms, session::ChatSession};
use crate::{ConnId, Hub, Service, Session, TextEncoding};

/// A chat like IRC, with names and rooms.
///
/// The first line of a member is its name; every other line goes to all other members of the room, unless it begins with
/// a slash. Lines end with LF or CRLF, so `nc` and telnet can be clients; telnet's negotiation is ignored. Every member
/// reads and writes in its own encoding. Control characters and escape sequences are made visible, so that no member can
/// move the cursor of another.
///
/// Lines of the server begin with `* `. All lines to a member end with CRLF (RFC 5198).
#[derive(Clone, Copy, Debug)]
pub struct Chat {
    encoding: TextEncoding,
    limits: Limits,
}

/// The limits of a chat. If one is reached, the member gets a line that names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a line without its end. A member that sends more gets a message and is disconnected, because the server
    /// can't tell where the next line begins.
    pub line_bytes: usize,
    /// Lines and commands of one member that are handled in one turn. Then other members have their turn, and mail is
    /// delivered.
    pub lines_per_turn: usize,
    /// Characters of the name of a member or a room.
    pub name_chars: usize,
    /// Rooms at a time.
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
    /// Makes a chat whose members use `encoding` until they choose another.
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
        encoded_line::encode("* too many are here; come again later", self.encoding)
    }
}
