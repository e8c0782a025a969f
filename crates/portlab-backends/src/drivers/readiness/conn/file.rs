//! The file that an answer sends: by `sendfile`, as far as it is in memory.

use std::io;

use super::{Conn, State, Step, socket::Socket};
use crate::{
    drivers::{
        held::{Held, InMemory, PIECE},
        outbox::lookup,
        work::Job,
    },
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

    /// Sends what follows of the file and is in memory, at most [`PIECE`]. Returns false if the socket is full.
    pub(super) fn send_file(&mut self, in_memory: InMemory) -> io::Result<bool> {
        let mut turn = PIECE;
        while self.is_followed()
            && let Some(held) = &mut self.held
        {
            let ready = held.ready(turn, in_memory);
            if ready == 0 {
                break;
            }
            match self.stream.send_file(held, ready) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                sent => turn -= sent?,
            }
            self.deadlines.moved();
        }
        Ok(true)
    }

    /// The socket has taken all that was ready: what follows. `None` if the part of the file is complete.
    pub(super) fn file_step(&mut self, in_memory: InMemory) -> Option<Step> {
        if !self.is_followed() {
            self.state = State::Talking;
            return None;
        }
        let is_ready = |held: &mut Box<Held>| held.ready(1, in_memory) > 0;
        if self.held.as_mut().is_some_and(is_ready) {
            return Some(Step::Yield);
        }
        self.state = State::Finding;
        self.held.take().map(|held| Step::Job(Job::Load(held)))
    }

    /// Whether a part of a file follows what is in `pending`.
    pub(super) fn is_followed(&self) -> bool {
        let left = self.held.as_ref().map_or(0, |held| held.left());
        self.state == State::Sending && left > 0
    }
}
