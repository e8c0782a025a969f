//! # tasks-single: coroutines on one thread
//!
//! By hand, on one page: `textbook/tasks_single.rs`.
//!
//! An event loop that the runtime writes for you. Each connection is a *task*: code that reads like the blocking version,
//! with an `await` wherever it would wait. The compiler turns it into the state machine that `event-loop` has by hand, and
//! the runtime is the loop. Python's asyncio and gevent schedule in the same way: many coroutines, one thread, and they
//! take turns only where they await. The textbook file shows the `await`s of reading and writing; here they are in
//! `drivers/task.rs`.
//!
//! Between two `await`s no other task runs. That makes shared state simple (no locks for what changes between awaits), and
//! it makes one mistake fatal: a handler that blocks or computes keeps the thread, and with it every other task, because
//! the runtime can't interrupt a task (cooperative scheduling).
//!
//! **What blocks**: every connection, whenever a handler blocks or computes.
//!
//! **What a connection costs**: a descriptor and about a kilobyte for the task; no thread, and no buffer while it is idle.
//! Per message `read`, `write` and a share of one `epoll_wait`.
//!
//! **What breaks first**: its one core.
//!
//! Read on: tokio's documentation, `runtime::Builder::new_current_thread`; PEP 3156 (asyncio).

use std::io;

use portlab_service::Service;

use crate::{Backend, Capacity, Door, Family, Served, Sheet, Workers, drivers::task};

pub(crate) struct Model;

static SHEET: Sheet = Sheet {
    name: "tasks-single",
    family: Family::Coroutines,
    term: "async tasks on one thread (tokio current-thread)",
    idea: "Each caller is a coroutine; one thread runs them in turn, switching where they await.",
    blocks: "everybody, whenever a handler blocks or computes",
    cost: "a future on the heap, no thread; 2 system calls and a share of one epoll_wait per message",
    breaks_first: "its one core",
    teaches: "coroutines, scheduled as in asyncio and gevent",
    source: "tokio's documentation; PEP 3156",
    workers: Workers::None,
    serves: Capacity::Open,
    hub: Ok("the property of one task; the others send it messages"),
    survives_blocking: false,
};

impl Backend for Model {
    fn sheet(&self) -> &'static Sheet {
        &SHEET
    }

    fn serve(&self, door: Door, service: &'static dyn Service) -> io::Result<Served> {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        let runtime = task::runtime(&mut builder)?;
        runtime.block_on(async {
            let mut port = task::Port::new(door.entry, door.overflow, service)?;
            // At each `await`, here and in the tasks, this one thread turns to another task that is ready.
            while let Some(connection) = port.accept().await? {
                tokio::spawn(connection.serve());
            }
            Ok(port.drain().await)
        })
    }
}
