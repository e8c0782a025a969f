//! What a server allows its connections: the same on every model.

use std::{num::NonZeroU32, time::Duration};

/// The limits of a server. Each closes a connection with a reason, or slows it down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Connections at a time. One more gets the refusal of the service, if it has one, and is closed.
    pub connections: usize,
    /// A connection is closed if no byte was sent or received for longer than this.
    pub idle: Option<Duration>,
    /// A connection is closed if a message that began did not end within this time.
    pub message: Option<Duration>,
    /// How many lines of one connection per second the hub takes. A connection that sends more is read more slowly.
    pub posts_per_s: Option<NonZeroU32>,
    /// After so long without a byte, the kernel sends keepalive probes to find out whether the peer's machine still
    /// answers.
    pub keepalive: Option<Duration>,
}

impl Default for Limits {
    /// 20,000 connections, no idle timeout, 60 seconds for a message, 10,000 lines per second, keepalive probes after a
    /// minute.
    fn default() -> Self {
        Self {
            connections: 20_000,
            idle: None,
            message: Some(Duration::from_secs(60)),
            posts_per_s: NonZeroU32::new(10_000),
            keepalive: Some(Duration::from_secs(60)),
        }
    }
}
