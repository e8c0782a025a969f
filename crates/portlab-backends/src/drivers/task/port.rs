//! The port of an async model.

use std::{
    future::poll_fn,
    io,
    net::SocketAddr,
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
    task::{Poll, ready},
};

use portlab_service::Service;
use portlab_sys::stop::Interruptible;
use tokio::{
    net::{TcpListener, TcpStream, UnixStream},
    runtime::{Builder, Runtime},
    sync::mpsc,
};

use super::TaskConn;
use crate::{
    Served,
    door::{Entry, backoff::Backoff, next_id},
    drivers::deadlines::Deadlines,
    hub::{mailbox::Overflow, task::HubTask},
    trace::{self, Span},
};

/// Builds a runtime with timers and sockets, whose threads have names.
pub(crate) fn runtime(builder: &mut Builder) -> io::Result<Runtime> {
    let workers = AtomicUsize::new(0);
    builder.thread_name_fn(move || format!("worker {}", workers.fetch_add(1, Relaxed) + 1));
    trace::watch(builder);
    builder.max_blocking_threads(BLOCKING_THREADS);
    builder.enable_all().build()
}

/// The most threads that read files: more would only wait for the same disks.
const BLOCKING_THREADS: usize = 32;

/// The port of an async model, which accepts connections, and the hub that they share.
pub(crate) struct Port {
    entry: Entry,
    service: &'static dyn Service,
    listener: TcpListener,
    stop: UnixStream,
    hub: Option<HubTask>,
    backoff: Backoff,
    /// Each connection holds a sender and never sends: when the last connection has ended, receiving ends.
    alive: mpsc::Sender<()>,
    all_ended: mpsc::Receiver<()>,
}

impl Port {
    pub(crate) fn new(
        entry: Entry,
        overflow: Overflow,
        service: &'static dyn Service,
    ) -> io::Result<Self> {
        let (alive, all_ended) = mpsc::channel(1);
        Ok(Self {
            listener: TcpListener::from_std(entry.listener()?)?,
            stop: UnixStream::from_std(entry.stop.bell()?)?,
            entry,
            service,
            hub: service.hub().map(|hub| HubTask::spawn(hub, overflow)),
            backoff: Backoff::new(),
            alive,
            all_ended,
        })
    }

    /// Awaits the next connection; spawn [`TaskConn::serve`] as its task. `None` when the server stops.
    pub(crate) async fn accept(&mut self) -> io::Result<Option<TaskConn>> {
        loop {
            match unless_stopped(&self.stop, accept(&self.listener)).await? {
                None => return Ok(None),
                Some(Ok((stream, peer, span))) => {
                    self.backoff.reset();
                    if let Some(admission) = self.entry.admit(&stream) {
                        return Ok(Some(TaskConn {
                            session: self.service.open(span.id(), peer),
                            stream: Interruptible::new(stream),
                            hub: self.hub.as_ref().map(|hub| hub.client(span.id())),
                            span,
                            mail_first: true,
                            at_end: false,
                            has_more: false,
                            deadlines: Deadlines::new(&admission.terms.limits),
                            admission,
                            held: None,
                            timer: None,
                            last_bytes: Vec::new(),
                            _alive: self.alive.clone(),
                        }));
                    }
                }
                // The stop signal has shut the listener; the event of the signal follows.
                Some(Err(_)) if self.entry.stop.is_set() => return Ok(None),
                Some(Err(error)) => {
                    if let Some(pause) = self.backoff.after(&error) {
                        unless_stopped(&self.stop, tokio::time::sleep(pause)).await?;
                    }
                }
            }
        }
    }

    /// Closes the listener, and awaits the end of all connections.
    pub(crate) async fn drain(self) -> Served {
        let Self {
            entry,
            listener,
            hub,
            alive,
            mut all_ended,
            ..
        } = self;
        drop((listener, alive));
        let ended = async {
            all_ended.recv().await;
            match hub {
                Some(hub) => Some(hub.end().await),
                None => None,
            }
        };
        // A task that waits for a timer goes on after its connection was cut. It ends with the runtime.
        let counts = tokio::time::timeout(entry.stop.patience(), ended).await;
        entry.served(0, counts.unwrap_or_default())
    }
}

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
