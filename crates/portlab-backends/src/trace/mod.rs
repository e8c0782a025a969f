//! The timeline: what each thread of a server does, and when.
//!
//! | module | owns |
//! |---|---|
//! | this one | the hooks: the calls in drivers and models |
//! | `memory` | where events are kept: bounded, and shared by all processes of a server |
//! | `recorder` | beginning to record, and writing the file |
//!
//! A hook is a [`Mark`], made before an action and ended after it. Without a recording, making a mark reads a flag, and
//! ending it is a comparison with zero: no clock, no memory.
//!
//! **Waiting or reading?** One call of a blocking `read`, `write` or `accept` does both. A thread that waits uses no
//! processor, so a [`Call`] reads the thread's CPU clock as well: the CPU time of the call is the reading, at its end,
//! and the time before it is the waiting.

mod memory;
mod recorder;

use std::{
    cell::Cell, net::SocketAddr, num::NonZeroU64, os::fd::AsRawFd, sync::atomic::Ordering::Relaxed,
};

use portlab_service::ConnId;
use portlab_sys::{
    clock::{monotonic_ns, thread_cpu},
    socket::accept_queue,
};

pub(crate) use self::memory::What;
use self::memory::{BROKER, ON, ROLE, TraceEvent, record};
pub use self::recorder::Recorder;

/// A shorter wait is not recorded.
const BRIEF_NS: u64 = 10_000;

thread_local! {
    /// The connection that this thread serves now; 0 for none.
    static TURN: Cell<u64> = const { Cell::new(0) };
    static BUSY_UNTIL: Cell<u64> = const { Cell::new(0) };
}

/// The time at which an action begins; `None` without a recording.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mark(Option<NonZeroU64>);

/// Begins an action that doesn't block, or only blocks.
#[inline]
pub(crate) fn start() -> Mark {
    Mark(if ON.load(Relaxed) { now() } else { None })
}

impl Mark {
    /// The action is done, for the connection of this turn, and has moved this number of bytes.
    #[inline]
    pub(crate) fn end(self, what: What, bytes: usize) {
        if let Some(start) = self.0 {
            let conn = TURN.get();
            note(what, start.get(), monotonic_ns(), conn, bytes as u64);
        }
    }

    /// The action was waiting, for no connection.
    #[inline]
    pub(crate) fn idle(self) {
        if let Some(start) = self.0 {
            note(What::Wait, start.get(), monotonic_ns(), 0, 0);
        }
    }

    /// The action has accepted a connection. The number of connections that wait at `listener` is recorded, too.
    #[inline]
    pub(crate) fn accepted(self, span: &Span, peer: SocketAddr, listener: &impl AsRawFd) {
        if let Some(start) = self.0 {
            accepted(start.get(), monotonic_ns(), span, peer, listener);
        }
    }

    /// The hub has handled an event of a connection, and had this number of pieces of mail.
    #[inline]
    pub(crate) fn hub(self, from: ConnId, mail: usize) {
        if let Some(start) = self.0 {
            note(What::Hub, start.get(), monotonic_ns(), from.0, mail as u64);
        }
    }
}

/// The time at which a call begins that may block, and the CPU time of the thread.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Call {
    mark: Mark,
    cpu_ns: u64,
}

#[inline]
pub(crate) fn call() -> Call {
    let mark = start();
    let cpu_ns = mark.0.map_or(0, |_| cpu_ns());
    Call { mark, cpu_ns }
}

impl Call {
    /// As [`Mark::end`]; the waiting is recorded as an event of its own.
    #[inline]
    pub(crate) fn end(self, what: What, bytes: usize) {
        if let Some(start) = self.mark.0 {
            let (middle, end) = self.record_wait(start.get(), TURN.get());
            note(what, middle, end, TURN.get(), bytes as u64);
        }
    }

    /// As [`Mark::accepted`]; the waiting is recorded as an event of its own.
    #[inline]
    pub(crate) fn accepted(self, span: &Span, peer: SocketAddr, listener: &impl AsRawFd) {
        if let Some(start) = self.mark.0 {
            let (middle, end) = self.record_wait(start.get(), 0);
            accepted(middle, end, span, peer, listener);
        }
    }

