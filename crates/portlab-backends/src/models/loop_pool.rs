//! # loop-pool: a reactor, and a pool for the work
//!
//! By hand, on one page: `textbook/loop_pool.rs`.
//!
//! Half-sync/half-async: the loop of `event-loop` keeps all the sockets, and work that would stop it is taken away. A
//! handler that computes or blocks becomes a *job* on a rayon pool; the loop serves the other connections, and when the job
//! is done, the loop is woken and sends the answer. Node.js does this with its worker threads and nginx with its thread
//! pools, and it is the right use of a CPU pool: jobs, not sockets.
//!
//! **The hop.** Handing over and coming back cost two queue operations, a wake-up of a pool thread and one of the loop (an
//! `eventfd` write, another `epoll_wait`); `portlab models loop-pool` says how long that was measured to take. So only work
//! becomes a job; a plain echo is answered on the loop, as in `event-loop`.
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

use mio::{Events, Poll, Waker};
use portlab_service::{Service, Work};

use crate::{
    Backend, Capacity, Door, Family, Served, Sheet, Workers,
    drivers::{
        readiness::reactor::{Executor, Key, Reactor, WORK_DONE},
        work::perform,
    },
    trace,
};

pub(crate) struct Model;

static SHEET: Sheet = Sheet {
    name: "loop-pool",
    family: Family::EventAndPool,
    term: "reactor (mio) + rayon workers (half-sync/half-async)",
    idea: "One loop keeps all sockets; work that would hold it up becomes a job on a CPU pool.",
    blocks: "nobody, until every pool thread has a job; then jobs queue up",
    cost: "an entry in a table, no thread; as event-loop per message, and handing over each job",
    breaks_first: "the loop's core for messages, the pool's cores for work",
    teaches: "the right use of a CPU pool: jobs, not sockets",
    source: "D. Schmidt, Half-Sync/Half-Async (1995)",
    workers: Workers::PerCore,
    serves: Capacity::Open,
    hub: Ok("a plain value of the loop; the pool never sees it"),
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
        let poll = Poll::new()?;
        let waker = Arc::new(Waker::new(poll.registry(), WORK_DONE)?);
        let (done, jobs_done) = mpsc::channel();
        let on_the_pool = OnThePool { pool, waker, done };
        let mut reactor = Reactor::new(&door, service, poll, on_the_pool)?;
        let mut events = Events::with_capacity(1024);
        // The loop of `event-loop`, which also sends the answers of jobs that a pool thread has done.
        while reactor.is_open() {
            reactor.wait(&mut events)?;
            for event in &events {
                reactor.handle(event);
            }
            reactor.advance_queued();
            while let Ok(key) = jobs_done.try_recv() {
                reactor.work_done(key);
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
    done: mpsc::Sender<Key>,
}

impl Executor for OnThePool {
    fn execute(&mut self, key: Key, work: Work) -> bool {
        let (waker, done) = (Arc::clone(&self.waker), self.done.clone());
        let job = trace::queued();
        // First in, first out: plain `spawn` would run the newest job first.
        self.pool.spawn_fifo(move || {
            job.begin();
            perform(work);
            // Both fail only after the loop has ended, and then no connection waits for the answer.
            if done.send(key).is_ok() {
                let _ = waker.wake();
            }
        });
        false
    }
}
