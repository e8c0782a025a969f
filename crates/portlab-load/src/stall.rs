//! Whether a thread of the generator was kept from running: with the whole process
//! (`kill -STOP`), by other programs, or by the host of a virtual machine.
//!
//! A turn is the time from one return of the poller to the next. A part of a turn is a stall if the thread neither used
//! the processor nor was allowed to sleep in the poller.

use std::time::Duration;

use portlab_sys::clock::thread_cpu;

/// A turn that takes this much longer than its sleep is unusual for a machine.
const STALL: Duration = Duration::from_millis(10);

/// Finds the stalls of one thread.
#[derive(Debug, Default)]
pub(crate) struct Stalls {
    /// When the last turn ended.
    last: Duration,
    /// The thread's CPU time, and when it was read: no longer than [`STALL`] before the turn.
    read: Duration,
    cpu: Duration,
}

impl Stalls {
    /// Ends a turn at `now`, in which the thread was allowed to sleep for `allowed`; returns how long the thread was
    /// stalled, or zero if that was less than 10 ms.
    pub(crate) fn turn(&mut self, now: Duration, allowed: Duration) -> Duration {
        let over = (now - self.last).saturating_sub(allowed);
        self.last = now;
        let suspicious = over >= STALL;
        if !suspicious && now - self.read < STALL {
            return Duration::ZERO;
        }
        let cpu = thread_cpu();
        let worked = cpu - self.cpu;
        (self.read, self.cpu) = (now, cpu);
        let stall = over.saturating_sub(worked);
        if suspicious && stall >= STALL {
            stall
        } else {
            Duration::ZERO
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use portlab_sys::clock::burn;
    use std::{thread, time::Instant};

    #[test]
    fn sleeping_longer_than_allowed_is_a_stall_and_computing_is_not() {
        let began = Instant::now();
        let mut stalls = Stalls::default();
        stalls.turn(began.elapsed(), Duration::ZERO);
        thread::sleep(Duration::from_millis(50));
        assert_eq!(
            stalls.turn(began.elapsed(), Duration::from_secs(60)),
            Duration::ZERO
        );
        thread::sleep(Duration::from_millis(50));
        let before = began.elapsed();
        let stall = stalls.turn(before, Duration::from_millis(20));
        assert!(stall >= Duration::from_millis(29), "{stall:?}");
        // The thread's own work is left out, however long the machine made it wait.
        burn(Duration::from_millis(50));
        let turn = began.elapsed();
        let stall = stalls.turn(turn, Duration::ZERO);
        assert!(
            stall <= (turn - before).saturating_sub(Duration::from_millis(40)),
            "{stall:?}"
        );
    }
}
