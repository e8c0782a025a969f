//! One connection, driven by readiness: the state that a loop keeps where a thread has a stack.

mod file;
pub(crate) mod socket;

use std::{
    io, mem,
    os::fd::{AsFd, BorrowedFd},
    time::{Duration, Instant},
};

use mio::net::TcpStream;
use portlab_service::{CloseReason, ConnId, Cut, Flow, Session, Work};
use portlab_sys::{
    pollset::Interest,
    stop::Interruptible,
    tally::{self, Count},
};

use self::socket::Socket;
use crate::{
    READ_BUFFER,
    door::Admission,
    drivers::{
        closing::{LINGER, count_cut},
        deadlines::Deadlines,
        held::{After, Held, InMemory},
        outbox::{Collected, Outbox, Panicked, SessionEvent},
        work::{Done, Job},
    },
    hub::inbox::Inbox,
    trace::{self, Span, What},
};

/// One connection of a readiness loop.
///
/// It owns no read buffer: bytes pass through the one [`Scratch`] of the loop, and only an answer that must wait is kept
/// here.
pub(crate) struct Conn<S = Interruptible<TcpStream>> {
    /// Given back before the socket closes (fields are dropped in their order): when the client reads the end of this
    /// connection, it can connect again.
    admission: Admission,
    stream: S,
    session: Box<dyn Session>,
    span: Span,
    deadlines: Deadlines,
    /// What is still to be sent, from `sent` on.
    pending: Vec<u8>,
    sent: usize,
    held: Option<Box<Held>>,
    state: State,
    /// There may be input. If not, as when only mail has come, no system call is made to look for input.
    readable: bool,
    /// The poller has reported the peer's FIN. It won't report it again, so reading must go on to the end.
    fin_seen: bool,
    /// Everything has been read to the end.
    at_end: bool,
    /// The session holds input that it has not handled.
    has_more: bool,
    fin_sent: bool,
    close_reason: CloseReason,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// The session has not been called yet.
    New,
    Talking,
    /// The answer is in `pending`, and the work before the answer isn't done.
    Working(After),
    /// The session asks for a file, and it isn't looked up yet.
    Asking,
    /// A job looks a path up, or brings a piece of a file into memory.
    Finding,
    /// A part of the file in `held` follows what is in `pending`.
    Sending,
    /// The last answer is in `pending`; after it the connection closes.
    Closing,
    /// The last bytes are in `pending`, and the peer has [`LINGER`] to take them and to close. Its input is read and
    /// thrown away: a socket that closes with unread input resets the connection, and the reset may overtake the
    /// last bytes.
    Lingering,
}

/// The buffers of a loop, shared by all of its connections.
pub(crate) struct Scratch {
    input: Box<[u8]>,
    pub(crate) outbox: Outbox,
    /// Which part of a file may be sent by the thread of the connection; the rest waits for a job.
    in_memory: InMemory,
}

/// What a connection asks of its driver.
#[derive(Debug)]
pub(crate) enum Step {
    /// Call [`Conn::advance`] again when the poller says so, when there is mail, or at
    /// [`Conn::deadline`].
    Idle,
    /// It can go on, but other connections have their turn first: call [`Conn::advance`] again soon.
    Yield,
    /// Do this, then call [`Conn::job_done`].
    Job(Job),
    /// As `Idle`; after this time call [`Conn::job_done`], which ends the connection.
    Linger(Duration),
    /// It has ended. Drop it.
    Done,
}

/// How many reads a connection has before other connections have their turn: the input of a fast sender may never end.
const TURN: usize = 16;

impl Scratch {
    pub(crate) fn new(in_memory: InMemory) -> Self {
        Self {
            input: vec![0; READ_BUFFER].into(),
            outbox: Outbox::default(),
            in_memory,
        }
    }
}

