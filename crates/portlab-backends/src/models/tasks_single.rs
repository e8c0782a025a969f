//! # tasks-single: coroutines on one thread
//!
//! By hand, on one page: `textbook/tasks_single.rs`.
//!
//! An event loop that is hidden in a runtime. Each connection is a *task*: code that reads like the blocking version, with
//! an `await` wherever it would wait. The compiler turns this code into a state machine, which `event-loop` has written by
//! hand, and the runtime is the loop. Python's asyncio and gevent schedule in the same way: many coroutines, one thread,
//! and a switch only where a coroutine awaits. The textbook file shows the `await`s of reading and writing; here they are
//! in `drivers/task.rs`.
//!
//! Between two `await`s no other task runs. So what changes only between two `await`s needs no lock. And if a handler
//! blocks or computes, every other task waits, because the runtime can't interrupt a task (cooperative scheduling).
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
use portlab_words::Text;

use crate::{Backend, COROUTINES, Door, Group, Served, Serves, Sheet, Workers, drivers::task};

pub(crate) struct Model;

static SHEET: Sheet = Sheet {
    name: "tasks-single",
    family: COROUTINES,
    groups: &[Group::Course],
    term: Text::new(
        "async tasks on one thread (tokio current-thread)",
        "单线程上的异步任务（tokio current-thread）",
    ),
    idea: Text::new(
        "Each client is a coroutine; one thread runs them in turn, switching where they await.",
        "每个客户端是一个协程；一个线程轮流运行它们，在 await 处切换。",
    ),
    blocks: Text::new(
        "every client, whenever a handler blocks or computes",
        "处理函数一旦阻塞或长时间计算，所有客户端都被卡住",
    ),
    cost: Text::new(
        "a future on the heap, no thread; 2 system calls and a share of one epoll_wait per message",
        "堆上的一个 future，不需要线程；每条消息 2 次系统调用，外加分摊的一次 epoll_wait",
    ),
    breaks_first: Text::new("its one core", "它唯一的那个核"),
    teaches: Text::new(
        "coroutines, scheduled as in asyncio and gevent",
        "协程，调度方式与 asyncio、gevent 相同",
    ),
    source: "tokio's documentation; PEP 3156",
    workers: Workers::None,
    serves: Serves::Open,
    hub: Ok(Text::new(
        "owned by one task, to which the others send messages",
        "归一个任务所有，其他任务给它发消息",
    )),
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
