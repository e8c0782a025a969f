//! Timers: one heap of the events of all connections, and an alarm that is more precise than the poller's timeout.

use std::{
    cmp::Reverse,
    collections::BinaryHeap,
    io,
    os::fd::{AsRawFd, OwnedFd},
    time::Duration,
};

use mio::{Interest, Registry, Token, unix::SourceFd};
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
    timerfd_settime,
};

/// What a worker does with a connection at a given time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum TimerEvent {
    /// Check whether the connection has waited too long.
    Deadline,
    /// Try to connect again.
    Dial,
    /// Go on reading, and sending: its pause is over.
    Resume,
}

/// The timer events of all connections of a thread, the next one on top.
///
/// An event is never removed early. When its time comes, the worker checks whether it still applies, and pushes it
/// again if its time has moved: so a deadline that moves with every message costs the heap nothing.
#[derive(Debug, Default)]
pub(crate) struct Timers {
    heap: BinaryHeap<Reverse<(u64, u32, TimerEvent)>>,
}

impl Timers {
    /// Adds `event` for `slot`, at `at` in nanoseconds since the run began.
    pub(crate) fn push(&mut self, at: u64, slot: u32, event: TimerEvent) {
        self.heap.push(Reverse((at, slot, event)));
    }

    /// When the next event is to be run.
    pub(crate) fn next(&self) -> Option<u64> {
        self.heap.peek().map(|Reverse((at, ..))| *at)
    }

    /// Takes the next event whose time has come by `now`: its time, its slot, and what it is.
    pub(crate) fn pop(&mut self, now: u64) -> Option<(u64, u32, TimerEvent)> {
        if self.next()? > now {
            return None;
        }
        self.heap.pop().map(|Reverse(event)| event)
    }
}

/// An alarm that makes the poller return at a given time, as precisely as the machine can; the poller's own timeout is
/// in milliseconds.
///
/// Source: `timerfd_create(2)`.
#[derive(Debug)]
pub(crate) struct Alarm {
    timer: OwnedFd,
    armed_for: Option<u64>,
}

impl Alarm {
    /// An alarm that the poller of `registry` reports as `token`.
    pub(crate) fn new(registry: &Registry, token: Token) -> io::Result<Self> {
        let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
        let timer = timerfd_create(TimerfdClockId::Monotonic, flags)?;
        // Edge-triggered: each expiry is a new event, and the timer need not be read.
        registry.register(&mut SourceFd(&timer.as_raw_fd()), token, Interest::READABLE)?;
        Ok(Self {
            timer,
            armed_for: None,
        })
    }

    /// Makes the poller return at `at`. It is `now`. If the alarm is set for `at` already, there is no system call.
    pub(crate) fn set(&mut self, at: u64, now: u64) -> io::Result<()> {
        if self.armed_for == Some(at) && at > now {
            return Ok(());
        }
        // A value of zero would disarm the timer.
        let wait = Duration::from_nanos(at.saturating_sub(now).max(1));
        let spec = Itimerspec {
            it_interval: Timespec::default(),
            it_value: Timespec::try_from(wait).expect("a wait fits into a timespec"),
        };
        timerfd_settime(&self.timer, TimerfdTimerFlags::empty(), &spec)?;
        self.armed_for = Some(at);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_come_in_the_order_of_their_times_and_not_before() {
        let mut timers = Timers::default();
        timers.push(30, 1, TimerEvent::Dial);
        timers.push(10, 2, TimerEvent::Deadline);
        timers.push(20, 3, TimerEvent::Resume);
        assert_eq!(timers.next(), Some(10));
        assert_eq!(timers.pop(9), None);
        assert_eq!(timers.pop(25), Some((10, 2, TimerEvent::Deadline)));
        assert_eq!(timers.pop(25), Some((20, 3, TimerEvent::Resume)));
        assert_eq!(timers.pop(25), None);
    }
}
