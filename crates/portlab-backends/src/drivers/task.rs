//! One connection, driven by an async task.

mod port;

use std::{
    cell::RefCell,
    future::poll_fn,
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use portlab_service::{CloseReason, Cut, Flow, Post, Session, Work};
use portlab_sys::{
    stop::{self, Interruptible},
    tally::{self, Count},
};
use portlab_words::Text;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, Interest, ReadBuf},
    net::TcpStream,
    sync::mpsc,
    task::spawn_blocking,
    time::{Sleep, sleep_until},
};

pub(crate) use self::port::{Port, runtime};
use super::{
    closing::{LINGER, count_cut},
    deadlines::Deadlines,
    held::{After, Held, PIECE, send_more},
    outbox::{Collected, Outbox, Panicked, SessionEvent, lookup},
    work::{find, perform},
};
use crate::{
    READ_BUFFER,
    door::Admission,
    files::Files,
    hub::task::TaskClient,
    trace::{self, Span, What},
};

pub(crate) struct TaskConn {
    /// Given back before the socket closes.
    admission: Admission,
    stream: Interruptible<TcpStream>,
    session: Box<dyn Session>,
    span: Span,
    hub: Option<TaskClient>,
    /// If mail and input have both come, they are handled in turn.
    mail_first: bool,
    at_end: bool,
    /// The session holds input that it has not handled.
    has_more: bool,
    held: Option<Box<Held>>,
    deadlines: Deadlines,
    /// The timer of the next deadline; made when the first deadline is set.
    timer: Option<Pin<Box<Sleep>>>,
    /// Bytes that are still to be sent when the server closes the connection.
    last_bytes: Vec<u8>,
    /// The drain of the port ends when all of these are dropped.
    _alive: mpsc::Sender<()>,
}

struct Turn {
    work: Work,
    next: After,
    /// The part of the answer that has not been sent; usually nothing, and then no memory.
    unsent: Vec<u8>,
    posts: Vec<Post>,
    /// The server closes the connection for this reason, and `unsent` holds its last bytes.
    cut: Option<Cut>,
}

impl Turn {
    /// Whether nothing is left to be done: the whole answer has been sent.
    fn is_over(&self) -> bool {
        self.work == Work::None
            && self.next == After::Continue
            && self.unsent.is_empty()
            && self.posts.is_empty()
            && self.cut.is_none()
    }
}

/// The buffers of one thread, borrowed for the length of a poll and never across an `await`: a task that waits for its
/// peer holds no buffer, so thousands of idle ones cost little.
struct Scratch {
    input: Box<[u8]>,
    outbox: Outbox,
}

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::new(Scratch {
        input: vec![0; READ_BUFFER].into(),
        outbox: Outbox::default(),
    });
}

impl TaskConn {
    /// Serves the connection to its end, and takes it out of the hub.
    pub(crate) async fn serve(mut self) {
        // If the peer resets the connection, only this connection ends.
        let reason = self.drive().await.unwrap_or_else(|error| {
            // A handler that panicked is counted already.
            if error.raw_os_error().is_some() {
                tally::add(Count::Broken, 1);
            }
            CloseReason::Lost
        });
        // The connection gets no more mail, so no overflow interrupts its last bytes.
        let hub = self.hub.take();
        let is_finished = reason == CloseReason::Lost || self.at_end && self.last_bytes.is_empty();
        // The hub may be busy. A connection that has finished closes its socket before the hub gets the event.
        let lingering = (!is_finished).then_some(self);
        if let Some(hub) = hub
            // At a stop all connections end, and the hub need not report each end to the other members.
            && !stop::is_set()
        {
            let _ = hub.gone(reason).await;
        }
        if let Some(mut conn) = lingering {
            conn.linger().await;
        }
    }

