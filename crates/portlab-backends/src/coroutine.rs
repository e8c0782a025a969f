//! One connection, driven by an async task.

use std::{
    cell::RefCell,
    future::poll_fn,
    io,
    net::SocketAddr,
    pin::Pin,
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
    task::{Context, Poll, ready},
};

use portlab_service::{Cut, Next, Parting, Post, Service, Session, Work};
use portlab_sys::{
    stop::{self, Interruptible},
    tally::{self, Count},
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf},
    net::{TcpListener, TcpStream, UnixStream},
    runtime::{Builder, Runtime},
    sync::mpsc,
    time::{Sleep, sleep_until},
};

use crate::{
    READ_BUFFER, Served,
    backoff::Backoff,
    blocking::{count_cut, perform},
    deadlines::Deadlines,
    door::{Admission, Entry, next_id},
    guarded::{Collected, Event, Outbox, Panicked},
    hub_task::{HubTask, Member},
    mailbox::Overflow,
    nonblocking::FAREWELL,
    trace::{self, Span, What},
};

/// Builds a runtime with timers and sockets, whose threads have names.
pub(crate) fn runtime(builder: &mut Builder) -> io::Result<Runtime> {
    let workers = AtomicUsize::new(0);
    builder.thread_name_fn(move || format!("worker {}", workers.fetch_add(1, Relaxed) + 1));
    trace::watch(builder);
    builder.enable_all().build()
}

/// Accepts until told to stop, makes each connection a task, and returns when the last has ended.
///
/// Both async models run this; they differ in the runtime that they run it on.
pub(crate) async fn accept_all(
    entry: Entry,
    overflow: Overflow,
    service: &'static dyn Service,
) -> io::Result<Served> {
    let listener = TcpListener::from_std(entry.listener()?)?;
    let stop = UnixStream::from_std(entry.stop.bell()?)?;
    let hub = service.hub().map(|hub| HubTask::hold(hub, overflow));
    let mut backoff = Backoff::new();
    // Each task holds a sender and never sends: when all have ended, receiving does too.
    let (alive, mut all_gone) = mpsc::channel::<()>(1);
    while let Some(accepted) = unless_stopped(&stop, accept(&listener)).await? {
        match accepted {
            Ok((stream, peer, span)) => {
                backoff.reset();
                let Some(admission) = entry.admit(&stream) else {
                    continue;
                };
                let stream = Interruptible::new(stream);
                let alive = alive.clone();
                let member = hub.as_ref().map(|hub| hub.member(span.id()));
                tokio::spawn(async move {
                    drive(stream, (span, peer, admission), service, member).await;
                    drop(alive);
                });
            }
            // The listener has been shut by the stop signal, whose own event is on its way.
            Err(_) if entry.stop.is_set() => break,
            Err(error) => {
                if let Some(pause) = backoff.after(&error) {
                    unless_stopped(&stop, tokio::time::sleep(pause)).await?;
                }
            }
        }
    }
    drop((listener, alive));
    // A task that sleeps doesn't notice that its connection was cut; it ends with the runtime.
    let patience = entry.stop.patience();
    let ended = async {
        all_gone.recv().await;
        match hub {
            Some(hub) => Some(hub.end().await),
            None => None,
        }
    };
    let counts = tokio::time::timeout(patience, ended).await;
    Ok(entry.served(0, counts.unwrap_or_default()))
}

/// Awaits the next caller.
async fn accept(listener: &TcpListener) -> io::Result<(TcpStream, SocketAddr, Span)> {
    poll_fn(|cx| {
        let accepting = trace::start();
        let (stream, peer) = ready!(listener.poll_accept(cx))?;
        let span = Span::new(next_id());
        accepting.accepted(&span, peer, listener);
        Poll::Ready(Ok((stream, peer, span)))
    })
    .await
}

/// Awaits `work`, or the stop signal: then `None`.
async fn unless_stopped<T>(
    stop: &UnixStream,
    work: impl Future<Output = T>,
) -> io::Result<Option<T>> {
    let (mut work, mut stopped) = (std::pin::pin!(work), std::pin::pin!(stop.readable()));
    poll_fn(|cx| {
        if let Poll::Ready(rung) = stopped.as_mut().poll(cx) {
            return Poll::Ready(rung.map(|_| None));
        }
        work.as_mut().poll(cx).map(|done| Ok(Some(done)))
    })
    .await
}

