//! One connection, driven by readiness: the state that a loop keeps where a thread would have a
//! stack.

use std::{
    io::{self, Read, Write},
    mem,
    net::Shutdown,
    os::fd::{AsFd, BorrowedFd},
    time::{Duration, Instant},
};

use mio::net::TcpStream;
use portlab_service::{ConnId, Cut, Flow, Next, Parting, Session, Work};
use portlab_sys::{
    stop::Interruptible,
    tally::{self, Count},
};

use crate::{
    READ_BUFFER,
    blocking::count_cut,
    deadlines::Deadlines,
    door::Admission,
    guarded::{Collected, Event, Outbox, Panicked},
    inbox::Inbox,
    trace::{self, Span, What},
};

/// One connection of a readiness loop.
///
/// It owns no read buffer: bytes pass through the loop's one [`Scratch`], and only an answer that
/// could not be sent, or must wait, is kept here.
pub(crate) struct Conn<S = Interruptible<TcpStream>> {
    /// Given back before the socket closes (fields are dropped in their order), so that the peer of the last
    /// connection finds a free place when it sees the end.
    _admission: Admission,
    stream: S,
    session: Box<dyn Session>,
    span: Span,
    deadlines: Deadlines,
    /// What is still to be sent, from `sent` on.
    pending: Vec<u8>,
    sent: usize,
    state: State,
    /// There may be something to read. A connection that is only called to its mail saves the system
    /// call that would hear "nothing".
    readable: bool,
    /// The poller has seen the peer's FIN. It won't say so again, so reading must go on to the end.
    fin_seen: bool,
    /// Everything has been read to the end.
    at_end: bool,
    /// The session holds input that it has not handled.
    has_more: bool,
    /// The FIN has been sent.
    has_finished: bool,
    how: Parting,
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
    /// The last words stand in `pending`, and the peer has a moment to take them and to close. What
    /// it says now is read and forgotten: bytes left unread would reset the connection, and the
    /// reset might overtake the last words.
    Leaving,
}

/// The buffers of a loop, shared by all of its connections.
pub(crate) struct Scratch {
    input: Box<[u8]>,
    pub(crate) outbox: Outbox,
}

/// What a connection asks of its loop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Call [`Conn::advance`] again when the poller says so, when there is mail, or at
    /// [`Conn::deadline`].
    Idle,
    /// It could go on, but it is the others' turn: call again soon.
    Yield,
    /// Do this work, then call [`Conn::work_done`].
    Work(Work),
    /// Go on as with `Idle`, but call [`Conn::work_done`] after this time: it will be over then.
    Leave(Duration),
    /// It has ended. Drop it.
    Done,
}

/// How many reads a connection gets before it is the others' turn, as a firehose would never end.
const TURN: usize = 16;

/// How long a peer has, at the end, to take what was said last and to close.
pub(crate) const FAREWELL: Duration = Duration::from_secs(1);

impl Scratch {
    pub(crate) fn new() -> Self {
        Self {
            input: vec![0; READ_BUFFER].into(),
            outbox: Outbox::default(),
        }
    }
}

/// A socket as the state machine uses it. Tests put a simulated one in its place.
pub(crate) trait Socket {
    /// As `read(2)` of a non-blocking socket.
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize>;
    /// As `write(2)` of a non-blocking socket.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize>;
    /// Sends the FIN.
    fn finish(&mut self) -> io::Result<()>;
}

impl Socket for Interruptible<TcpStream> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        Read::read(&mut **self, buffer)
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Write::write(&mut **self, bytes)
    }

    fn finish(&mut self) -> io::Result<()> {
        self.shutdown(Shutdown::Write)
    }
}

impl Conn {
    /// The socket, for the poller.
    pub(crate) fn stream(&mut self) -> &mut TcpStream {
        &mut self.stream
    }

    /// The socket, for a poll.
    pub(crate) fn fd(&self) -> BorrowedFd<'_> {
        self.stream.as_fd()
    }
}

impl<S: Socket> Conn<S> {
    pub(crate) fn new(
        stream: S,
        session: Box<dyn Session>,
        span: Span,
        admission: Admission,
    ) -> Self {
        Self {
            stream,
            session,
            span,
            deadlines: Deadlines::new(admission.limits),
            _admission: admission,
            pending: Vec::new(),
            sent: 0,
            state: State::New,
            readable: true,
            fin_seen: false,
            at_end: false,
            has_more: false,
            has_finished: false,
            how: Parting::Lost,
        }
    }

    /// Its number.
    pub(crate) fn id(&self) -> ConnId {
        self.span.id()
    }

    /// The poller has something to say of it; perhaps that the peer has sent its FIN, or that
    /// reading was shut.
    pub(crate) fn is_ready(&mut self, fin_seen: bool) {
        self.readable = !self.at_end;
        self.fin_seen |= fin_seen;
    }

