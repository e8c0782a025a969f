//! The hub of a service: where it is, and how connections reach it.
//!
//! | the hub's place | file | its client |
//! |---|---|---|
//! | a value of a loop | `state` | `looped` |
//! | behind a lock | `locked` | `thread` |
//! | a value of one shard | `shards` | `shards` |
//! | a task | `task` | `task` |
//! | a process | `broker/` | `broker/line` |
//!
//! Mail waits in a `mailbox` (the limits and the policy), which is a `shared_mailbox` between threads. `inbox` has the
//! traits: how a driver takes its mail, and how a driver that blocks reaches the hub; a loop reaches the hub as `looped` says.

pub(crate) mod broker;
pub(crate) mod inbox;
pub(crate) mod locked;
pub(crate) mod looped;
pub(crate) mod mailbox;
pub(crate) mod shards;
pub(crate) mod shared_mailbox;
pub(crate) mod state;
pub(crate) mod task;
pub(crate) mod thread;