/// Serves one connection to its end, and takes leave of the hub.
async fn drive(
    stream: Interruptible<TcpStream>,
    (span, peer, admission): (Span, SocketAddr, Admission),
    service: &'static dyn Service,
    member: Option<Member>,
) {
    let mut talk = Talk {
        stream,
        session: service.open(span.id(), peer),
        span,
        member,
        hears_mail_first: true,
        at_end: false,
        has_more: false,
        deadlines: Deadlines::new(admission.limits),
        _admission: admission,
        timer: None,
        last_words: Vec::new(),
    };
    // A peer that breaks off ends its connection and concerns no other.
    let how = talk.converse().await.unwrap_or_else(|error| {
        // A handler that panicked is counted already.
        if error.raw_os_error().is_some() {
            tally::add(Count::Broken, 1);
        }
        Parting::Lost
    });
    // It hears nothing any more, so no mail cuts its last words short.
    let member = talk.member.take();
    let is_finished = how == Parting::Lost || talk.at_end && talk.last_words.is_empty();
    // The hub may have much to do before it hears of the end, and the socket need not wait for it.
    let leaving = (!is_finished).then_some(talk);
    if let Some(member) = member
        // When all go, no member is left to be told.
        && !stop::is_set()
    {
        let _ = member.gone(how).await;
    }
    if let Some(mut talk) = leaving {
        talk.leave().await;
    }
}

/// A connection and its session.
struct Talk {
    /// Given back before the socket closes.
    _admission: Admission,
    stream: Interruptible<TcpStream>,
    session: Box<dyn Session>,
    span: Span,
    /// Its place among those who share the hub, if the service has one.
    member: Option<Member>,
    /// Mail and the peer are heard in turn, when both have something to say.
    hears_mail_first: bool,
    /// Everything has been read to the end.
    at_end: bool,
    /// The session holds input that it has not handled.
    has_more: bool,
    deadlines: Deadlines,
    /// For the next of them; made when the first is needed.
    timer: Option<Pin<Box<Sleep>>>,
    /// What is still to be said when it is cut.
    last_words: Vec<u8>,
}

/// What one call of the session came to.
struct Turn {
    work: Work,
    next: Next,
    /// The part of the answer that has not been sent; usually nothing, and then no memory.
    unsent: Vec<u8>,
    /// What the hub is to hear; usually nothing.
    posts: Vec<Post>,
    /// It is to be cut, and these were its last words.
    cut: Option<Cut>,
}

/// The buffers of one thread, borrowed for the length of a poll and never across an `await`: so a
/// task that waits for its peer holds no buffer, and thousands of idle ones cost little.
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

impl Talk {
    /// It reads like the blocking version, and each `await` is where the thread leaves it for
    /// another.
    async fn converse(&mut self) -> io::Result<Parting> {
        if let Some(member) = &self.member {
            member.connect().await?;
        }
        self.span.turn();
        let mut turn = self.hear(Event::Open)?;
        loop {
            if let Some(member) = &self.member {
                member.post(std::mem::take(&mut turn.posts)).await?;
            }
            match turn.work {
                Work::None => {}
                Work::Wait(time) => tokio::time::sleep(time).await,
                // The mistakes, made on purpose: the thread is gone, and the tasks it would have run
                // wait.
                mistake => {
                    self.span.turn();
                    perform(mistake);
                }
            }
            if turn.work != Work::None {
                self.deadlines.moved();
            }
            if turn.cut.is_none()
                && !turn.unsent.is_empty()
                && let Some(why) = self.send(&mut turn.unsent).await?
            {
                turn.unsent.extend(self.cut(why)?.unsent);
                turn.cut = Some(why);
            }
            if let Some(why) = turn.cut {
                self.last_words = turn.unsent;
                return Ok(count_cut(why));
            }
            match turn.next {
                Next::Close => return Ok(Parting::Left),
                // Other tasks have their turn first.
                Next::More => {
                    self.has_more = true;
                    tokio::task::yield_now().await;
                }
                Next::Continue => {}
            }
            turn = poll_fn(|cx| self.poll_turn(cx)).await?;
        }
    }

    /// Hears what has come: mail, or something to read.
    fn poll_turn(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Turn>> {
        self.span.turn();
        if let Poll::Ready(why) = self.poll_deadline(cx) {
            return Poll::Ready(self.cut(why));
        }
        let mail_first = std::mem::replace(&mut self.hears_mail_first, true);
        if mail_first && let Some(turn) = self.collect(cx).transpose() {
            // The peer's turn is the next. But what it has asked is answered before it asks more, or the
            // answers would pile up.
            self.hears_mail_first = self.has_more;
            return Poll::Ready(turn);
        }
        // Behind the end there is nothing; but mail may still come.
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

    /// Ready when the connection is to be closed. Until then, the task is woken at the next moment at
    /// which there may be something to do.
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
            // If a rest has ended, `rests` clears it.
            self.deadlines.rests();
        }
    }

