//! # tasks: coroutines on every core
//!
//! The tasks of `tasks-single`, run by a pool of threads, one per core. Each thread has a queue of
//! tasks that are ready; one that runs dry steals from the others, so no core idles while another
//! has two tasks to run. Go's goroutines and Java's virtual threads are scheduled by the same idea.
//!
//! A task may wake up on another thread than it fell asleep on. So what it keeps across an `await`
//! must be `Send`, and what tasks share must be locked, as among threads: the price of the other
//! cores. Or it isn't shared: the rooms of a chat belong to a task of their own, and the others send
//! it messages (an actor, as in Erlang).
//!
//! **What blocks**: a handler that blocks or computes keeps one of the threads. The others go on,
//! until as many handlers block as there are threads: then the port is deaf, as in `tasks-single`.
//! Real programs send such work to `spawn_blocking`, or to a pool of its own, as `loop-pool` does.
//!
//! **What a connection costs**: a descriptor and about a kilobyte for the task; no thread, and no
//! buffer while it is idle. Per message `read`, `write`, a share of one `epoll_wait`, and now and
//! then the wake-up of another thread.
//!
//! **What breaks first**: the cores; at low load, the wake-ups that stealing takes cost more than
//! they bring.
//!
//! Read on: C. Lerche, "Making the Tokio scheduler 10x faster" (2019).

use std::io;

use portlab_service::Service;

use crate::{Backend, Capacity, Door, Family, Served, Sheet, Workers, coroutine};

pub(crate) struct Model;

static SHEET: Sheet = Sheet {
    name: "tasks",
    family: Family::Coroutines,
    term: "async tasks, work-stealing (tokio)",
    idea: "Each caller is a coroutine; a thread per core runs those that are ready, stealing from others.",
    blocks: "a thread per handler that blocks; everybody, once all are taken",
    cost: "a future on the heap, no thread; 2 system calls and a share of one epoll_wait per message",
    breaks_first: "the cores; at low load, waking idle threads costs more than it brings",
    teaches: "coroutines on every core",
    source: "C. Lerche, Making the Tokio scheduler 10x faster (2019)",
    workers: Workers::Runtime,
    serves: Capacity::Open,
    hub: Ok("the property of one task; the others send it messages"),
    survives_blocking: true,
};

impl Backend for Model {
    fn sheet(&self) -> &'static Sheet {
        &SHEET
    }

    fn serve(&self, door: Door, service: &'static dyn Service) -> io::Result<Served> {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        let runtime = coroutine::runtime(builder.worker_threads(door.workers))?;
        // The accepting task is a task like any other, on one of the workers: were it on this
        // thread, every new connection would be handed over to another.
        let Door {
            entry, overflow, ..
        } = door;
        runtime.block_on(async move {
            let accepting = tokio::spawn(coroutine::accept_all(entry, overflow, service));
            accepting.await.map_err(io::Error::other)?
        })
    }
}