    /// This code reads like the blocking version. At each `await` the thread turns to another task.
    async fn drive(&mut self) -> io::Result<CloseReason> {
        if let Some(hub) = &self.hub {
            hub.connect().await?;
        }
        self.span.turn();
        let mut turn = self.call(SessionEvent::Open)?;
        loop {
            if let Some(hub) = &self.hub {
                hub.post(std::mem::take(&mut turn.posts)).await?;
            }
            match turn.work {
                Work::None => {}
                Work::Wait(time) => {
                    self.span.turn();
                    trace::timer(time);
                    tokio::time::sleep(time).await;
                }
                // The mistake, made on purpose: this blocks the thread, and its other tasks wait.
                work => {
                    self.span.turn();
                    perform(work);
                }
            }
            if turn.work != Work::None {
                self.deadlines.moved();
            }
            if turn.cut.is_none()
                && !turn.unsent.is_empty()
                && let Some(why) = self.send(&mut turn.unsent).await?
            {
                match turn.next {
                    // Behind a part of a file, the last bytes would be taken for the rest of the file.
                    After::Body => turn.unsent.clear(),
                    _ => turn.unsent.extend(self.cut(why)?.unsent),
                }
                turn.cut = Some(why);
            }
            if let Some(why) = turn.cut {
                self.last_bytes = turn.unsent;
                return Ok(count_cut(why));
            }
            match turn.next {
                After::Close => return Ok(CloseReason::Left),
                // Other tasks have their turn first.
                After::More => {
                    self.has_more = true;
                    tokio::task::yield_now().await;
                }
                After::Continue => {}
                // On the heap: what is awaited here takes memory in every task from its beginning.
                After::Lookup => {
                    turn = Box::pin(self.look_up()).await?;
                    continue;
                }
                After::Body => {
                    turn = Box::pin(self.send_file()).await?;
                    continue;
                }
            }
            // Usually the whole answer has been sent when `poll_turn` returns. Then the next turn begins in the same poll, and the
            // turn isn't returned through the `await`.
            turn = poll_fn(|cx| {
                loop {
                    match self.poll_turn(cx) {
                        Poll::Ready(Ok(turn)) if turn.is_over() => {}
                        polled => return polled,
                    }
                }
            })
            .await?;
        }
    }

    /// Has a path looked up by a thread that may wait for a disk.
    async fn look_up(&mut self) -> io::Result<Turn> {
        let files = self.files();
        let asked = lookup(&*self.session).map_err(panicked)?.clone();
        let (found, held) = self.elsewhere(move || find(files, &asked)).await?;
        self.held = held;
        self.call(SessionEvent::Found(&found))
    }

    /// Sends a part of a file. What isn't in memory is read by such a thread first, piece after piece.
    async fn send_file(&mut self) -> io::Result<Turn> {
        while let Some(mut held) = self.held.take_if(|held| held.left() > 0) {
            if held.ready(1, Held::is_in_memory) == 0 {
                let loaded = self.elsewhere(move || (held.load(), held)).await?;
                loaded.0?;
                held = loaded.1;
            }
            let cut = self.send_by(|stream, cx| {
                let ready = held.ready(PIECE, Held::is_in_memory);
                if ready == 0 {
                    return Poll::Ready(Ok(false));
                }
                ready!(stream.poll_write_ready(cx))?;
                match stream.try_io(Interest::WRITABLE, || held.send(&*stream, ready)) {
                    // Then the next call awaits the socket.
                    Err(error) if is_transient(&error) => {}
                    sent => _ = sent?,
                }
                Poll::Ready(Ok(true))
            });
            let cut = cut.await?;
            self.held = Some(held);
            if let Some(why) = cut {
                return Ok(Turn {
                    work: Work::None,
                    next: After::Close,
                    unsent: Vec::new(),
                    posts: Vec::new(),
                    cut: Some(why),
                });
            }
        }
        self.call(SessionEvent::More)
    }

