//! # loop-pool: a reactor, and a pool for the work
//!
//! By hand, on one page: `textbook/loop_pool.rs`.
//!
//! Half-sync/half-async: the loop of `event-loop` keeps all the sockets, and work that would stop the loop is done
//! elsewhere. A handler that computes or blocks becomes a *job* on a rayon pool; the loop serves the other connections, and
//! when the job is done, the loop is woken and sends the answer. Node.js does this with its worker threads and nginx with
//! its thread pools. It is the right use of a CPU pool: jobs, not sockets.
//!
//! **The hop.** Handing over and coming back cost two queue operations, a wake-up of a pool thread and one of the loop (an
//! `eventfd` write, another `epoll_wait`); `portlab models loop-pool` says how long that was measured to take. So only work
//! becomes a job; a plain echo is answered on the loop, as in `event-loop`. Looking a file up is a job, too, and so is
//! reading a piece of it that isn't in memory.
//!
//! **What blocks**: no connection, until every pool thread is busy. Then jobs queue up, and the loop still answers requests
//! that need no job.
//!
//! **What a connection costs**: as in `event-loop`, a descriptor and some hundred bytes. Per message `read`, `write` and a
//! share of one `epoll_wait`; per job the hop.
//!
//! **What breaks first**: the loop's core for plain messages, the pool's cores for work.
//!
//! Read on: D. Schmidt, "Half-Sync/Half-Async" (1995).

use std::{
    io,
    sync::{Arc, mpsc},
};

use mio::Waker;
use portlab_service::Service;
use portlab_words::Text;

use crate::{
    Backend, Door, Served, Serves, Sheet, Workers,
    drivers::{
        readiness::{
            epoll::Epoll,
            poller::Key,
            reactor::{Executor, Reactor},
        },
        work::{Done, Job},
    },
    hub::looped::OwnHub,
    trace,
};

pub(crate) struct Model;

static SHEET: Sheet = Sheet {
    name: "loop-pool",
    family: Text::new("event + pool", "事件+线程池"),
    groups: &[],
    term: Text::new(
        "reactor (mio) + rayon workers (half-sync/half-async)",
        "reactor（mio）+ rayon 工作线程（半同步/半异步，half-sync/half-async）",
    ),
    idea: Text::new(
        "One loop keeps all sockets; work that would stop it becomes a job on a CPU pool.",
        "一个事件循环管理所有套接字；会让它停住的工作，作为任务交给计算线程池。",
    ),
    blocks: Text::new(
        "no client, until every pool thread has a job; then jobs queue up",
        "不卡住任何客户端，直到池里每个线程都有任务；之后任务就排队",
    ),
    cost: Text::new(
        "an entry in a table, no thread; per message as event-loop, and for each job the hand-over",
        "表里的一项，不需要线程；每条消息与 event-loop 相同，每个任务另加转交的时间",
    ),
    breaks_first: Text::new(
        "the loop's core for messages, the pool's cores for work",
        "处理消息时是事件循环所在的核，计算时是线程池用的那些核",
    ),
    teaches: Text::new(
        "the right use of a CPU pool: jobs, not sockets",
        "计算线程池的正确用法：交给它任务，而不是套接字",
    ),
    source: "D. Schmidt, Half-Sync/Half-Async (1995)",
    workers: Workers::PerCore,
    serves: Serves::Open,
    hub: Ok(Text::new(
        "a plain value of the loop; the pool never uses it",
        "事件循环自己的一个普通值；线程池从不访问它",
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
        let epoll = Epoll::new(&door.entry)?;
        let waker = Arc::new(epoll.waker()?);
        let (done, jobs_done) = mpsc::channel();
        let on_the_pool = OnThePool { pool, waker, done };
        let hub = OwnHub::of(service, door.overflow);
        let mut reactor = Reactor::new(&door.entry, service, epoll, on_the_pool, hub);
        let mut ready = Vec::new();
        // The loop of `event-loop`, which also sends the answers of jobs that a pool thread has done.
        while reactor.is_open() {
            reactor.wait(&mut ready)?;
            for event in ready.drain(..) {
                reactor.handle(event);
            }
            reactor.advance_queued();
            while let Ok((key, done)) = jobs_done.try_recv() {
                reactor.job_done(key, done);
            }
            reactor.run_timers();
        }
        Ok(reactor.served())
    }
}

/// Work becomes a job on a pool beside the loop.
struct OnThePool {
    pool: rayon::ThreadPool,
    waker: Arc<Waker>,
    done: mpsc::Sender<(Key, Done)>,
}

impl Executor for OnThePool {
    const WAITS_FOR_DISKS: bool = false;

    fn execute(&mut self, key: Key, job: Job) -> Option<Done> {
        let (waker, done) = (Arc::clone(&self.waker), self.done.clone());
        let queued = trace::queued();
        // First in, first out: plain `spawn` would run the newest job first.
        self.pool.spawn_fifo(move || {
            let _working = queued.begin();
            let result = job.perform();
            // Both fail only after the loop has ended, and then no connection waits for the answer.
            if done.send((key, result)).is_ok() {
                let _ = waker.wake();
            }
        });
        None
    }
}
