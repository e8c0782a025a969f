//! # sharded: a loop for each core
//!
//! By hand, on one page: `textbook/sharded.rs`.
//!
//! One loop uses one core. So this server runs the loop of `event-loop` once for each core, and each loop has a thread, an
//! `epoll`, connections, and a *listener* of its own. All listeners are bound to one port with `SO_REUSEPORT`, and the
//! kernel chooses one of them for each new connection. A loop with its part of the connections is called a shard. Envoy
//! is built in this way, and nginx with `listen ... reuseport`. Shards share nothing: no lock, no hand-over.
//!
//! **The kernel divides by hash.** It computes a number from the addresses and ports of both ends, and takes the listener
//! with that number. It doesn't look at how busy the shards are. Thousands of connections are divided evenly; of eight, one
//! shard may get six, and a connection stays in its shard for ever. SIGUSR1 prints how many each shard has accepted.
//!
//! **What blocks**: the connections of one shard, if one of its handlers does. The other shards go on. But new connections
//! that the kernel has given to the stalled shard wait in that shard's own queue, and no other shard may accept them: the
//! client is connected, and receives no answer. With the one queue of `prefork-loop`, another worker would take them.
//!
//! **The hub.** Members of a chat room are in different shards, so here something must be shared. The first shard owns the
//! hub; the others send it their posts, and it puts the mail into mailboxes with a lock and wakes the shards of the
//! receivers (`hub/shards.rs`). A connection posts again when the hub has handled its last posts. So if the first shard stalls,
//! the members of all shards wait.
//!
//! **What a connection costs**: as in `event-loop`, a descriptor and some hundred bytes; no thread. Per message `read`,
//! `write` and a share of one `epoll_wait`.
//!
//! **What breaks first**: the core of one shard, while other cores have time left.
//!
//! Read on: M. Kerrisk, "The SO_REUSEPORT socket option" (LWN, 2013); Cloudflare, "Why does one NGINX worker take all the
//! load?" (2017).

use std::{io, thread};

use portlab_service::Service;
use portlab_sys::tally;
use portlab_words::Text;

use crate::{
    Backend, Door, Group, Served, Serves, Sheet, Workers,
    door::Entry,
    drivers::readiness::{
        epoll::Epoll,
        poller::Key,
        reactor::{OnTheLoop, Reactor},
    },
    hub::{looped::LoopHub, shards::ShardHub},
    log::warn,
    trace,
};

pub(crate) struct Model;

static SHEET: Sheet = Sheet {
    name: "sharded",
    family: Text::new("event", "事件驱动"),
    groups: &[Group::Fast],
    term: Text::new(
        "a loop per core, each with its own listener (mio; SO_REUSEPORT by socket2)",
        "每个核一个事件循环，各有自己的监听套接字（mio；用 socket2 设置 SO_REUSEPORT）",
    ),
    idea: Text::new(
        "Each core runs a loop with a listener and connections of its own; the kernel divides clients by hash.",
        "每个核运行一个事件循环，监听套接字和连接都归自己；新客户端由内核按哈希分配。",
    ),
    blocks: Text::new(
        "the clients of one shard, and those that wait in its queue, whenever a handler blocks or computes",
        "处理函数一旦阻塞或长时间计算，同一分片的客户端和排在它队列里的新连接都被卡住",
    ),
    cost: Text::new(
        "an entry in a table, no thread; 2 system calls and a share of one epoll_wait per message",
        "表里的一项，不需要线程；每条消息 2 次系统调用，外加分摊的一次 epoll_wait",
    ),
    breaks_first: Text::new(
        "the core of the shard with the most work: with few connections the division is uneven",
        "活最多的那个分片所在的核：连接少的时候，分配并不均匀",
    ),
    teaches: Text::new(
        "sharing nothing scales; the kernel divides by hash; a stalled shard strands its queue",
        "互不共享，才能用满多个核；内核按哈希分配；一个分片卡住，它队列里的连接就没人管",
    ),
    source: "M. Kerrisk, The SO_REUSEPORT socket option (LWN, 2013)",
    workers: Workers::Shards,
    serves: Serves::Open,
    hub: Ok(Text::new(
        "a value of the first shard; the others send it their posts and get mail in mailboxes with a lock. If the first \
         shard stalls, the members of all shards wait",
        "归第一个分片所有；其他分片把消息发给它，从带锁的信箱里取回。第一个分片卡住，所有分片的成员都得等",
    )),
    survives_blocking: false,
};

impl Backend for Model {
    fn sheet(&self) -> &'static Sheet {
        &SHEET
    }

    fn serve(&self, door: Door, service: &'static dyn Service) -> io::Result<Served> {
        let entry = &door.entry;
        let first = thread::scope(|scope| {
            let mut shards = divide(&door, service)?;
            // The first shard runs on this thread.
            for shard in shards.drain(1..) {
                let number = shard.0;
                let lost = move |error| {
                    // From now on the kernel divides connections among the others.
                    entry.close_listener(number);
                    warn("a shard can't run", "有一个分片无法运行", &error);
                };
                let run = move || shard.run(entry, service).map_or_else(lost, drop);
                let thread = thread::Builder::new().name(format!("loop-{}", number + 1));
                thread.spawn_scoped(scope, run).map_or_else(lost, drop);
            }
            shards.remove(0).run(entry, service)
        })?;
        Ok(first.served())
    }
}

/// The number of a shard that has not begun, what its loop waits with, and its part of the hub.
struct Shard<'door>(usize, Epoll<'door>, Option<ShardHub<Key>>);

/// Makes all shards.
fn divide<'door>(door: &'door Door, service: &dyn Service) -> io::Result<Vec<Shard<'door>>> {
    let loops = (0..door.workers).map(|number| Epoll::of_worker(&door.entry, number));
    let loops: Vec<_> = loops.collect::<io::Result<_>>()?;
    let mut hubs = Vec::new().into_iter();
    if let Some(hub) = service.hub() {
        let bells = loops.iter().map(Epoll::bell).collect::<io::Result<_>>()?;
        hubs = ShardHub::divide(hub, door.overflow, bells).into_iter();
    }
    let numbered = loops.into_iter().enumerate();
    let shards = numbered.map(|(number, epoll)| Shard(number, epoll, hubs.next()));
    Ok(shards.collect())
}

impl<'door> Shard<'door> {
    /// Runs the loop of `event-loop` until the server has stopped.
    fn run(
        self,
        entry: &'door Entry,
        service: &'static dyn Service,
    ) -> io::Result<Reactor<'door, OnTheLoop, Epoll<'door>>> {
        let Self(number, epoll, hub) = self;
        tally::accept_as(number);
        let hub = hub.map(|hub| Box::new(hub) as Box<dyn LoopHub<Key>>);
        let mut reactor = Reactor::new(entry, service, epoll, OnTheLoop, hub);
        trace::role(String::leak(format!("shard {}", number + 1)));
        reactor.run()?;
        Ok(reactor)
    }
}