    async fn elsewhere<T: Send + 'static>(
        &mut self,
        job: impl FnOnce() -> T + Send + 'static,
    ) -> io::Result<T> {
        self.span.turn();
        let queued = trace::queued();
        let done = spawn_blocking(move || {
            let _working = queued.begin();
            job()
        });
        let done = done.await?;
        self.deadlines.moved();
        Ok(done)
    }

    fn files(&self) -> &'static Files {
        self.admission.terms.files
    }

    /// Handles what has come: mail, or input.
    fn poll_turn(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Turn>> {
        self.span.turn();
        if let Poll::Ready(why) = self.poll_deadline(cx) {
            return Poll::Ready(self.cut(why));
        }
        let mail_first = std::mem::replace(&mut self.mail_first, true);
        if mail_first && let Some(turn) = self.collect(cx).transpose() {
            // The next turn is for input. But if the session holds input, its answers leave first, or they would pile up.
            self.mail_first = self.has_more;
            return Poll::Ready(turn);
        }
        // After the end of the input, mail may still come.
        if (self.has_more || !self.at_end)
            && !self.deadlines.rests()
            && let Poll::Ready(turn) = self.poll_input(cx)
        {
            return Poll::Ready(turn);
        }
        if !mail_first && let Some(turn) = self.collect(cx).transpose() {
            return Poll::Ready(turn);
        }
        Poll::Pending
    }

    /// Ready when the connection is to be closed. Until then, the task is woken at its next deadline.
    fn poll_deadline(&mut self, cx: &mut Context<'_>) -> Poll<Cut> {
        loop {
            if let Some(why) = self.deadlines.overdue() {
                return Poll::Ready(why);
            }
            let Some(at) = self.deadlines.next() else {
                return Poll::Pending;
            };
            let at = at.into();
            let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(at)));
            if timer.deadline() != at {
                timer.as_mut().reset(at);
            }
            ready!(timer.as_mut().poll(cx));
            // If a rest has ended, this call clears it.
            self.deadlines.rests();
        }
    }

    /// Goes on with the input that the session holds, or reads.
    fn poll_input(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Turn>> {
        match std::mem::take(&mut self.has_more) {
            true => Poll::Ready(self.call(SessionEvent::More)),
            false => self.poll_read_turn(cx),
        }
    }

    /// Reads and answers, if there is input.
    ///
    /// The read is polled; `readable()` is not awaited first: after a partly filled buffer, tokio's read takes the socket as
    /// empty, and saves the system call that would find no input.
    fn poll_read_turn(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Turn>> {
        SCRATCH.with_borrow_mut(|Scratch { input, outbox }| {
            let mut buffer = ReadBuf::new(input);
            let reading = trace::start();
            ready!(Pin::new(&mut *self.stream).poll_read(cx, &mut buffer))?;
            let length = buffer.filled().len();
            reading.end(What::Read, length);
            tally::add(Count::BytesIn, length as u64);
            self.deadlines.moved();
            let event = match buffer.filled() {
                [] => SessionEvent::Eof,
                data => SessionEvent::Data(data),
            };
            self.at_end = matches!(event, SessionEvent::Eof);
            Poll::Ready(self.answer(outbox, event))
        })
    }

    fn collect(&mut self, cx: &Context<'_>) -> io::Result<Option<Turn>> {
        let Some(hub) = &self.hub else {
            return Ok(None);
        };
        let session = &mut *self.session;
        SCRATCH.with_borrow_mut(|Scratch { outbox, .. }| {
            let collected = hub
                .with_inbox(cx, |inbox| outbox.collect(session, inbox))
                .map_err(panicked)?;
            match collected {
                Collected::Nothing => Ok(None),
                Collected::Mail(flow) => {
                    answer(outbox, flow, &mut self.held, &self.stream).map(Some)
                }
                Collected::Overflow => last_bytes(outbox, session, Cut::TooSlow).map(Some),
            }
        })
    }

    /// Calls the session, and sends as much of its answer as the socket takes.
    fn call(&mut self, event: SessionEvent<'_>) -> io::Result<Turn> {
        SCRATCH.with_borrow_mut(|Scratch { outbox, .. }| self.answer(outbox, event))
    }

    fn answer(&mut self, outbox: &mut Outbox, event: SessionEvent<'_>) -> io::Result<Turn> {
        let is_input = event.is_input();
        let files = self.files();
        let flow = outbox
            .call(&mut *self.session, event, files)
            .map_err(panicked)?;
        if is_input {
            self.deadlines.handled(&*self.session, outbox.posted());
        }
        answer(outbox, flow, &mut self.held, &self.stream)
    }

    fn cut(&mut self, why: Cut) -> io::Result<Turn> {
        SCRATCH
            .with_borrow_mut(|Scratch { outbox, .. }| last_bytes(outbox, &mut *self.session, why))
    }

    /// Sends all of `bytes`. If the peer doesn't read them, returns why the connection is to be closed, and some bytes are
    /// left.
    async fn send(&mut self, bytes: &mut Vec<u8>) -> io::Result<Option<Cut>> {
        let mut sent = 0;
        let cut = self.send_by(|stream, cx| {
            if sent == bytes.len() {
                return Poll::Ready(Ok(false));
            }
            let writing = trace::start();
            let more = ready!(Pin::new(stream).poll_write(cx, &bytes[sent..]))?;
            writing.end(What::Write, more);
            tally::add(Count::BytesOut, more as u64);
            sent += more;
            Poll::Ready(Ok(true))
        });
        let cut = cut.await?;
        bytes.drain(..sent);
        Ok(cut)
    }

    /// Calls `write` until it returns false: nothing is left to send. If the peer doesn't read, returns why the connection is
    /// to be closed.
    async fn send_by(
        &mut self,
        mut write: impl FnMut(&mut TcpStream, &mut Context<'_>) -> Poll<io::Result<bool>>,
    ) -> io::Result<Option<Cut>> {
        let cut = poll_fn(|cx| {
            self.span.turn();
            loop {
                match write(&mut self.stream, cx)? {
                    Poll::Ready(true) => self.deadlines.moved(),
                    Poll::Ready(false) => return Poll::Ready(io::Result::Ok(None)),
                    Poll::Pending => {
                        if let Some(hub) = &self.hub
                            && hub.poll_overflow(cx).is_ready()
                        {
                            return Poll::Ready(Ok(Some(Cut::TooSlow)));
                        }
                        return self.poll_deadline(cx).map(|why| Ok(Some(why)));
                    }
                }
            }
        });
        cut.await
    }

    /// Gives the peer time to take the last bytes and to close. Its input is read and thrown away: if a socket closes with
    /// unread input, the kernel resets the connection, and the reset may overtake the last bytes.
    async fn linger(&mut self) {
        // From now on `LINGER` is the only time limit.
        self.deadlines = Deadlines::none();
        let mut last_bytes = std::mem::take(&mut self.last_bytes);
        let closing = async {
            self.send(&mut last_bytes).await?;
            self.stream.shutdown().await?;
            // On the heap: a variable that is held across an `await` takes memory in every task from its beginning.
            let mut buffer = vec![0; 4096];
            while self.stream.read(&mut buffer).await? > 0 {}
            io::Result::Ok(())
        };
        let _ = tokio::time::timeout(LINGER, closing).await;
    }
}

/// Whether the socket is full, or a signal came.
fn is_transient(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted
    )
}

/// Sends as much of the answer in `outbox` as the socket takes.
fn answer(
    outbox: &mut Outbox,
    Flow { work, next }: Flow,
    held: &mut Option<Box<Held>>,
    stream: &TcpStream,
) -> io::Result<Turn> {
    let next = After::of(next, held)?;
    let mut sent = 0;
    if work == Work::None && !outbox.out.is_empty() {
        let writing = trace::start();
        let written = match next {
            After::Body => stream.try_io(Interest::WRITABLE, || send_more(stream, &outbox.out)),
            _ => stream.try_write(&outbox.out),
        };
        sent = match written {
            Err(error) if is_transient(&error) => 0,
            result => result?,
        };
        writing.end(What::Write, sent);
        tally::add(Count::BytesOut, sent as u64);
    }
    let unsent = outbox.out[sent..].to_vec();
    outbox.sent();
    Ok(Turn {
        work,
        next,
        unsent,
        posts: outbox.take_posts(),
        cut: None,
    })
}

/// Tells the session why its connection is closed, and takes its last bytes.
fn last_bytes(outbox: &mut Outbox, session: &mut dyn Session, why: Cut) -> io::Result<Turn> {
    let flow = outbox
        .call(session, SessionEvent::Cut(why), Files::NONE)
        .map_err(panicked)?;
    let unsent = std::mem::take(&mut outbox.out);
    Ok(Turn {
        work: flow.work,
        next: After::Close,
        unsent,
        posts: Vec::new(),
        cut: Some(why),
    })
}

fn panicked(_: Panicked) -> io::Error {
    io::Error::other(Text::new("the handler panicked", "处理函数 panic"))
}