impl Conn {
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
            deadlines: Deadlines::new(&admission.terms.limits),
            admission,
            pending: Vec::new(),
            sent: 0,
            held: None,
            state: State::New,
            readable: true,
            fin_seen: false,
            at_end: false,
            has_more: false,
            fin_sent: false,
            close_reason: CloseReason::Lost,
        }
    }

    pub(crate) fn stream(&mut self) -> &mut S {
        &mut self.stream
    }

    /// Ends the connection, and leaves its socket to be closed.
    pub(crate) fn into_socket(self) -> S {
        self.stream
    }

    pub(crate) fn id(&self) -> ConnId {
        self.span.id()
    }

    /// The poller has reported the socket: perhaps that the peer has sent its FIN, or that reading was shut.
    pub(crate) fn is_ready(&mut self, fin_seen: bool) {
        self.readable = !self.at_end;
        self.fin_seen |= fin_seen;
    }

    /// Whether the socket doesn't take what is to be sent now.
    pub(crate) fn is_blocked(&self) -> bool {
        self.state == State::Sending
            || !self.pending.is_empty() && !matches!(self.state, State::Working(_))
    }

    /// What a poller that reports the state of sockets, not their changes, is to watch now.
    pub(crate) fn interest(&mut self) -> Interest {
        if self.is_blocked() {
            // Nothing is read before the last answer has left.
            return Interest::Write;
        }
        let is_busy = matches!(self.state, State::Working(_) | State::Finding);
        // At the end of its input the socket is always readable; and what a connection sends while it rests isn't read.
        match is_busy || self.at_end || self.rests() {
            true => Interest::None,
            false => Interest::Read,
        }
    }

    pub(crate) fn is_at_end(&self) -> bool {
        self.at_end
    }

    pub(crate) fn has_more(&self) -> bool {
        self.has_more
    }

    /// Whether the connection must not be read now, because it has sent more lines than it may.
    pub(crate) fn rests(&mut self) -> bool {
        self.state == State::Talking && self.deadlines.rests()
    }

    /// When [`Conn::advance`] is to be called, if no event comes before.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        match self.state {
            _ if self.is_timed() => self.deadlines.next(),
            _ => None,
        }
    }

    pub(crate) fn close_reason(&self) -> CloseReason {
        self.close_reason
    }

    /// Goes as far as possible without waiting: sends, takes mail, reads.
    pub(crate) fn advance(&mut self, scratch: &mut Scratch, inbox: Option<&mut dyn Inbox>) -> Step {
        self.span.turn();
        // If the peer resets the connection, only this connection ends.
        let advanced = self.try_advance(scratch, inbox);
        advanced.unwrap_or_else(|_| self.broken())
    }

    /// The job of a [`Step::Job`] is done: goes on with what came of it. Reading waits for the next turn.
    pub(crate) fn job_done(&mut self, done: Done, scratch: &mut Scratch) -> Step {
        self.span.turn();
        if self.state == State::Lingering {
            return Step::Done;
        }
        self.deadlines.moved();
        let went_on = self.take(done, scratch);
        went_on.unwrap_or_else(|_| self.broken())
    }

    fn take(&mut self, done: Done, scratch: &mut Scratch) -> io::Result<Step> {
        match (done, self.state) {
            (Done::Work, State::Working(after)) => self.go_on(after),
            (Done::Found(found, held), State::Finding) => {
                self.held = held;
                match self.call(SessionEvent::Found(&found), &mut scratch.outbox)? {
                    Step::Idle => {}
                    step => return Ok(step),
                }
            }
            (Done::Loaded(held, loaded), State::Finding) => {
                self.held = Some(held);
                loaded?;
                self.state = State::Sending;
            }
            _ => {}
        }
        // The next `advance` finds out what the connection waits for.
        self.flush()?;
        Ok(Step::Yield)
    }

    /// The peer has reset the connection. A reset after the last bytes is expected, and not counted.
    fn broken(&self) -> Step {
        if self.state != State::Lingering {
            tally::add(Count::Broken, 1);
        }
        Step::Done
    }

    /// Closes the connection: the session may write its last bytes, and the peer has time to take them.
    pub(crate) fn cut(&mut self, why: Cut, scratch: &mut Scratch) -> Step {
        self.close_reason = count_cut(why);
        self.has_more = false;
        // Behind a part of a file, the last bytes would be taken for the rest of the file.
        if let State::Finding | State::Sending | State::Working(After::Body) = self.state {
            return Step::Done;
        }
        let event = SessionEvent::Cut(why);
        let files = self.files();
        if scratch
            .outbox
            .call(&mut *self.session, event, files)
            .is_err()
        {
            return Step::Done;
        }
        self.pending.extend_from_slice(&scratch.outbox.out);
        scratch.outbox.sent();
        self.linger().unwrap_or(Step::Done)
    }

    fn try_advance(
        &mut self,
        scratch: &mut Scratch,
        mut inbox: Option<&mut dyn Inbox>,
    ) -> io::Result<Step> {
        if self.is_timed() {
            // If a rest has ended, this call clears it, so that no deadline stays in the past.
            self.deadlines.rests();
            if let Some(why) = self.deadlines.overdue() {
                return Ok(self.cut(why, scratch));
            }
        }
        for _ in 0..TURN {
            // Nothing is read before the last answer has left: that is the back-pressure.
            if !self.flush()? || !self.send_file(scratch.in_memory)? {
                let overflowed = inbox.is_some_and(Inbox::is_overflowed);
                return Ok(match overflowed && self.is_timed() {
                    true => self.cut(Cut::TooSlow, scratch),
                    false => Step::Idle,
                });
            }
            // An inbox wakes this connection for its next mail only after it was found empty.
            let (mut may_have_mail, mut has_much_mail) = (false, false);
            let event = match self.state {
                State::Working(_) | State::Finding => return Ok(Step::Idle),
                State::Asking => return Ok(self.ask()),
                State::Sending => match self.file_step(scratch.in_memory) {
                    Some(step) => return Ok(step),
                    None => Some(SessionEvent::More),
                },
                State::Closing if self.stream.has_unsent() => return Ok(Step::Idle),
                State::Closing if self.at_end => return Ok(Step::Done),
                State::Closing => return self.linger(),
                State::Lingering => return self.discard_input(scratch),
                State::New => Some(SessionEvent::Open),
                State::Talking => {
                    if let Some(inbox) = inbox.as_deref_mut() {
                        match scratch.outbox.collect(&mut *self.session, inbox) {
                            Err(Panicked) => return Ok(Step::Done),
                            Ok(Collected::Overflow) => return Ok(self.cut(Cut::TooSlow, scratch)),
                            Ok(Collected::Nothing) => {}
                            Ok(Collected::Mail(flow)) => {
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
                    self.next_input(&mut scratch.input, has_much_mail)?
                }
            };
            let Some(event) = event else {
                match may_have_mail {
                    true => continue,
                    false => return Ok(Step::Idle),
                }
            };
            let step = self.call(event, &mut scratch.outbox)?;
            let posted = scratch.outbox.posted();
            match step {
                // The posts are delivered before the session posts more.
                Step::Yield | Step::Idle if posted > 0 || self.has_more => return Ok(Step::Yield),
                Step::Yield => {}
                // A blocked connection with an inbox must be woken when the inbox overflows.
                Step::Idle if inbox.is_some() => {}
                step => return Ok(step),
            }
        }
        Ok(Step::Yield)
    }

    /// Calls the session, and sends its answer.
    fn call(&mut self, event: SessionEvent<'_>, outbox: &mut Outbox) -> io::Result<Step> {
        let is_input = event.is_input();
        let files = self.files();
        let Ok(flow) = outbox.call(&mut *self.session, event, files) else {
            return Ok(Step::Done);
        };
        if is_input {
            self.deadlines.handled(&*self.session, outbox.posted());
        }
        self.answer(flow, outbox)
    }

    /// Whether time limits run: not while work or a job is done, and `LINGER` is a limit of its own.
    fn is_timed(&self) -> bool {
        match self.state {
            State::Talking | State::Asking | State::Sending | State::Closing => true,
            State::New | State::Working(_) | State::Finding | State::Lingering => false,
        }
    }

    /// The input that the session is called for next; `None` if there is none or it must wait.
    fn next_input<'a>(
        &mut self,
        input: &'a mut [u8],
        has_much_mail: bool,
    ) -> io::Result<Option<SessionEvent<'a>>> {
        Ok(match (self.has_more, self.readable) {
            (false, false) => None,
            // The answers leave before more requests are handled, or the answers would pile up.
            (true, _) if has_much_mail => None,
            _ if self.deadlines.rests() => None,
            (true, _) => {
                self.has_more = false;
                Some(SessionEvent::More)
            }
            (false, true) => match self.read(input)? {
                None => None,
                Some(0) => Some(SessionEvent::Eof),
                Some(length) => Some(SessionEvent::Data(&input[..length])),
            },
        })
    }

    /// Reads once; `None` when there is no input, and `Some(0)` at the end.
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
                    // A read that didn't fill the buffer has emptied the socket: another read would cost a
                    // system call and find no input. The poller reports later input.
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

    /// All answers have been sent, or are in `pending`: closes the sending half behind them.
    fn linger(&mut self) -> io::Result<Step> {
        self.state = State::Lingering;
        if self.flush()? {
            self.finish()?;
        }
        Ok(Step::Linger(LINGER))
    }

    /// Sends the FIN, once: a poller reports the socket again after each.
    fn finish(&mut self) -> io::Result<()> {
        if !mem::replace(&mut self.fin_sent, true) {
            self.stream.finish()?;
        }
        Ok(())
    }

    /// Reads input and throws it away, until the peer has closed, too.
    fn discard_input(&mut self, scratch: &mut Scratch) -> io::Result<Step> {
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

    /// Sends the answer, or keeps what can't be sent yet. Returns [`Step::Yield`] if all of it was sent.
    fn answer(&mut self, flow: Flow, outbox: &mut Outbox) -> io::Result<Step> {
        let after = After::of(flow.next, &mut self.held)?;
        if after == After::Close {
            self.close_reason = CloseReason::Left;
        }
        if flow.work == Work::None {
            self.go_on(after);
            // Usually the socket has room, and the answer never touches memory of this connection.
            if !outbox.out.is_empty() {
                self.write_by(|stream, more| stream.take(&mut outbox.out, more))?;
            }
        } else {
            self.state = State::Working(after);
        }
        self.pending.extend_from_slice(&outbox.out);
        outbox.sent();
        Ok(match flow.work {
            Work::None if !self.pending.is_empty() => Step::Idle,
            Work::None => Step::Yield,
            work => Step::Job(Job::Work(work)),
        })
    }

    /// Sends what is pending and need not wait for work. Returns whether all of it has been sent.
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
            // An idle connection keeps no memory for its last answer.
            (self.pending, self.sent) = (Vec::new(), 0);
        }
        Ok(true)
    }

    fn go_on(&mut self, after: After) {
        self.has_more |= after == After::More;
        self.state = match after {
            After::Continue | After::More => State::Talking,
            After::Close => State::Closing,
            After::Lookup => State::Asking,
            After::Body => State::Sending,
        };
    }

    /// Writes as much of `bytes` as the socket takes now. Returns how many bytes, perhaps 0.
    fn write_some(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_by(|stream, more| match more {
            false => stream.write(bytes),
            true => stream.write_more(bytes),
        })
    }

    /// Writes by `write`, which gets the socket, and whether more bytes follow at once. Returns how many bytes were written,
    /// 0 if the socket is full.
    fn write_by(
        &mut self,
        mut write: impl FnMut(&mut S, bool) -> io::Result<usize>,
    ) -> io::Result<usize> {
        let more = self.is_followed();
        loop {
            let writing = trace::start();
            match write(&mut self.stream, more) {
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
