//! # pool: one job per connection on a rayon pool
//!
//! By hand, on one page: `textbook/pool.rs`.
//!
//! "We have a thread pool, so let us put the connections on it." The main thread accepts and hands every connection to rayon
//! as a job; a worker takes it and blocks on it until the client closes.
//!
//! It works, and it is the wrong use of the pool. rayon's pool is made for computing: it has one thread per core, because
//! more would only compete for the cores. A job that *waits* for the network occupies a thread and doesn't compute. So with
//! two cores two clients are served, and the third waits until one of them leaves, though the processor is idle. With more
//! threads, the pool becomes `prethreaded` with a queue in front.
//!
//! `loop-pool` shows the right use of the same pool: jobs, not sockets.
//!
//! **What blocks**: the next connection, once every worker has one. Unlike in `prethreaded`, it has been accepted: it waits in
//! the pool's queue, which has no bound. A chat on two cores has two members.
//!
//! **What a connection costs**: one of N workers while it lasts, or an entry in the queue and a descriptor while it waits;
//! two system calls per message.
//!
//! **What breaks first**: N, which is the number of cores.
//!
//! Read on: rayon's documentation on `spawn_fifo` (plain `spawn` runs the newest job first, which would serve the last
//! client before the first).

use std::io;

use portlab_service::Service;
use portlab_words::Text;

use crate::{
    Backend, Door, Served, Serves, Sheet, Workers, drivers::blocking, hub::locked::LockedHub, trace,
};

pub(crate) struct Model;

static SHEET: Sheet = Sheet {
    name: "pool",
    family: Text::new("thread pool", "线程池"),
    groups: &[],
    term: Text::new(
        "rayon pool, one job per connection",
        "rayon 线程池，每个连接一个任务（one job per connection）",
    ),
    idea: Text::new(
        "The main thread accepts; each client is a job that a pool thread blocks on to its end.",
        "主线程负责 accept；每个客户端是一个任务，由池里的一个线程从头做到尾，线程可以阻塞。",
    ),
    blocks: Text::new(
        "the next client, once every pool thread has one",
        "池里的线程都有客户端以后，下一个客户端就得等",
    ),
    cost: Text::new(
        "one of N pool threads while it lasts; 2 system calls per message",
        "连接存续期间占用池里 N 个线程中的一个；每条消息 2 次系统调用",
    ),
    breaks_first: Text::new(
        "the number of pool threads, by default the number of cores",
        "池里线程的数量，默认等于处理器核数",
    ),
    teaches: Text::new(
        "why a CPU pool is the wrong place for blocking I/O",
        "为什么计算线程池不适合阻塞式 I/O",
    ),
    source: "rayon's documentation, ThreadPool::spawn_fifo",
    workers: Workers::PerCore,
    serves: Serves::Workers,
    hub: Ok(Text::new(
        "a value behind a mutex; a client that waits in the pool's queue is in no room",
        "一个用互斥锁保护的值；还在线程池队列里的客户端不在任何聊天室",
    )),
    survives_blocking: true,
};

impl Backend for Model {
    fn sheet(&self) -> &'static Sheet {
        &SHEET
    }

    fn serve(&self, door: Door, service: &'static dyn Service) -> io::Result<Served> {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(door.workers)
            .thread_name(|index| format!("pool-{index}"))
            .build()
            .map_err(io::Error::other)?;
        let hub = LockedHub::of(service, door.overflow);
        let hub = hub.as_ref();
        trace::role("acceptor");
        // This thread accepts while the pool serves. The scope ends when the last job has ended.
        pool.in_place_scope_fifo(|scope| {
            while let Some(connection) = door.entry.accept() {
                connection.span.turn();
                let job = trace::queued();
                scope.spawn_fifo(move |_| {
                    let _working = job.begin();
                    blocking::serve(connection, service, hub);
                });
            }
        });
        Ok(door.entry.served(0, hub.map(LockedHub::counts)))
    }
}
