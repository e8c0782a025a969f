//! # prefork-loop: an event loop in each of several processes
//!
//! By hand, on one page: `textbook/prefork_loop.rs`.
//!
//! nginx's way. N processes are forked in advance, one for each core, and each runs the loop of `event-loop` with
//! connections of its own. The *listener* is shared: every process watches it with its own `epoll`, and the process that
//! accepts a connection keeps it. Nothing else is shared, so nothing is locked; and when a process crashes, the clients of
//! the others notice nothing.
//!
//! **Who accepts?** Without care, a new connection would wake all processes, and all but one would find nothing: the
//! thundering herd. With `EPOLLEXCLUSIVE` it wakes one. Which one? The first one that sleeps, in the order in which they
//! began to watch the listener. So at low load the worker that registered first gets nearly all connections, as it sleeps
//! again when the next one comes; only while it is busy do the others get their share. (Workers of `prefork` block in
//! `accept`, where the one that has slept longest is woken. In `sharded` the kernel divides by hash.) Each process accepts one connection in each turn of
//! its loop, so that a burst is shared by all.
//!
//! **The broker.** What the processes share is in a process of its own, as in `fork`: every connection has a line to it. A
//! line is never waited for: if it is full, its connection rests until the broker has taken the posts, and the loop goes
//! on with the others.
//!
//! **What blocks**: a handler that blocks or computes stops the clients of its process; those of the other processes go on.
//!
//! **What a connection costs**: a descriptor and some hundred bytes, as in `event-loop`; in a chat, a line as well. Per
//! message `read`, `write` and a share of one `epoll_wait`.
//!
//! **What breaks first**: the balance. A few busy connections may all be in one process, whose core is full while others
//! are idle; connections can't move.
//!
//! Read on: `EPOLLEXCLUSIVE` in `epoll_ctl(2)`; Cloudflare, "Why does one NGINX worker take all the load?".

use std::io;

use portlab_service::Service;
use portlab_sys::{children::leave, tally};
use portlab_words::Text;

use crate::{
    Backend, Door, Group, PROCESS_LOOPS, Served, Serves, Sheet, Workers,
    door::Entry,
    drivers::{
        readiness::{
            epoll::{Epoll, line_token},
            poller::Key,
            reactor::{OnTheLoop, Reactor},
        },
        worker_pool::WorkerPool,
    },
    hub::{
        broker::{Broker, Lines},
        looped::LoopHub,
    },
};

pub(crate) struct Model;

static SHEET: Sheet = Sheet {
    name: "prefork-loop",
    family: PROCESS_LOOPS,
    groups: &[Group::Fast],
    term: Text::new(
        "pre-forked event loops on one listener (mio, rustix)",
        "预先创建的多个进程，各跑一个事件循环，共用一个监听套接字（mio、rustix）",
    ),
    idea: Text::new(
        "N processes share the listener; each runs an event loop with the connections that it accepted.",
        "N 个进程共用监听套接字；每个进程用自己的事件循环处理自己 accept 的连接。",
    ),
    blocks: Text::new(
        "the clients of the same process, whenever a handler blocks or computes",
        "处理函数一旦阻塞或长时间计算，同一进程里的客户端都被卡住",
    ),
    cost: Text::new(
        "an entry in a table, no thread; 2 system calls and a share of one epoll_wait per message",
        "表里的一项，不需要线程；每条消息 2 次系统调用，外加分摊的一次 epoll_wait",
    ),
    breaks_first: Text::new(
        "the balance: at low load one process gets most connections, and they can't move",
        "负载不均：负载低时一个进程拿走大部分连接，连接又不能换进程",
    ),
    teaches: Text::new(
        "nginx's way; EPOLLEXCLUSIVE; why one worker gets most connections at low load",
        "nginx 的做法；EPOLLEXCLUSIVE；负载低时为什么一个工作进程拿走大部分连接",
    ),
    source: "EPOLLEXCLUSIVE, epoll_ctl(2)",
    workers: Workers::PerCore,
    serves: Serves::Open,
    hub: Ok(Text::new(
        "a broker process, to which each connection has a line (SOCK_SEQPACKET)",
        "一个中介进程（broker），每个连接有一条通往它的线路（SOCK_SEQPACKET）",
    )),
    survives_blocking: false,
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
                if pool.fork_with(slot, Ok(()))?.is_some() {
                    entry.count_in(pool.held(slot));
                    tally::accept_as(slot);
                    let ran = work(&mut entry, service, pool.into_broker());
                    leave(ran.is_ok() && entry.stop.finish() == 0);
                }
            }
            if pool.wait(&entry, &[])? {
                return Ok(pool.end(&entry));
            }
        }
    }
}

/// All that a worker does: it is an event loop, on a listener that all workers share.
fn work(entry: &mut Entry, service: &'static dyn Service, broker: Broker) -> io::Result<()> {
    entry.stop.own()?;
    let epoll = Epoll::exclusive(entry)?;
    let hub: Option<Box<dyn LoopHub<Key>>> = match service.hub() {
        None => None,
        Some(_) => Some(Box::new(Lines::new(broker, epoll.registry()?, line_token))),
    };
    Reactor::new(entry, service, epoll, OnTheLoop, hub).run()
}
