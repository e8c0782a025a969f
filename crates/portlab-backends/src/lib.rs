//! Concurrency models: how a server divides its connections among processes, threads and tasks.
//!
//! A model is one file in `models/` and one line in its table. It implements [`Backend`]: facts as
//! a [`Sheet`], behaviour as one method, `serve`, which blocks (an async model builds its runtime
//! inside, so the trait has no colour). What all models need stands beside them:
//!
//! | module | owns |
//! |---|---|
//! | `door` | the bound listener: one backlog and one set of socket options for every model |
//! | `backoff` | what to do when accepting fails |
//! | `log` | what a server says on stderr while it serves |
//! | `blocking` | one connection, driven by blocking calls |
//! | `nonblocking` | one connection, driven by readiness |
//! | `coroutine` | one connection, driven by an async task |
//! | `member` | one connection with mail to come, driven by blocking in one place |
//! | `limits`, `deadlines` | what connections are allowed, and when one is to be closed |
//! | `guarded` | calling a session so that its panic stays its own |
//! | `switchboard` | the hub of a service, and where its connections get their mail |
//! | `mailbox` | where mail waits, and what happens when it isn't read |
//! | `letterbox` | a mailbox between threads or tasks |
//! | `inbox` | a mailbox as its receiver sees it |
//! | `exchange`, `shared` | the switchboard of threads: behind a lock |
//! | `hub_task` | the switchboard of tasks: the property of one of them |
//! | `broker` | the switchboard of processes: in a process of its own |
//! | `slots` | the workers of a pool of processes: which are missing, and when others are started |
//! | `timers` | deadlines of a loop |
//! | [`measured`] | what models were measured to cost, where and when |
//! | `trace` | the timeline: who does what, and when |
//!
//! The same echo by hand, without the traits, stands in `by_hand/`: what the traits cost is
//! measured against it.

#![forbid(unsafe_code)]

mod backend;
pub mod by_hand;
mod door;
mod drivers;
mod hub;
mod log;
pub mod measured;
pub mod models;
mod sheet;
mod sync;
mod timers;
mod trace;

pub use backend::Backend;
pub use door::{BindError, Door, Options, Served, bind, limits::Limits};
pub use hub::mailbox::{Counts, Overflow, Policy, UnknownPolicy};
pub use models::{MODELS, SOURCES, find};
pub use portlab_sys::{
    alone::{Alone, NotAlone},
    stop::Stop,
    tally,
};
pub use sheet::{Asked, Capacity, Family, Sheet, Workers};
pub use trace::Recorder;

/// What reads the bytes of another process, for the fuzz targets in `tests/fuzz/`.
#[doc(hidden)]
pub mod fuzz {
    pub use crate::hub::broker::fuzz as broker;
}

/// How much one read asks for, in every model: a larger buffer would save system calls for large
/// messages only, and a comparison must not be one of buffer sizes.
pub const READ_BUFFER: usize = 64 * 1024;
