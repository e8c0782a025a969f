//! # leader-followers: threads take turns to wait
//!
//! By hand, on one page: `textbook/leader_followers.rs`.
//!
//! N threads and one poller. One thread leads: it alone waits in `epoll_wait`, for a single event. When the event comes, the
//! leader promotes a follower, which waits for the next event, and handles the event itself: it reads, does the work, writes,
//! and joins the followers again. Compare `loop-pool`, where the loop reads, a thread of the pool works, and the loop writes:
//! there each job crosses a queue twice and wakes two threads. Here no work is handed over, only the turn, and the
//! thread that has read the bytes still has them in its cache when it answers. It is the pattern of CORBA's ORBs (TAO), and
//! of thread pools that wait in a shared completion port.
//!
//! **One connection, one thread.** While a thread handles an event, the next event of the same connection may come, to the
//! next leader. Each connection has a claim (`drivers/readiness/turns.rs`): the second thread leaves its event at the claim
//! and goes on, and the first one serves the connection once more before it gives the claim back. Without that, either two
//! threads would use one connection, or the event would be lost: `tests/schedules.rs` tries the orders
//! with up to two preemptions.
//!
//! **Who follows.** Followers are a stack: the last one to stop is the first to be promoted, since its memory is in the
//! caches. So few threads run while the load is low, and the others sleep.
//!
//! **The hub** is a value behind a lock, as in `threads`; mail wakes a thread that takes it to its receiver.
//!
//! **What blocks**: a handler delays its own connection only, as long as one thread is left to lead. With all N threads in
//! handlers, no thread waits for events, and the whole server stands still. So N isn't the number of cores: 16, because
//! threads that wait in handlers use no core, and followers cost nothing but their stacks.
//!
//! **What a connection costs**: as in `event-loop` a descriptor and some hundred bytes, and a lock. Per message `read`,
//! `write` and one `epoll_wait`; if the next leader sleeps, two calls more: it was put to sleep, and is woken.
//!
//! **What breaks first**: the turn. Each event passes through one lock, and may wake a thread, so more cores stop helping
//! sooner than with a loop for each core.
//!
//! Read on: D. Schmidt et al., "Pattern-Oriented Software Architecture", vol. 2 (2000), Leader/Followers.

use std::{io, thread};

use portlab_service::Service;
use portlab_words::Text;

use crate::{
    Backend, Door, Group, Served, Serves, Sheet, Workers,
    drivers::readiness::{conn::Scratch, thread_set::ThreadSet, turns::Turn},
    log::warn,
};

pub(crate) struct Model;

static SHEET: Sheet = Sheet {
    name: "leader-followers",
    family: Text::new("threads + event", "线程+事件"),
    groups: &[Group::History],
    term: Text::new(
        "leader/followers over one poller (mio)",
        "领导者/追随者模式（leader/followers），共用一个事件轮询器（mio）",
    ),
    idea: Text::new(
        "N threads take turns: one waits for an event, lets the next one wait, and handles the event itself.",
        "N 个线程轮流等待：一个线程等到事件，先让下一个线程接着等，自己处理这个事件。",
    ),
    blocks: Text::new(
        "only its own connection, until every thread is in a handler; then all connections",
        "只卡住自己的连接；所有线程都在处理函数里时，所有连接都得等",
    ),
    cost: Text::new(
        "an entry in a table, no thread; per message one read, one write and one epoll_wait; a follower that sleeps takes two \
         calls more (futex), one to sleep and one to be woken",
        "表里的一项，不需要线程；每条消息 read、write、epoll_wait 各一次；下一个线程如果在休眠，再加两次系统调用（futex，休眠一次，唤醒一次）",
    ),
    breaks_first: Text::new(
        "the turn: every event takes the same lock, and may wake a thread",
        "轮流本身：每个事件都要经过同一把锁，还可能要唤醒一个线程",
    ),
    teaches: Text::new(
        "no hand-over of work between threads; one connection is never in two hands",
        "线程之间不转交任务；一个连接不会同时在两个线程手里",
    ),
    source: "POSA vol. 2 (2000), Leader/Followers",
    workers: Workers::Fixed(16),
    serves: Serves::Open,
    hub: Ok(Text::new(
        "a value behind a mutex, held while mail is put into mailboxes",
        "一个用互斥锁保护的值，只在把消息放进信箱时加锁",
    )),
    survives_blocking: true,
};

impl Backend for Model {
    fn sheet(&self) -> &'static Sheet {
        &SHEET
    }

    fn serve(&self, door: Door, service: &'static dyn Service) -> io::Result<Served> {
        let set = ThreadSet::new(&door.entry, service, door.overflow)?;
        thread::scope(|scope| {
            // This thread is the last of the N.
            for number in 1..door.workers {
                let thread = thread::Builder::new().name(format!("worker {number}"));
                if let Err(error) = thread.spawn_scoped(scope, || take_turns(&set)) {
                    // The server goes on with fewer threads than asked for.
                    warn("can't start another thread", "无法再启动线程", &error);
                    break;
                }
            }
            take_turns(&set)
        })?;
        Ok(set.served())
    }
}

/// All that a thread does.
fn take_turns(set: &ThreadSet<'_>) -> io::Result<()> {
    let mut scratch = Scratch::new(|_| true);
    let mut has_led = false;
    loop {
        // A follower waits here until it is promoted, or until a connection has something for it to do.
        let turn = set.next(has_led);
        has_led = matches!(turn, Turn::Lead(_));
        match turn {
            // The leader waits for one event. When this call returns, another thread leads.
            Turn::Lead(patience) => match set.lead(patience) {
                Ok(Some(event)) => set.handle(event, &mut scratch),
                Ok(None) => {}
                Err(error) => {
                    set.end();
                    return Err(error);
                }
            },
            Turn::Work(task) => set.work(task, &mut scratch),
            Turn::End => return Ok(()),
        }
    }
}
