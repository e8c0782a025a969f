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
use portlab_sys::stop::{self, Interruptible};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf},
    net::{TcpListener, TcpStream, UnixStream},
    runtime::{Builder, Runtime},
    sync::mpsc,
};

use crate::{
    READ_BUFFER, Served,
    backoff::Backoff,
    blocking::perform,
    door::{Entry, next_id},
    guarded::{Collected, Event, Outbox, Panicked},
    hub_task::{HubTask, Member},
    mailbox::Overflow,
    nonblocking::FAREWELL,
    switchboard::Word,
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
                let stream = Interruptible::new(stream);
                let alive = alive.clone();
                let member = hub.as_ref().map(|hub| hub.member(span.id()));
                tokio::spawn(async move {
                    drive(stream, (span, peer), service, member).await;
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
    (span, peer): (Span, SocketAddr),
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
        last_words: Vec::new(),
    };
    // A peer that breaks off ends its connection and concerns nobody else.
    let how = talk.converse().await.unwrap_or(Parting::Lost);
    // It hears nothing any more, and the others needn't wait to be told.
    if let Some(member) = &talk.member
        // When all go, nobody is left to be told.
        && !stop::is_set()
    {
        let _ = member.say(Word::Gone(how)).await;
    }
    if how != Parting::Lost && !talk.at_end {
        talk.leave().await;
    }
}

/// A connection and its session.
struct Talk {
    stream: Interruptible<TcpStream>,
    session: Box<dyn Session>,
    span: Span,
    /// Its place among those who share the hub, if the service has one.
    member: Option<Member>,
    /// Mail and the peer are heard in turn, when both have something to say.
    hears_mail_first: bool,
    /// Everything has been read to the end.
    at_end: bool,
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
    cut: bool,
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
            if turn.cut || !turn.unsent.is_empty() && !self.send(&mut turn.unsent).await? {
                if !turn.cut {
                    turn.unsent.extend(self.cut()?.unsent);
                }
                self.last_words = turn.unsent;
                return Ok(Parting::TooSlow);
            }
            if turn.next == Next::Close {
                return Ok(Parting::Left);
            }
            turn = poll_fn(|cx| self.poll_turn(cx)).await?;
        }
    }

    /// Hears what has come: mail, or something to read.
    fn poll_turn(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Turn>> {
        self.span.turn();
        let mail_first = std::mem::replace(&mut self.hears_mail_first, true);
        if mail_first && let Some(turn) = self.collect(cx).transpose() {
            // The peer's turn is the next.
            self.hears_mail_first = false;
            return Poll::Ready(turn);
        }
        // Behind the end there is nothing; but mail may still come.
        if !self.at_end
            && let Poll::Ready(turn) = self.poll_read_turn(cx)
        {
            return Poll::Ready(turn);
        }
        if !mail_first && let Some(turn) = self.collect(cx).transpose() {
            return Poll::Ready(turn);
        }
        Poll::Pending
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
            reading.end(What::Read, buffer.filled().len());
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
                Collected::Overflow => last_words(outbox, session).map(Some),
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
    fn cut(&mut self) -> io::Result<Turn> {
        SCRATCH.with_borrow_mut(|Scratch { outbox, .. }| last_words(outbox, &mut *self.session))
    }

    /// Sends all of `bytes`; false when so much mail has come meanwhile that the peer is to be cut,
    /// and then some of them are left.
    async fn send(&mut self, bytes: &mut Vec<u8>) -> io::Result<bool> {
        let (stream, mut sent) = (&mut *self.stream, 0);
        let all = poll_fn(|cx| {
            self.span.turn();
            while sent < bytes.len() {
                let writing = trace::start();
                match (
                    Pin::new(&mut *stream).poll_write(cx, &bytes[sent..]),
                    &self.member,
                ) {
                    (Poll::Ready(more), _) => {
                        let more = more?;
                        writing.end(What::Write, more);
                        sent += more;
                    }
                    (Poll::Pending, None) => return Poll::Pending,
                    (Poll::Pending, Some(member)) => {
                        return member.poll_overflow(cx).map(|()| Ok(false));
                    }
                }
            }
            Poll::Ready(io::Result::Ok(true))
        });
        let all = all.await?;
        bytes.drain(..sent);
        Ok(all)
    }

    /// Gives the peer a moment to take the last words, and to close as well. What it says now is read and forgotten: bytes left
    /// unread would reset the connection, and the reset might overtake the last words.
    async fn leave(&mut self) {
        // It hears nothing any more, so no mail cuts it short.
        self.member = None;
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
    }
    let unsent = outbox.out[sent..].to_vec();
    outbox.sent();
    Ok(Turn {
        work,
        next,
        unsent,
        posts: outbox.posts().collect(),
        cut: false,
    })
}

/// Lets the session say why it is cut.
fn last_words(outbox: &mut Outbox, session: &mut dyn Session) -> io::Result<Turn> {
    let flow = outbox
        .call(session, Event::Cut(Cut::TooSlow))
        .map_err(panicked)?;
    let unsent = std::mem::take(&mut outbox.out);
    Ok(Turn {
        work: Work::None,
        next: flow.next,
        unsent,
        posts: Vec::new(),
        cut: true,
    })
}

fn panicked(_: Panicked) -> io::Error {
    io::Error::other("the handler panicked")
}
