//! One connection, driven by an async task.

use std::{
    cell::RefCell,
    future::poll_fn,
    io,
    net::SocketAddr,
    pin::Pin,
    task::{Context, Poll, ready},
    thread,
};

use portlab_service::{Next, Service, Session, Work};
use portlab_sys::{clock::burn, stop::Interruptible};
use tokio::{
    io::{AsyncRead, AsyncWriteExt, ReadBuf},
    net::{TcpListener, TcpStream, UnixStream},
    sync::mpsc,
};

use crate::{
    READ_BUFFER,
    backoff::Backoff,
    door::{Entry, next_id},
    guarded::{Event, Outbox},
};

/// Accepts until told to stop, makes each connection a task, and returns when the last has ended.
///
/// Both async models run this; they differ in the runtime that they run it on.
pub(crate) async fn accept_all(entry: &Entry, service: &'static dyn Service) -> io::Result<()> {
    let listener = TcpListener::from_std(entry.listener()?)?;
    let stop = UnixStream::from_std(entry.stop.bell()?)?;
    let mut backoff = Backoff::new();
    // Each task holds a sender and never sends: when all have ended, receiving does too.
    let (alive, mut all_gone) = mpsc::channel::<()>(1);
    while let Some(accepted) = unless_stopped(&stop, listener.accept()).await? {
        match accepted {
            Ok((stream, peer)) => {
                backoff.reset();
                let stream = Interruptible::new(stream);
                let alive = alive.clone();
                tokio::spawn(async move {
                    // A peer that breaks off ends its connection and concerns nobody else.
                    let _ = drive(stream, peer, service).await;
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
    let _ = tokio::time::timeout(entry.stop.patience(), all_gone.recv()).await;
    Ok(())
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

/// Serves one connection. It reads like the blocking version, and each `await` is where the thread
/// leaves it for another.
async fn drive(
    mut stream: Interruptible<TcpStream>,
    peer: SocketAddr,
    service: &'static dyn Service,
) -> io::Result<()> {
    let mut session = service.open(next_id(), peer);
    let mut turn = SCRATCH.with_borrow_mut(|scratch| {
        hear(&mut scratch.outbox, &mut *session, Event::Open, &stream)
    })?;
    loop {
        match turn.work {
            Work::None => {}
            Work::Wait(time) => tokio::time::sleep(time).await,
            // The mistakes, made on purpose: the thread is gone, and the tasks it would have run
            // wait.
            Work::Block(time) => thread::sleep(time),
            Work::Cpu(time) => burn(time),
        }
        if !turn.unsent.is_empty() {
            stream.write_all(&turn.unsent).await?;
        }
        if turn.next == Next::Close {
            return Ok(());
        }
        turn = poll_fn(|cx| poll_turn(&mut stream, &mut *session, cx)).await?;
    }
}

/// What one call of the session came to.
struct Turn {
    work: Work,
    next: Next,
    /// The part of the answer that has not been sent; usually nothing, and then no memory.
    unsent: Vec<u8>,
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

/// Reads and answers, if there is something to read.
///
/// It polls the read itself instead of awaiting `readable()` first: tokio's read remembers that a
/// partly filled buffer means an empty socket, and saves the system call that would only hear
/// "again".
fn poll_turn(
    stream: &mut Interruptible<TcpStream>,
    session: &mut dyn Session,
    cx: &mut Context<'_>,
) -> Poll<io::Result<Turn>> {
    SCRATCH.with_borrow_mut(|Scratch { input, outbox }| {
        let mut buffer = ReadBuf::new(input);
        ready!(Pin::new(&mut **stream).poll_read(cx, &mut buffer))?;
        let event = match buffer.filled() {
            [] => Event::Eof,
            data => Event::Data(data),
        };
        Poll::Ready(hear(outbox, session, event, stream))
    })
}

/// Calls the session, and sends its answer as far as it goes.
fn hear(
    outbox: &mut Outbox,
    session: &mut dyn Session,
    event: Event<'_>,
    stream: &TcpStream,
) -> io::Result<Turn> {
    let Ok(flow) = outbox.call(session, event) else {
        return Err(io::Error::other("the handler panicked"));
    };
    let mut sent = 0;
    if flow.work == Work::None && !outbox.out.is_empty() {
        sent = match stream.try_write(&outbox.out) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => 0,
            result => result?,
        };
    }
    let unsent = outbox.out[sent..].to_vec();
    outbox.sent();
    Ok(Turn {
        work: flow.work,
        next: flow.next,
        unsent,
    })
}
