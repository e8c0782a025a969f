//! # threads: a thread for every connection
//!
//! By hand, on one page: `textbook/threads.rs`.
//!
//! The same program as `fork` with threads for processes, and the one that most people write first: accept, start a thread,
//! let it block. Each conversation is straight-line code on a stack of its own, and the kernel switches between the threads
//! whenever one waits.
//!
//! Threads share everything: one heap, one table of descriptors (so one `close` ends a connection), one address space
//! (so a crash ends all connections). They share a chat room through one lock. If a lock is forgotten, the program fails
//! only sometimes, and the bug is hard to find.
//!
//! **Mail.** A thread that blocks in `read` can't send a line that comes from another member meanwhile. The textbook starts
//! a second thread for each connection, which only writes; here the one thread blocks in `poll`, on its socket and on a
//! bell (`eventfd`), which other threads ring after they have put mail into its mailbox.
//!
//! **What blocks**: only the thread of the connection itself. This model suits handlers that call a database and wait.
//!
//! **What a connection costs**: a thread, that is the part of its stack that it touches (the rest is reserved, not used), a
//! kernel stack of 16 KiB beside it, and the time to start it; one descriptor; two system calls and usually one context
//! switch per message. `portlab models threads` has the figures.
//!
//! **What breaks first**: the number of threads (`ulimit -u`, `kernel.threads-max`, memory maps), and before that the
//! cache: thousands of stacks don't fit in it.
//!
//! Read on: UNP vol. 1, section 30.10; D. Kegel, "The C10K problem".

use std::{io, thread};

use portlab_service::Service;
use portlab_words::Text;

use crate::{
    Backend, Door, Group, Served, Serves, Sheet, THREADS, Workers, drivers::blocking,
    hub::locked::LockedHub, log::not_served, trace,
};

pub(crate) struct Model;

static SHEET: Sheet = Sheet {
    name: "threads",
    family: THREADS,
    groups: &[Group::Course, Group::History],
    term: Text::new(
        "thread per connection",
        "每个连接一个线程（thread per connection）",
    ),
    idea: Text::new(
        "The main thread accepts and starts a thread for each client, which may block.",
        "主线程负责 accept，为每个客户端启动一个线程，线程里可以随意阻塞。",
    ),
    blocks: Text::new(
        "only the connection's own thread",
        "只卡住这个连接自己的线程",
    ),
    cost: Text::new(
        "a thread: the stack that it touches, and the time to start it; 2 system calls per message",
        "一个线程：栈里实际用到的部分，以及启动它的时间；每条消息 2 次系统调用",
    ),
    breaks_first: Text::new(
        "the number of threads, and before it the processor's cache",
        "线程的数量；在那之前，先是处理器的缓存",
    ),
    teaches: Text::new(
        "blocking code that scales to the thread limit; shared state and locks",
        "阻塞式代码够用，直到线程数的上限；共享状态与互斥锁",
    ),
    source: "UNP vol. 1, 30.10",
    workers: Workers::None,
    serves: Serves::Open,
    hub: Ok(Text::new(
        "a value behind a mutex, which no thread holds while it waits",
        "一个用互斥锁保护的值；任何线程都不会在持有锁时等待",
    )),
    survives_blocking: true,
};

/// Reserved per thread, and touched only as far as it is used: far less than the usual 2 MiB, so
/// that ten thousand threads fit in any address space.
pub(super) const STACK: usize = 256 * 1024;

impl Backend for Model {
    fn sheet(&self) -> &'static Sheet {
        &SHEET
    }

    fn serve(&self, door: Door, service: &'static dyn Service) -> io::Result<Served> {
        let hub = LockedHub::of(service, door.overflow);
        let hub = hub.as_ref();
        trace::role("acceptor");
        // The scope ends when all its threads have ended: that is the drain.
        thread::scope(|scope| {
            while let Some(connection) = door.entry.accept() {
                let started = thread::Builder::new()
                    .stack_size(STACK)
                    .spawn_scoped(scope, move || blocking::serve(connection, service, hub));
                if let Err(error) = started {
                    // The connection is closed. The next thread may start.
                    not_served(
                        "can't start a thread for a connection",
                        "无法为连接启动线程",
                        &error,
                    );
                }
            }
        });
        Ok(door.entry.served(0, hub.map(LockedHub::counts)))
    }
}
