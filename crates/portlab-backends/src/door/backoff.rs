//! What to do when accepting fails.

use std::{io, time::Duration};

use portlab_sys::tally::{self, Count};
use rustix::io::Errno;

use crate::log::warn;

/// The pauses of one accept loop: none after a failure of the peer; from 10 ms to a second, doubling, after a failure of
/// the machine.
///
/// Without a pause, a server that is out of descriptors would spin: a connection that can't be accepted keeps the listener
/// readable. Go and gevent double the pause in this way; nginx waits half a second.
#[derive(Debug)]
pub(crate) struct Backoff {
    next: Duration,
}

const FIRST: Duration = Duration::from_millis(10);
const LONGEST: Duration = Duration::from_secs(1);

impl Backoff {
    pub(crate) fn new() -> Self {
        Self { next: FIRST }
    }

    /// Returns how long to pause after `error`; `None` if it concerns one connection only.
    pub(crate) fn after(&mut self, error: &io::Error) -> Option<Duration> {
        if is_of_one_connection(error) {
            return None;
        }
        tally::add(Count::NotAccepted, 1);
        warn("can't accept", "无法接受连接", error);
        let pause = self.next;
        self.next = (pause * 2).min(LONGEST);
        Some(pause)
    }

    /// A connection was accepted: the next pause is the shortest again.
    pub(crate) fn reset(&mut self) {
        self.next = FIRST;
    }
}

/// Whether the connection failed before it was accepted. Then the server goes on at once.
///
/// Source: `accept(2)`, "Error handling".
fn is_of_one_connection(error: &io::Error) -> bool {
    matches!(
        Errno::from_io_error(error),
        Some(
            Errno::CONNABORTED
                | Errno::CONNRESET
                | Errno::INTR
                | Errno::PROTO
                | Errno::NETDOWN
                | Errno::NETUNREACH
                | Errno::HOSTDOWN
                | Errno::HOSTUNREACH
                | Errno::NOPROTOOPT
                | Errno::OPNOTSUPP
                | Errno::PERM
        )
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn running_out_of_descriptors_pauses_longer_each_time_up_to_a_second() {
        let mut backoff = Backoff::new();
        let error = io::Error::from(Errno::MFILE);
        for pause in [10, 20, 40, 80, 160, 320, 640, 1000, 1000] {
            assert_eq!(backoff.after(&error), Some(Duration::from_millis(pause)));
        }
        backoff.reset();
        assert_eq!(backoff.after(&error), Some(FIRST));
    }

    #[test]
    fn a_connection_that_failed_before_accept_causes_no_pause() {
        assert_eq!(Backoff::new().after(&Errno::CONNABORTED.into()), None);
    }
}
