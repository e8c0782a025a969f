//! # tasks: coroutines on every core
//!
//! By hand, on one page: `textbook/tasks.rs`.
//!
//! The tasks of `tasks-single`, run by a pool of threads, one per core. Each thread has a queue of tasks that are ready; a
//! thread without one steals from the others, so no core idles while another has two tasks to run. Go's goroutines and
//! Java's virtual threads are scheduled by the same idea. The textbook file shows the `await`s of reading and writing; here
//! they are in `drivers/task.rs`.
//!
//! A task may go on in another thread than the one in which it awaited. So what a task keeps across an `await` must be
//! `Send`, and what tasks share must be locked, as among threads: that is the price of several cores. Here nothing is
//! locked: the rooms of a chat belong to one task, and other tasks send it messages (an actor, as in Erlang).
//!
//! **What blocks**: a handler that blocks or computes keeps one of the threads. The others go on, until as many handlers
//! block as there are threads: then no connection is served, as in `tasks-single`. Real programs send such work to
//! `spawn_blocking`, or to a pool of its own, as `loop-pool` does.
//!
//! **What a connection costs**: a descriptor and about a kilobyte for the task; no thread, and no buffer while it is idle.
//! Per message `read`, `write`, a share of one `epoll_wait`, and now and then the wake-up of another thread.
//!
//! **What breaks first**: the cores. At low load, waking another thread to steal a task costs more than it gains.
//!
//! Read on: C. Lerche, "Making the Tokio scheduler 10x faster" (2019).

use std::io;

use portlab_service::Service;
use portlab_words::Text;

use crate::{Backend, COROUTINES, Door, Group, Served, Serves, Sheet, Workers, drivers::task};

pub(crate) struct Model;

static SHEET: Sheet = Sheet {
    name: "tasks",
    family: COROUTINES,
    groups: &[Group::Fast],
    term: Text::new(
        "async tasks, work-stealing (tokio)",
        "异步任务，工作窃取（tokio work-stealing）",
    ),
    idea: Text::new(
        "Each client is a coroutine; a thread per core runs those that are ready, stealing from others.",
        "每个客户端是一个协程；每个核一个线程，运行已就绪的协程，空闲时从别的线程那里窃取。",
    ),
    blocks: Text::new(
        "a thread for each handler that blocks; every client, once all threads are blocked",
        "每个阻塞的处理函数占住一个线程；线程全被占住时，所有客户端都被卡住",
    ),
    cost: Text::new(
        "a future on the heap, no thread; 2 system calls and a share of one epoll_wait per message",
        "堆上的一个 future，不需要线程；每条消息 2 次系统调用，外加分摊的一次 epoll_wait",
    ),
    breaks_first: Text::new(
        "the cores; at low load, waking idle threads costs more than it gains",
        "处理器的核；负载低时，唤醒空闲线程的代价比收益还大",
    ),
    teaches: Text::new("coroutines on every core", "每个核上都运行协程"),
    source: "C. Lerche, Making the Tokio scheduler 10x faster (2019)",
    workers: Workers::Runtime,
    serves: Serves::Open,
    hub: Ok(Text::new(
        "owned by one task, to which the others send messages",
        "归一个任务所有，其他任务给它发消息",
    )),
    survives_blocking: true,
};

impl Backend for Model {
    fn sheet(&self) -> &'static Sheet {
        &SHEET
    }

    fn serve(&self, door: Door, service: &'static dyn Service) -> io::Result<Served> {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        let runtime = task::runtime(builder.worker_threads(door.workers))?;
        // Accepting is a task like the others, on one of the runtime's threads: from this thread, every new connection
        // would have to be handed over to one of them.
        let accepting = async move {
            let mut port = task::Port::new(door.entry, door.overflow, service)?;
            // At each `await`, here and in the tasks, a thread turns to another task that is ready.
            while let Some(connection) = port.accept().await? {
                tokio::spawn(connection.serve());
            }
            io::Result::Ok(port.drain().await)
        };
        runtime.block_on(async { tokio::spawn(accepting).await.map_err(io::Error::other)? })
    }
}