    /// Goes on with what the session holds, or reads.
    fn poll_input(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Turn>> {
        let turn = match std::mem::take(&mut self.has_more) {
            true => self.hear(Event::More),
            false => ready!(self.poll_read_turn(cx)),
        };
        if let Ok(turn) = &turn {
            self.deadlines.handled(&*self.session, turn.posts.len());
        }
        Poll::Ready(turn)
    }

    /// Reads and answers, if there is something to read.
    ///
    /// It polls the read itself instead of awaiting `readable()` first: tokio's read remembers that a
    /// partly filled buffer means an empty socket, and saves the system call that would only hear
    /// "again".
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
                [] => Event::Eof,
                data => Event::Data(data),
            };
            self.at_end = matches!(event, Event::Eof);
            let flow = outbox.call(&mut *self.session, event).map_err(panicked)?;
            Poll::Ready(answer(outbox, flow.work, flow.next, &self.stream))
        })
    }

    /// Hears its mail, if there is any.
    fn collect(&mut self, cx: &Context<'_>) -> io::Result<Option<Turn>> {
        let Some(member) = &self.member else {
            return Ok(None);
        };
        let session = &mut *self.session;
        SCRATCH.with_borrow_mut(|Scratch { outbox, .. }| {
            let collected = member
                .with_inbox(cx, |inbox| outbox.collect(session, inbox))
                .map_err(panicked)?;
            match collected {
                Collected::Nothing => Ok(None),
                Collected::Letters(flow) => {
                    answer(outbox, flow.work, flow.next, &self.stream).map(Some)
                }
                Collected::Overflow => last_words(outbox, session, Cut::TooSlow).map(Some),
            }
        })
    }

    /// Calls the session, and sends its answer as far as it goes.
    fn hear(&mut self, event: Event<'_>) -> io::Result<Turn> {
        SCRATCH.with_borrow_mut(|Scratch { outbox, .. }| {
            let flow = outbox.call(&mut *self.session, event).map_err(panicked)?;
            answer(outbox, flow.work, flow.next, &self.stream)
        })
    }

    /// The session's last words.
    fn cut(&mut self, why: Cut) -> io::Result<Turn> {
        SCRATCH
            .with_borrow_mut(|Scratch { outbox, .. }| last_words(outbox, &mut *self.session, why))
    }

    /// Sends all of `bytes`; or says why the peer is to be cut, which doesn't take them, and then some of
    /// them are left.
    async fn send(&mut self, bytes: &mut Vec<u8>) -> io::Result<Option<Cut>> {
        let mut sent = 0;
        let cut = poll_fn(|cx| {
            self.span.turn();
            while sent < bytes.len() {
                let writing = trace::start();
                match Pin::new(&mut *self.stream).poll_write(cx, &bytes[sent..])? {
                    Poll::Ready(more) => {
                        writing.end(What::Write, more);
                        tally::add(Count::BytesOut, more as u64);
                        self.deadlines.moved();
                        sent += more;
                    }
                    Poll::Pending => {
                        if let Some(member) = &self.member
                            && member.poll_overflow(cx).is_ready()
                        {
                            return Poll::Ready(Ok(Some(Cut::TooSlow)));
                        }
                        return self.poll_deadline(cx).map(|why| Ok(Some(why)));
                    }
                }
            }
            Poll::Ready(io::Result::Ok(None))
        });
        let cut = cut.await?;
        bytes.drain(..sent);
        Ok(cut)
    }

    /// Gives the peer a moment to take the last words, and to close as well. What it says now is read and forgotten: bytes left
    /// unread would reset the connection, and the reset might overtake the last words.
    async fn leave(&mut self) {
        // This moment is its only time limit.
        self.deadlines = Deadlines::none();
        let mut last_words = std::mem::take(&mut self.last_words);
        let farewell = async {
            self.send(&mut last_words).await?;
            self.stream.shutdown().await?;
            // On the heap: what stands across an await is part of every task, from its beginning on.
            let mut buffer = vec![0; 4096];
            while self.stream.read(&mut buffer).await? > 0 {}
            io::Result::Ok(())
        };
        let _ = tokio::time::timeout(FAREWELL, farewell).await;
    }
}

/// Sends the answer in `outbox` as far as it goes.
fn answer(outbox: &mut Outbox, work: Work, next: Next, stream: &TcpStream) -> io::Result<Turn> {
    let mut sent = 0;
    if work == Work::None && !outbox.out.is_empty() {
        let writing = trace::start();
        sent = match stream.try_write(&outbox.out) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => 0,
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
        posts: outbox.posts().collect(),
        cut: None,
    })
}

/// Lets the session say why it is cut.
fn last_words(outbox: &mut Outbox, session: &mut dyn Session, why: Cut) -> io::Result<Turn> {
    let flow = outbox.call(session, Event::Cut(why)).map_err(panicked)?;
    let unsent = std::mem::take(&mut outbox.out);
    Ok(Turn {
        work: Work::None,
        next: flow.next,
        unsent,
        posts: Vec::new(),
        cut: Some(why),
    })
}

fn panicked(_: Panicked) -> io::Error {
    io::Error::other("the handler panicked")
}
