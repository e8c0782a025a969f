//! How the server closes a connection: what it counts, and how long the peer has to take the last bytes.

use std::time::Duration;

use portlab_service::{CloseReason, Cut};
use portlab_sys::tally::{self, Count};

/// How long a peer has, at the end, to take the last bytes and to close.
pub(crate) const LINGER: Duration = Duration::from_secs(1);

/// Counts a connection that the server closes, and returns the reason for the hub.
pub(crate) fn count_cut(why: Cut) -> CloseReason {
    let (count, reason) = match why {
        Cut::TooSlow => (Count::TooSlow, CloseReason::TooSlow),
        Cut::Idle => (Count::Idle, CloseReason::TimedOut),
        Cut::Unfinished => (Count::Unfinished, CloseReason::TimedOut),
        Cut::HubLost => (Count::NotServed, CloseReason::Lost),
    };
    tally::add(count, 1);
    reason
}