    /// Whether something is to be sent that the socket doesn't take now.
    pub(crate) fn is_blocked(&self) -> bool {
        !self.pending.is_empty() && !matches!(self.state, State::Working(_))
    }

    /// Whether everything has been read to the peer's end.
    pub(crate) fn is_at_end(&self) -> bool {
        self.at_end
    }

    /// Whether its session holds input that it has not handled.
    pub(crate) fn has_more(&self) -> bool {
        self.has_more
    }

    /// Whether it must not be read now, though there may be input.
    pub(crate) fn rests(&mut self) -> bool {
        self.state == State::Talking && self.deadlines.rests()
    }

    /// When it is to be advanced, if nothing happens before.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        match self.state {
            State::Talking | State::Closing => self.deadlines.next(),
            State::New | State::Working(_) | State::Leaving => None,
        }
    }

    /// How it has ended.
    pub(crate) fn how(&self) -> Parting {
        self.how
    }

    /// Goes as far as it can without waiting: sends, hears its mail, reads.
    pub(crate) fn advance(&mut self, scratch: &mut Scratch, inbox: Option<&mut dyn Inbox>) -> Step {
        self.span.turn();
        // A peer that breaks off (reset, broken pipe) ends its connection and concerns no other.
        let advanced = self.try_advance(scratch, inbox);
        advanced.unwrap_or_else(|_| self.broken())
    }

    /// The work that a [`Step::Work`] asked for is done: sends the answer, and reads no further. A
    /// handler that worked has had its turn.
    pub(crate) fn work_done(&mut self) -> Step {
        self.span.turn();
        match self.state {
            State::Working(next) => {
                self.deadlines.moved();
                self.go_on(next);
            }
            // The moment is over.
            State::Leaving => return Step::Done,
            State::New | State::Talking | State::Closing => {}
        }
        // The next `advance` registers what the connection waits for.
        match self.flush() {
            Ok(_) => Step::Yield,
            Err(_) => self.broken(),
        }
    }

    /// The peer has broken off. A reset after the last words is expected and is not counted.
    fn broken(&self) -> Step {
        if self.state != State::Leaving {
            tally::add(Count::Broken, 1);
        }
        Step::Done
    }

    /// It is to end now: lets the session say its last words, and the peer take them.
    pub(crate) fn cut(&mut self, why: Cut, scratch: &mut Scratch) -> Step {
        self.how = count_cut(why);
        self.has_more = false;
        if scratch
            .outbox
            .call(&mut *self.session, Event::Cut(why))
            .is_err()
        {
            return Step::Done;
        }
        self.pending.extend_from_slice(&scratch.outbox.out);
        scratch.outbox.sent();
        self.leave().unwrap_or(Step::Done)
    }

    fn try_advance(
        &mut self,
        scratch: &mut Scratch,
        mut inbox: Option<&mut dyn Inbox>,
    ) -> io::Result<Step> {
        if matches!(self.state, State::Talking | State::Closing) {
            // If a rest has ended, `rests` clears it, so that no deadline stays in the past.
            self.deadlines.rests();
            if let Some(why) = self.deadlines.overdue() {
                return Ok(self.cut(why, scratch));
            }
        }
        for _ in 0..TURN {
            // Nothing is read before the last answer has left: that is the back-pressure.
            if !self.flush()? {
                let drowns = inbox.is_some_and(Inbox::is_overflowed);
                return Ok(match self.state {
                    State::Talking | State::Closing if drowns => self.cut(Cut::TooSlow, scratch),
                    _ => Step::Idle,
                });
            }
            // Only an inbox that has said "nothing" wakes this connection for its next mail.
            let (mut may_have_mail, mut has_much_mail) = (false, false);
            let event = match self.state {
                State::Working(_) => return Ok(Step::Idle),
                State::Closing if self.at_end => return Ok(Step::Done),
                State::Closing => return self.leave(),
                State::Leaving => return self.linger(scratch),
                State::New => Some(Event::Open),
                State::Talking => {
                    if let Some(inbox) = inbox.as_deref_mut() {
                        match scratch.outbox.collect(&mut *self.session, inbox) {
                            Err(Panicked) => return Ok(Step::Done),
                            Ok(Collected::Overflow) => return Ok(self.cut(Cut::TooSlow, scratch)),
                            Ok(Collected::Nothing) => {}
                            Ok(Collected::Letters(flow)) => {
                                has_much_mail = scratch.outbox.out.len() >= READ_BUFFER;
                                match self.answer(flow, &mut scratch.outbox)? {
                                    // The peer has its turn after each batch of mail.
                                    Step::Yield if self.state == State::Talking => {
                                        may_have_mail = true;
                                    }
                                    Step::Yield | Step::Idle => continue,
                                    step => return Ok(step),
                                }
                            }
                        }
                    }
                    match (self.has_more, self.readable) {
                        (false, false) => None,
                        // What it has asked is answered before it asks more, or the answers would pile up.
                        (true, _) if has_much_mail => None,
                        _ if self.deadlines.rests() => None,
                        (true, _) => {
                            self.has_more = false;
                            Some(Event::More)
                        }
                        (false, true) => match self.read(&mut scratch.input)? {
                            None => None,
                            Some(0) => Some(Event::Eof),
                            Some(length) => Some(Event::Data(&scratch.input[..length])),
                        },
                    }
                }
            };
            let Some(event) = event else {
                match may_have_mail {
                    true => continue,
                    false => return Ok(Step::Idle),
                }
            };
            let is_input = event.is_input();
            let Ok(flow) = scratch.outbox.call(&mut *self.session, event) else {
                return Ok(Step::Done);
            };
            let posted = scratch.outbox.posted();
            if is_input {
                self.deadlines.handled(&*self.session, posted);
            }
            match self.answer(flow, &mut scratch.outbox)? {
                // What it said is to be delivered before it says more.
                Step::Yield | Step::Idle if posted > 0 || self.has_more => return Ok(Step::Yield),
                Step::Yield => {}
                // A blocked connection with an inbox must be woken when too much mail waits in it.
                Step::Idle if inbox.is_some() => {}
                step => return Ok(step),
            }
        }
        Ok(Step::Yield)
    }

    /// Reads once; `None` when there is nothing, and `Some(0)` at the end.
    fn read(&mut self, input: &mut [u8]) -> io::Result<Option<usize>> {
        loop {
            let reading = trace::start();
            let read = self.stream.read(input);
            if let Ok(length) = read {
                reading.end(What::Read, length);
            }
            match read {
                Ok(0) => {
                    (self.at_end, self.readable) = (true, false);
                    return Ok(Some(0));
                }
                Ok(length) => {
                    tally::add(Count::BytesIn, length as u64);
                    self.deadlines.moved();
                    // A read that didn't fill the buffer has emptied the socket: asking once more
                    // would cost a system call to hear "nothing yet". What arrives later rings the
                    // poller again.
                    self.readable = length == READ_BUFFER || self.fin_seen;
                    return Ok(Some(length));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.readable = false;
                    return Ok(None);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Everything has been said, or stands in `pending`.
    fn leave(&mut self) -> io::Result<Step> {
        self.state = State::Leaving;
        if self.flush()? {
            self.finish()?;
        }
        Ok(Step::Leave(FAREWELL))
    }

    /// Sends the FIN, once: a poller reports the socket anew each time.
    fn finish(&mut self) -> io::Result<()> {
        if !mem::replace(&mut self.has_finished, true) {
            self.stream.finish()?;
        }
        Ok(())
    }

    /// Reads and forgets, until the peer has closed too.
    fn linger(&mut self, scratch: &mut Scratch) -> io::Result<Step> {
        self.finish()?;
        for _ in 0..TURN {
            if self.at_end {
                return Ok(Step::Done);
            }
            if !self.readable {
                return Ok(Step::Idle);
            }
            self.read(&mut scratch.input)?;
        }
        Ok(Step::Yield)
    }

    /// Sends the answer, or keeps what can't be sent yet. [`Step::Yield`] means: nothing in the
    /// way.
    fn answer(&mut self, flow: Flow, outbox: &mut Outbox) -> io::Result<Step> {
        if flow.next == Next::Close {
            self.how = Parting::Left;
        }
        if flow.work == Work::None {
            self.go_on(flow.next);
            // Usually the socket has room, and the answer never touches memory of this connection.
            let sent = self.write_some(&outbox.out)?;
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
            let pending = std::mem::take(&mut self.pending);
            let sent = self.write_some(&pending[self.sent..]);
            self.pending = pending;
            match sent? {
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

    fn go_on(&mut self, next: Next) {
        self.has_more |= next == Next::More;
        self.state = match next {
            Next::Continue | Next::More => State::Talking,
            Next::Close => State::Closing,
        };
    }

    /// Writes as much of `bytes` as the socket takes now, perhaps nothing.
    fn write_some(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.is_empty() {
            return Ok(0);
        }
        loop {
            let writing = trace::start();
            match self.stream.write(bytes) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(0),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
                Ok(sent) => {
                    writing.end(What::Write, sent);
                    tally::add(Count::BytesOut, sent as u64);
                    self.deadlines.moved();
                    return Ok(sent);
                }
            }
        }
    }
}

#[cfg(test)]
mod orders;
