//! # prefork: a pool of processes, made in advance
//!
//! By hand, on one page: `textbook/prefork.rs`.
//!
//! A fork costs more than most conversations, so it is paid for once: N workers are forked at the start, and each runs the
//! iterative server on the *same* listening socket. The kernel hands every connection to exactly one of the workers that
//! block in `accept`. Apache's first engine and many WSGI servers work like this. The parent serves no connection: it
//! forks another worker when one has ended.
//!
//! **The thundering herd's history.** Once, a connection woke every worker that slept in `accept`, one got it and the
//! others went back to sleep. Since Linux 2.3 a blocking `accept` wakes one worker, the one that has slept longest, so
//! work is spread evenly. (Workers that sleep in `epoll_wait` on a shared listener are different: see `prefork-loop`.)
//!
//! **The broker.** As in `fork`, what workers share is in a process of its own, to which each has a line. A chat has as many
//! members as there are workers, and no more workers are started than the broker has descriptors for their lines.
//!
//! **What blocks**: a worker serves one connection at a time. Once all N have one, busy or silent, the next client waits in
//! the backlog, connected and not served.
//!
//! **What a connection costs**: one of N workers while it lasts, no fork; two system calls per message.
//!
//! **What breaks first**: N. Idle connections use up workers just like busy ones.
//!
//! Read on: UNP vol. 1, sections 30.7 to 30.9; `accept(2)`; Cloudflare, "Why does one NGINX worker take all the load?".

use std::io;

use portlab_service::Service;
use portlab_sys::children::leave;
use portlab_words::Text;

use crate::{
    Backend, Door, Group, PROCESSES, Served, Serves, Sheet, Workers,
    drivers::{blocking, worker_pool::WorkerPool},
};

pub(crate) struct Model;

static SHEET: Sheet = Sheet {
    name: "prefork",
    family: PROCESSES,
    groups: &[Group::History],
    term: Text::new(
        "pre-forked pool, every worker accepts",
        "预先创建的进程池，每个工作进程自己 accept（pre-forked pool）",
    ),
    idea: Text::new(
        "N processes are forked in advance; each accepts and serves one client at a time.",
        "提前 fork 出 N 个进程；每个进程自己 accept，一次服务一个客户端。",
    ),
    blocks: Text::new(
        "the next client, once every worker has one",
        "所有工作进程都有客户端以后，下一个客户端就得等",
    ),
    cost: Text::new(
        "one of N worker processes while it lasts; 2 system calls per message",
        "连接存续期间占用 N 个工作进程中的一个；每条消息 2 次系统调用",
    ),
    breaks_first: Text::new(
        "the number of workers: idle clients use them up too",
        "工作进程的数量：空闲的连接也会把它们占满",
    ),
    teaches: Text::new(
        "paying for processes once; the history of the thundering herd",
        "创建进程的代价只付一次；惊群问题的由来",
    ),
    source: "UNP vol. 1, 30.7 to 30.9",
    workers: Workers::Fixed(16),
    serves: Serves::Workers,
    hub: Ok(Text::new(
        "a broker process, to which each worker has a line (SOCK_SEQPACKET)",
        "一个中介进程（broker），每个工作进程有一条通往它的线路（SOCK_SEQPACKET）",
    )),
    survives_blocking: true,
};

impl Backend for Model {
    fn sheet(&self) -> &'static Sheet {
        &SHEET
    }

    fn serve(&self, door: Door, service: &'static dyn Service) -> io::Result<Served> {
        let Door {
            alone,
            mut entry,
            workers,
            overflow,
        } = door;
        let mut pool = WorkerPool::start(service, overflow, workers, alone)?;
        loop {
            while let Some(slot) = pool.empty() {
                if let Some((worker, ())) = pool.fork(slot, Ok(()))? {
                    entry.count_in(pool.held(slot));
                    // All that a worker does: it is the iterative server, on a listener that all workers share.
                    worker.work(
                        || entry.accept(),
                        |it| blocking::serve_on_line(it, service, worker.line.as_ref()),
                    );
                    leave(entry.stop.finish() == 0);
                }
            }
            if pool.wait(&entry, &[])? {
                return Ok(pool.end(&entry));
            }
        }
    }
}
