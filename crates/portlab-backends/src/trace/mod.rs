//! The timeline: what each thread of a server does, and when.
//!
//! | module | owns |
//! |---|---|
//! | this one | the hooks: the calls in drivers and models |
//! | `event` | what is recorded about a thread, and about which |
//! | `memory` | where events are kept for a file: bounded, and shared by all processes of a server |
//! | `recorder` | beginning to record, and writing the file |
//! | `ring` | where events are kept for a viewer: the last ones, in memory of the viewer |
//! | `live` | beginning to record for a viewer, and reading |
//!
//! A hook is a [`Mark`], made before an action and ended after it. Without a recording, making a mark reads a flag, and
//! ending it is a comparison with zero: no clock, no memory.
//!
//! **Waiting or reading?** One call of a blocking `read`, `write` or `accept` does both. A thread that waits uses no
//! processor, so for a file a [`Call`] reads the thread's CPU clock as well: the CPU time of the call is the reading, at its end,
//! and the time before it is the waiting. In the ring the call is one event, for that clock is a system call.
//!
//! **What begins.** A viewer draws a thread that waits while it waits. So what may take long is also written to the ring when it
//! begins.

mod event;
pub mod live;
mod memory;
mod recorder;
mod ring;

use std::{
    cell::Cell,
    net::SocketAddr,
    num::NonZeroU64,
    os::fd::AsRawFd,
    sync::atomic::{AtomicU8, Ordering::Relaxed},
    time::Duration,
};

use portlab_service::ConnId;
use portlab_sys::{
    children::generation,
    clock::{monotonic_ns, thread_cpu},
    socket::accept_queue,
};

pub(crate) use self::event::What;
use self::event::{BROKER, ROLE, TraceEvent};
pub use self::recorder::Recorder;

/// A shorter wait is not recorded.
const BRIEF_NS: u64 = 10_000;

/// Where events are written: 0, or [`FILE`], [`LIVE`], or both.
static PLACES: AtomicU8 = AtomicU8::new(0);
/// Into the memory of the timeline, for a file at the end.
const FILE: u8 = 1;
/// Into the ring of a viewer.
const LIVE: u8 = 2;

thread_local! {
    /// The connection that this thread serves now; 0 for none.
    static TURN: Cell<u64> = const { Cell::new(0) };
    /// When this thread's last event was, begins included, and the number of forks before it, so that a child
    /// doesn't take the event of its parent for its own.
    static LAST: Cell<(u64, u32)> = const { Cell::new((0, 0)) };
}

/// The time at which an action begins; `None` without a recording.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mark(Option<NonZeroU64>);

/// Begins an action that doesn't block.
#[inline]
pub(crate) fn start() -> Mark {
    Mark(match PLACES.load(Relaxed) {
        0 => None,
        LIVE => last_or_now(),
        _ => now(),
    })
}

/// Begins an action that may take long, for the connection of this turn.
#[inline]
pub(crate) fn begin(what: What) -> Mark {
    begin_for(what, || TURN.get())
}

/// Begins to wait, for no connection.
#[inline]
pub(crate) fn wait() -> Mark {
    let mark = start();
    if let Some(start) = mark.0 {
        begins(What::Wait, start.get(), 0);
    }
    mark
}

