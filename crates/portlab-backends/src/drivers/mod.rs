//! Drivers: each serves one connection, or a loop of them, in the idiom of its models, and calls the session.
//!
//! | driver | waits in | models |
//! |---|---|---|
//! | `blocking` | `read` and `write` | iterative, fork, prefork, passing, threads, prethreaded, pool |
//! | `waiting` | `poll`; a coroutine is suspended | the same models, if the service has a hub; coroutines |
//! | `readiness` | `epoll_wait`, `poll` or `io_uring_enter` of its loop | event-loop, loop-pool, sharded, prefork-loop, poll, uring |
//! | `readiness/thread_set` | `epoll_wait`, by one of several threads | leader-followers |
//! | `fibers` | `epoll_wait` of its loop, with a stack for each connection | coroutines |
//! | `task` | an `await` | tasks, tasks-single |
//!
//! All of them use `outbox` (calls of a session), `deadlines` (time limits), `work` (what a handler asks for), `held` (the
//! file that an answer sends) and `closing`. `worker_pool` starts, replaces and ends the processes of a pool, with `worker_slots`;
//! on `channels` a parent passes connections to them.

pub(crate) mod blocking;
pub(crate) mod channels;
mod closing;
mod deadlines;
pub(crate) mod fibers;
mod held;
mod outbox;
pub(crate) mod readiness;
mod stalls;
pub(crate) mod task;
mod waiting;
pub(crate) mod work;
pub(crate) mod worker_pool;
pub(crate) mod worker_slots;
