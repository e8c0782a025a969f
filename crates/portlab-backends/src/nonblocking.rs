//! One connection, driven by readiness: the state that a loop keeps where a thread would have a
//! stack.

use std::io::{self, Read, Write};

use mio::net::TcpStream;
use portlab_service::{Flow, Next, Session, Work};
use portlab_sys::stop::Interruptible;

use crate::{
    READ_BUFFER,
    guarded::{Event, Outbox},
};

/// One connection of a readiness loop.
///
/// It owns no read buffer: bytes pass through the loop's one [`Scratch`], and only an answer that
/// could not be sent, or must wait, is kept here.
pub(crate) struct Conn {
    stream: Interruptible<TcpStream>,
    session: Box<dyn Session>,
    /// What is still to be sent, from `sent` on.
    pending: Vec<u8>,
    sent: usize,
    state: State,
    /// The poller has seen the peer's FIN. It won't say so again, so reading must go on to the end.
    fin_seen: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// Nothing has been said yet.
    New,
    /// Reading and answering.
    Talking,
    /// The answer stands in `pending`, and the work before it isn't done.
    Working(Next),
    /// Everything that is due stands in `pending`; then comes the end.
    Closing,
}

/// The buffers of a loop, shared by all of its connections.
pub(crate) struct Scratch {
    input: Box<[u8]>,
    outbox: Outbox,
}

/// What a connection asks of its loop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Call [`Conn::advance`] again when the poller says so.
    Idle,
    /// It could go on, but it is the others' turn: call again soon.
    Yield,
    /// Do this work, then call [`Conn::work_done`].
    Work(Work),
    /// It has ended. Drop it.
    Done,
}

/// How many reads a connection gets before it is the others' turn, as a firehose would never end.
const TURN: usize = 16;

impl Scratch {
    pub(crate) fn new() -> Self {
        Self {
            input: vec![0; READ_BUFFER].into(),
            outbox: Outbox::default(),
        }
    }
}

impl Conn {
    pub(crate) fn new(stream: Interruptible<TcpStream>, session: Box<dyn Session>) -> Self {
        Self {
            stream,
            session,
            pending: Vec::new(),
            sent: 0,
            state: State::New,
            fin_seen: false,
        }
    }

    /// The socket, for the poller.
    pub(crate) fn stream(&mut self) -> &mut TcpStream {
        &mut self.stream
    }

    /// The poller says that the peer has sent its FIN, or that reading was shut.
    pub(crate) fn saw_fin(&mut self) {
        self.fin_seen = true;
    }

    /// Goes as far as it can without waiting.
    pub(crate) fn advance(&mut self, scratch: &mut Scratch) -> Step {
        // A peer that breaks off (reset, broken pipe) ends its connection and concerns nobody else.
        self.try_advance(scratch).unwrap_or(Step::Done)
    }

    /// The work that a [`Step::Work`] asked for is done: sends the answer, and reads no further. A
    /// handler that worked has had its turn.
    pub(crate) fn work_done(&mut self) -> Step {
        if let State::Working(next) = self.state {
            self.state = after(next);
        }
        match (self.flush(), self.state) {
            (Ok(true), State::Closing) | (Err(_), _) => Step::Done,
            (Ok(true), _) => Step::Yield,
            (Ok(false), _) => Step::Idle,
        }
    }

    fn try_advance(&mut self, scratch: &mut Scratch) -> io::Result<Step> {
        for _ in 0..TURN {
            // Nothing is read before the last answer has left: that is the back-pressure.
            let event = match (self.flush()?, self.state) {
                (false, _) | (_, State::Working(_)) => return Ok(Step::Idle),
                (true, State::Closing) => return Ok(Step::Done),
                (true, State::New) => Event::Open,
                (true, State::Talking) => match self.stream.read(&mut scratch.input) {
                    Ok(0) => Event::Eof,
                    Ok(length) => Event::Data(&scratch.input[..length]),
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                        return Ok(Step::Idle);
                    }
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                    Err(error) => return Err(error),
                },
            };
            // A read that didn't fill the buffer has emptied the socket: asking once more would
            // cost a system call to hear "nothing yet". What arrives later rings the poller again.
            let emptied = matches!(event, Event::Data(data) if data.len() < READ_BUFFER);
            let Ok(flow) = scratch.outbox.call(&mut *self.session, event) else {
                return Ok(Step::Done);
            };
            let step = self.answer(flow, &mut scratch.outbox)?;
            if step != Step::Yield {
                return Ok(step);
            }
            if emptied && !self.fin_seen && self.state == State::Talking {
                return Ok(Step::Idle);
            }
        }
        Ok(Step::Yield)
    }

    /// Sends the answer, or keeps what can't be sent yet. [`Step::Yield`] means: nothing in the
    /// way.
    fn answer(&mut self, flow: Flow, outbox: &mut Outbox) -> io::Result<Step> {
        if flow.work == Work::None {
            self.state = after(flow.next);
            // Usually the socket has room, and the answer never touches memory of this connection.
            let sent = write_some(&self.stream, &outbox.out)?;
            self.pending.extend_from_slice(&outbox.out[sent..]);
        } else {
            self.state = State::Working(flow.next);
            self.pending.extend_from_slice(&outbox.out);
        }
        outbox.sent();
        Ok(match flow.work {
            Work::None if !self.pending.is_empty() => Step::Idle,
            Work::None => Step::Yield,
            work => Step::Work(work),
        })
    }

    /// Sends what is pending and need not wait for work; says whether all of it has left.
    fn flush(&mut self) -> io::Result<bool> {
        if matches!(self.state, State::Working(_)) {
            return Ok(self.pending.is_empty());
        }
        while self.sent < self.pending.len() {
            match write_some(&self.stream, &self.pending[self.sent..])? {
                0 => return Ok(false),
                sent => self.sent += sent,
            }
        }
        if self.sent > 0 {
            // An idle connection keeps no memory for the answer it once gave.
            (self.pending, self.sent) = (Vec::new(), 0);
        }
        Ok(true)
    }
}

fn after(next: Next) -> State {
    match next {
        Next::Continue => State::Talking,
        Next::Close => State::Closing,
    }
}

/// Writes as much of `bytes` as the socket takes now, perhaps nothing.
fn write_some(mut stream: &TcpStream, bytes: &[u8]) -> io::Result<usize> {
    if bytes.is_empty() {
        return Ok(0);
    }
    loop {
        match stream.write(bytes) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(0),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}