    #[inline]
    pub(crate) fn idle(self) {
        self.mark.idle();
    }

    /// Records how long the call has waited, for `conn`. Returns when it went on, and the time now.
    fn record_wait(self, start: u64, conn: u64) -> (u64, u64) {
        let end = monotonic_ns();
        let used = cpu_ns().saturating_sub(self.cpu_ns);
        let middle = end.saturating_sub(used).max(start);
        if middle - start < BRIEF_NS {
            return (start, end);
        }
        note(What::Wait, start, middle, conn, 0);
        (middle, end)
    }
}

/// The number of a connection that this process holds. In the timeline the connection ends when the last process drops its
/// span, as the socket does.
#[derive(Debug)]
pub(crate) struct Span(ConnId);

impl Span {
    pub(crate) fn new(id: ConnId) -> Self {
        Self(id)
    }

    pub(crate) fn id(&self) -> ConnId {
        self.0
    }

    /// From now on this thread serves this connection.
    #[inline]
    pub(crate) fn turn(&self) {
        if ON.load(Relaxed) {
            TURN.set(self.0.0);
        }
    }
}

impl Drop for Span {
    #[inline]
    fn drop(&mut self) {
        if ON.load(Relaxed) {
            let now = monotonic_ns();
            note(What::Close, now, now, self.0.0, 0);
        }
    }
}

/// A job in the queue of a pool, for the connection that the thread serves now.
#[derive(Debug)]
pub(crate) struct Job(u64);

#[inline]
pub(crate) fn queued() -> Job {
    if !ON.load(Relaxed) {
        return Job(0);
    }
    let now = monotonic_ns();
    note(What::Queued, now, now, TURN.get(), 0);
    Job(TURN.get())
}

impl Job {
    /// A thread of the pool takes the job. Since its last job the thread has waited.
    #[inline]
    pub(crate) fn begin(self) {
        if !ON.load(Relaxed) {
            return;
        }
        let now = monotonic_ns();
        match BUSY_UNTIL.get() {
            0 => {}
            since => note(What::Wait, since, now, 0, 0),
        }
        note(What::Taken, now, now, self.0, 0);
        TURN.set(self.0);
    }
}

/// Sets the role of this thread, which is shown instead of its name.
pub(crate) fn role(role: &'static str) {
    ROLE.set(role);
}

/// From now on this process is shown as the broker.
pub(crate) fn mark_as_broker() {
    BROKER.store(true, Relaxed);
}

/// If there is a recording, records how long the threads of a runtime are parked.
pub(crate) fn watch(runtime: &mut tokio::runtime::Builder) {
    thread_local!(static ASLEEP: Cell<Mark> = const { Cell::new(Mark(None)) });
    if ON.load(Relaxed) {
        runtime
            .on_thread_park(|| ASLEEP.set(start()))
            .on_thread_unpark(|| ASLEEP.replace(Mark(None)).idle());
    }
}

fn accepted(start: u64, end: u64, span: &Span, peer: SocketAddr, listener: &impl AsRawFd) {
    let waiting = accept_queue(listener).unwrap_or(0);
    let extra = u64::from(peer.port()) << 32 | u64::from(waiting);
    note(What::Accept, start, end, span.0.0, extra);
}

#[cold]
fn note(what: What, start_ns: u64, end_ns: u64, conn: u64, extra: u64) {
    let nothing = match what {
        What::Wait => end_ns.saturating_sub(start_ns) < BRIEF_NS,
        What::Write => extra == 0,
        _ => false,
    };
    if nothing {
        return;
    }
    BUSY_UNTIL.set(end_ns);
    record(&TraceEvent {
        what,
        start_ns,
        end_ns,
        conn,
        extra,
    });
}

fn now() -> Option<NonZeroU64> {
    NonZeroU64::new(monotonic_ns())
}

fn cpu_ns() -> u64 {
    thread_cpu().as_nanos() as u64
}
