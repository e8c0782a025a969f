//! # event-loop: the reactor
//!
//! By hand, on one page: `textbook/event_loop.rs`.
//!
//! One thread waits for all connections at once. It asks the kernel one question, "which of these sockets are
//! ready?" (`epoll_wait`), serves each of them as far as that goes *without waiting*, and asks again. nginx, Redis,
//! Node.js and Python's asyncio are built on this loop.
//!
//! What a thread keeps on its stack (how much of the answer was sent, whether the peer has finished) must be
//! written down here: each connection becomes a small state machine (`drivers/readiness/conn.rs`), and the loop a
//! table of them (`reactor.rs`). Nothing is shared between threads, so nothing is locked: the hub of a service, such
//! as its chat rooms, is a plain value of the loop, and mail is put straight into the mailbox of its receiver,
//! which is served in the same round.
//!
//! **What blocks**: every connection, if one handler does. A handler that sleeps 5 ms, or computes for 5 ms, stops
//! the *whole port* for 5 ms. Waiting is done with a timer instead (`--work wait`); blocking and computing
//! (`--work block`, `--work cpu`) are the mistakes that stop this model. So is a file on a slow disk: `epoll` can't
//! report when a file is ready, so the loop waits in `openat2` and `sendfile`.
//!
//! **What a connection costs**: a descriptor and some hundred bytes; no thread, no stack, no buffer while it is
//! idle. Per message `read` and `write`, and a share of one `epoll_wait`: under load one call reports many sockets,
//! so the busier the loop, the cheaper a message.
//!
//! **What breaks first**: its one core.
//!
//! Read on: D. Schmidt, "Reactor" (1995); `epoll(7)`, where edge-triggered polling is explained.

use std::io;

use portlab_service::Service;
use portlab_words::Text;

use crate::{
    Backend, Door, Group, Served, Serves, Sheet, Workers,
    drivers::readiness::{
        epoll::Epoll,
        reactor::{OnTheLoop, Reactor},
    },
    hub::looped::OwnHub,
};

pub(crate) struct Model;

static SHEET: Sheet = Sheet {
    name: "event-loop",
    family: Text::new("event", "事件驱动"),
    groups: &[Group::History, Group::Fast],
    term: Text::new("reactor, one thread (mio)", "单线程 reactor（mio）"),
    idea: Text::new(
        "One thread asks which sockets are ready, and serves each of them without waiting.",
        "一个线程询问哪些套接字就绪，逐个处理，从不等待其中任何一个。",
    ),
    blocks: Text::new(
        "every client, whenever a handler blocks or computes",
        "处理函数一旦阻塞或长时间计算，所有客户端都被卡住",
    ),
    cost: Text::new(
        "an entry in a table, no thread; 2 system calls and a share of one epoll_wait per message",
        "表里的一项，不需要线程；每条消息 2 次系统调用，外加分摊的一次 epoll_wait",
    ),
    breaks_first: Text::new("its one core", "它唯一的那个核"),
    teaches: Text::new(
        "readiness; state machines; never block the loop",
        "就绪通知；状态机；绝不能阻塞事件循环",
    ),
    source: "D. Schmidt, Reactor (1995); epoll(7)",
    workers: Workers::None,
    serves: Serves::Open,
    hub: Ok(Text::new(
        "a plain value of the loop, which needs no lock",
        "事件循环自己的一个普通值，不需要锁",
    )),
    survives_blocking: false,
};

impl Backend for Model {
    fn sheet(&self) -> &'static Sheet {
        &SHEET
    }

    fn serve(&self, door: Door, service: &'static dyn Service) -> io::Result<Served> {
        let hub = OwnHub::of(service, door.overflow);
        let epoll = Epoll::new(&door.entry)?;
        let mut reactor = Reactor::new(&door.entry, service, epoll, OnTheLoop, hub);
        let mut ready = Vec::new();
        while reactor.is_open() {
            // The only place where this thread waits: for all sockets at once, and for the next timer.
            reactor.wait(&mut ready)?;
            for event in ready.drain(..) {
                // Accepts, or reads, answers and writes, as far as that goes without waiting.
                reactor.handle(event);
            }
            reactor.advance_queued();
            reactor.run_timers();
        }
        Ok(reactor.served())
    }
}
