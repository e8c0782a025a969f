//! # poll: one thread, and the list of all sockets at every call
//!
//! By hand, on one page: `textbook/poll.rs`.
//!
//! The ancestor of the event loop. One thread gives the kernel a list of all its sockets and waits until one of them is
//! ready (`poll`; its older sibling is `select`). The connections are the state machines of `event-loop`, and the loop is
//! the same; only the question to the kernel differs.
//!
//! **Why `epoll` replaced it.** `poll` has no memory: the list is copied to the kernel at every call, the kernel asks every
//! socket in it, and afterwards the program looks through the whole list for the sockets that are ready. With 10 busy
//! clients among 10,000 silent ones, nearly all of this work is for the silent ones, for every few messages again. `epoll`
//! keeps the list in the kernel, and each socket reports itself when it becomes ready: silent sockets cost nothing. The
//! workload `crowd` shows both as lines in a chart.
//!
//! `poll` reports a *state* (level-triggered): a socket with unread input is reported at every call. So the loop must say
//! at every moment what it waits for: input, or room to write, or neither while a handler waits. `epoll`, as `event-loop`
//! uses it, reports a *change* once (edge-triggered).
//!
//! **What blocks**: every client, whenever a handler blocks or computes, as in `event-loop`.
//!
//! **What a connection costs**: an entry in a table, and 8 bytes in the list. Per message `read` and `write`, and a share
//! of one `poll`, whose time grows with the number of all connections.
//!
//! **What breaks first**: the list. `select` ends at 1024 descriptors; `poll` has no such limit, and becomes slow instead.
//!
//! Read on: UNP vol. 1, chapter 6; `poll(2)`; D. Kegel, "The C10K problem" (1999).

use std::io;

use portlab_service::Service;
use portlab_words::Text;

use crate::{
    Backend, Door, Group, Served, Serves, Sheet, Workers,
    drivers::readiness::{
        poll::Poll,
        reactor::{OnTheLoop, Reactor},
    },
    hub::looped::OwnHub,
};

pub(crate) struct Model;

static SHEET: Sheet = Sheet {
    name: "poll",
    family: Text::new("event", "事件驱动"),
    groups: &[Group::History],
    term: Text::new(
        "one thread and poll(2) (rustix)",
        "单线程，用 poll(2) 轮询（rustix）",
    ),
    idea: Text::new(
        "One thread gives the kernel the list of all sockets, and serves those that are ready.",
        "一个线程每次把全部套接字的列表交给内核，再处理其中就绪的那些。",
    ),
    blocks: Text::new(
        "every client, whenever a handler blocks or computes",
        "处理函数一旦阻塞或长时间计算，所有客户端都被卡住",
    ),
    cost: Text::new(
        "an entry in a table and in the list; 2 system calls and a share of one poll per message, which looks at every \
         connection",
        "表里一项，列表里一项；每条消息 2 次系统调用，外加分摊的一次 poll，而每次 poll 都要检查所有连接",
    ),
    breaks_first: Text::new(
        "the list: each call costs time for every silent connection",
        "那份列表：每次调用都要为每个空闲的连接花时间",
    ),
    teaches: Text::new(
        "cost grows with the number of connections, idle ones too: why epoll exists",
        "开销随连接数增长，空闲的连接也要算进去：epoll 由此而来",
    ),
    source: "UNP vol. 1, chapter 6; poll(2)",
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
        let poll = Poll::new(&door.entry)?;
        let mut reactor = Reactor::new(&door.entry, service, poll, OnTheLoop, hub);
        reactor.run()?;
        Ok(reactor.served())
    }
}
