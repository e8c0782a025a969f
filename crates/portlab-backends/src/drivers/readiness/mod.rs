//! Connections driven by readiness: the state machine of one, the loop of many, and what the loop waits with.

pub(crate) mod accept;
pub(crate) mod conn;
pub(crate) mod epoll;
pub(crate) mod poll;
pub(crate) mod poller;
pub(crate) mod reactor;
pub(crate) mod thread_set;
pub(crate) mod turns;
pub(crate) mod uring;
