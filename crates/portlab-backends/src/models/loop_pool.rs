//! # loop-pool: a reactor, and a pool for the work
//!
//! Half-sync/half-async: the loop of `event-loop` keeps all the sockets, and what would hold it up
//! is taken away. A handler that computes or blocks becomes a *job* on a rayon pool; the loop turns
//! to the others, and when the job is done it is woken and sends the answer. This is what Node.js
//! does with its worker threads and nginx with its thread pools, and it is the right use of a CPU
//! pool: jobs, not sockets.
//!
//! **The hop.** Handing over and coming back cost two queue operations, a wake-up of a pool thread
//! and one of the loop (an `eventfd` write, another `epoll_wait`); `portlab models loop-pool` says how
//! long that was measured to take.
//! So only work that is worth it travels; a plain echo is answered on the loop, as in `event-loop`.
//!
//! **What blocks**: nobody, until every pool thread is busy. Then jobs queue up, and the loop still
//! answers those who need none.
//!
//! **What a connection costs**: as in `event-loop`, a descriptor and some hundred bytes. Per
//! message `read`, `write` and a share of one `epoll_wait`; per job the hop.
//!
//! **What breaks first**: the loop's core for plain messages, the pool's cores for work.
//!
//! Read on: D. Schmidt, "Half-Sync/Half-Async" (1995).

use std::{
    io,
    sync::{Arc, mpsc},
};

use mio::{Poll, Waker};
use portlab_service::{Service, Work};

use super::event_loop::{Crew, FINISHED, Key, Reactor};
use crate::{Backend, Capacity, Door, Family, Served, Sheet, Workers, blocking::perform, trace};

pub(crate) struct Model;

static SHEET: Sheet = Sheet {
    name: "loop-pool",
    family: Family::EventAndPool,
    term: "reactor + rayon workers (half-sync/half-async)",
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
        let waker = Arc::new(Waker::new(poll.registry(), FINISHED)?);
        let (done, finished) = mpsc::channel();
        Reactor::new(
            &door,
            service,
            poll,
            OnThePool {
                pool,
                waker,
                done,
                finished,
            },
        )?
        .run()
    }
}

/// This model's crew: a pool beside the loop.
struct OnThePool {
    pool: rayon::ThreadPool,
    waker: Arc<Waker>,
    done: mpsc::Sender<Key>,
    finished: mpsc::Receiver<Key>,
}

impl Crew for OnThePool {
    fn take(&mut self, key: Key, work: Work) -> bool {
        let (waker, done) = (Arc::clone(&self.waker), self.done.clone());
        let job = trace::queued();
        // First come, first served: plain `spawn` would run the newest job first.
        self.pool.spawn_fifo(move || {
            job.begin();
            perform(work);
            // Both fail only when the loop has gone, and then nobody waits for the answer.
            if done.send(key).is_ok() {
                let _ = waker.wake();
            }
        });
        false
    }

    fn finished(&mut self) -> Option<Key> {
        self.finished.try_recv().ok()
    }
}
