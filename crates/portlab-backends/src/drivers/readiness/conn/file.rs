//! The file that an answer sends: by `sendfile`, or in pieces that jobs read.

use std::io;

use super::{Conn, State, Step, socket::Socket};
use crate::{
    READ_BUFFER,
    drivers::{outbox::lookup, work::Job},
    files::Files,
};

impl<S: Socket> Conn<S> {
    /// The session asks for a file, and all that comes before has been sent.
    pub(super) fn ask(&mut self) -> Step {
        let Ok(asked) = lookup(&*self.session) else {
            return Step::Done;
        };
        self.state = State::Finding;
        Step::Job(Job::Find(self.files(), asked.clone()))
    }

    pub(super) fn files(&self) -> &'static Files {
        self.admission.terms.files
    }

    /// Sends what follows of the file, at most [`FILE_TURN`]. Returns false if the socket is full.
    pub(super) fn send_file(&mut self, sends_files: bool) -> io::Result<bool> {
        let mut turn = FILE_TURN;
        while sends_files && turn > 0 && self.is_followed() {
            let Some(held) = &mut self.held else {
                break;
            };
            match self.stream.send_file(held, turn) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                sent => turn -= sent?,
            }
            self.deadlines.moved();
        }
        Ok(true)
    }

    /// The socket has taken all that was ready: what follows. `None` if the part of the file is complete.
    pub(super) fn file_step(&mut self, sends_files: bool) -> Option<Step> {
        if !self.is_followed() {
            self.state = State::Talking;
            return None;
        }
        if sends_files {
            return Some(Step::Yield);
        }
        self.state = State::Finding;
        self.held.take().map(|held| Step::Job(Job::Read(held)))
    }

    /// Whether a part of a file follows what is in `pending`.
    pub(super) fn is_followed(&self) -> bool {
        let left = self.held.as_ref().map_or(0, |held| held.left());
        self.state == State::Sending && left > 0
    }
}

/// How many bytes of a file a connection sends before other connections have their turn.
pub(super) const FILE_TURN: usize = 4 * READ_BUFFER;