#[inline]
fn begin_for(what: What, conn: impl FnOnce() -> u64) -> Mark {
    let mark = Mark(if is_on() { now() } else { None });
    if let Some(start) = mark.0 {
        begins(what, start.get(), conn());
    }
    mark
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

    /// The action was waiting, for no connection. In the ring alone the wait ends with the next event, which is soon.
    #[inline]
    pub(crate) fn idle(self) {
        if let Some(start) = self.0 {
            let end = monotonic_ns();
            match is_on_for(FILE) {
                true => note(What::Wait, start.get(), end, 0, 0),
                false => set_last(end),
            }
        }
    }

    /// The action has accepted a connection. The number of connections that wait at `listener` is recorded, too.
    #[inline]
    pub(crate) fn accepted(self, span: &Span, peer: SocketAddr, listener: &impl AsRawFd) {
        if let Some(start) = self.0 {
            let end = monotonic_ns();
            let extra = peer_and_queue(peer, listener);
            note(What::Accept, start.get(), end, span.0.0, extra);
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

/// The time at which a call begins that may block, and, for a file, the CPU time of the thread.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Call {
    mark: Mark,
    what: What,
    cpu_ns: u64,
}

/// Begins a call that may block, for the connection of this turn; `Accept` is for none.
#[inline]
pub(crate) fn call(what: What) -> Call {
    let mark = match what {
        What::Accept => begin_for(what, || 0),
        _ => begin(what),
    };
    let cpu_ns = match mark.0 {
        Some(_) if is_on_for(FILE) => cpu_ns(),
        _ => 0,
    };
    Call { mark, what, cpu_ns }
}

impl Call {
    /// As [`Mark::end`]; in a file the waiting is an event of its own.
    #[inline]
    pub(crate) fn end(self, bytes: usize) {
        if let Some(start) = self.mark.0 {
            let end = monotonic_ns();
            self.note(start.get(), end, TURN.get(), TURN.get(), bytes as u64);
        }
    }

    /// As [`Mark::accepted`]; in a file the waiting is an event of its own.
    #[inline]
    pub(crate) fn accepted(self, span: &Span, peer: SocketAddr, listener: &impl AsRawFd) {
        if let Some(start) = self.mark.0 {
            let end = monotonic_ns();
            let extra = peer_and_queue(peer, listener);
            self.note(start.get(), end, 0, span.0.0, extra);
        }
    }

    #[inline]
    pub(crate) fn idle(self) {
        self.mark.idle();
    }

    /// Records the call, which has waited for `waited_for`, and was then for `conn`.
    #[cold]
    fn note(self, start_ns: u64, end_ns: u64, waited_for: u64, conn: u64, extra: u64) {
        let event = TraceEvent {
            what: self.what,
            start_ns,
            end_ns,
            conn,
            extra,
        };
        if is_on_for(FILE) {
            // A call that began before the recording has no CPU time.
            let used = cpu_ns().saturating_sub(self.cpu_ns);
            let middle = end_ns.saturating_sub(used).max(start_ns);
            let wait = TraceEvent {
                what: What::Wait,
                end_ns: middle,
                conn: waited_for,
                extra: 0,
                ..event
            };
            let has_waited = is_worth_noting(&wait);
            if has_waited {
                memory::record(&wait);
            }
            memory::record(&TraceEvent {
                start_ns: if has_waited { middle } else { start_ns },
                ..event
            });
        }
        if is_on_for(LIVE) {
            ring::record(&event, false);
        }
        set_last(end_ns);
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
        if is_on() {
            TURN.set(self.0.0);
        }
    }
}

impl Drop for Span {
    #[inline]
    fn drop(&mut self) {
        if is_on() {
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
    if !is_on() {
        return Job(0);
    }
    let now = monotonic_ns();
    note(What::Queued, now, now, TURN.get(), 0);
    Job(TURN.get())
}

impl Job {
    /// A thread of the pool takes the job. Since its last job the thread has waited, and it waits again when the value is dropped.
    #[inline]
    pub(crate) fn begin(self) -> Working {
        if is_on() {
            let now = monotonic_ns();
            if let Some(since) = last() {
                note(What::Wait, since.get(), now, 0, 0);
            }
            note(What::Taken, now, now, self.0, 0);
            TURN.set(self.0);
        }
        Working
    }
}

/// A thread of a pool does a job.
#[must_use]
pub(crate) struct Working;

impl Drop for Working {
    #[inline]
    fn drop(&mut self) {
        if is_on_for(LIVE) {
            begins(What::Wait, monotonic_ns(), 0);
        }
    }
}

/// The timer of a handler that waits is armed, for the connection of this turn.
#[inline]
pub(crate) fn timer(time: Duration) {
    if is_on_for(LIVE) {
        let now = monotonic_ns();
        let conn = TURN.get();
        note(What::Timer, now, now, conn, time.as_nanos() as u64);
    }
}

/// Sets the role of this thread, which is shown instead of its name.
pub(crate) fn role(role: &'static str) {
    ROLE.set(role);
    ring::forget_label();
}

/// From now on this process is shown as the broker.
pub(crate) fn mark_as_broker() {
    BROKER.store(true, Relaxed);
    ring::forget_label();
}

/// If there is a recording, records how long the threads of a runtime are parked.
pub(crate) fn watch(runtime: &mut tokio::runtime::Builder) {
    thread_local!(static ASLEEP: Cell<Mark> = const { Cell::new(Mark(None)) });
    if is_on() {
        runtime
            .on_thread_park(|| ASLEEP.set(wait()))
            .on_thread_unpark(|| ASLEEP.replace(Mark(None)).idle());
    }
}

fn is_on() -> bool {
    PLACES.load(Relaxed) != 0
}

fn is_on_for(place: u8) -> bool {
    PLACES.load(Relaxed) & place != 0
}

fn turn_on(place: u8) {
    PLACES.fetch_or(place, Relaxed);
}

fn turn_off(place: u8) {
    PLACES.fetch_and(!place, Relaxed);
}

fn peer_and_queue(peer: SocketAddr, listener: &impl AsRawFd) -> u64 {
    let waiting = accept_queue(listener).unwrap_or(0);
    u64::from(peer.port()) << 32 | u64::from(waiting)
}

#[cold]
fn begins(what: What, start_ns: u64, conn: u64) {
    set_last(start_ns);
    if is_on_for(LIVE) {
        let event = TraceEvent {
            what,
            start_ns,
            end_ns: start_ns,
            conn,
            extra: 0,
        };
        ring::record(&event, true);
    }
}

#[cold]
fn note(what: What, start_ns: u64, end_ns: u64, conn: u64, extra: u64) {
    let event = TraceEvent {
        what,
        start_ns,
        end_ns,
        conn,
        extra,
    };
    set_last(end_ns);
    if !is_worth_noting(&event) {
        return;
    }
    if is_on_for(FILE) && what != What::Timer {
        memory::record(&event);
    }
    if is_on_for(LIVE) {
        ring::record(&event, false);
    }
}

fn is_worth_noting(event: &TraceEvent) -> bool {
    match event.what {
        What::Wait | What::Block => event.end_ns.saturating_sub(event.start_ns) >= BRIEF_NS,
        What::Write => event.extra > 0,
        _ => true,
    }
}

/// For the ring alone, an action begins with the thread's last event, which was just before: reading the clock costs more
/// than writing a line.
fn last_or_now() -> Option<NonZeroU64> {
    last().or_else(now)
}

fn last() -> Option<NonZeroU64> {
    let (last_ns, forks) = LAST.get();
    NonZeroU64::new(last_ns).filter(|_| forks == generation())
}

fn set_last(time_ns: u64) {
    LAST.set((time_ns, generation()));
}

fn now() -> Option<NonZeroU64> {
    NonZeroU64::new(monotonic_ns())
}

fn cpu_ns() -> u64 {
    thread_cpu().as_nanos() as u64
}
