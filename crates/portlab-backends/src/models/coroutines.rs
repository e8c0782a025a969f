//! # coroutines: a stack for every connection, one thread
//!
//! By hand, on one page: `textbook/coroutines.rs`.
//!
//! A coroutine with a stack of its own is a thread without the kernel: the code of a connection is straight-line code with
//! local variables, as in `threads`, and where it has to wait, it is *suspended*: a few registers are saved, the stack
//! pointer moves to another stack, and the loop goes on. That is gevent's kind of coroutine (greenlet), Go's, Lua's and
//! Java's virtual threads'. An `async` function (`tasks-single`) has no stack: the compiler makes a state machine of it, so
//! only functions marked `async` can wait. A coroutine with a stack can wait in any function, however deep.
//!
//! The function that serves a connection is `drive` in `drivers/waiting.rs`, and it is *the same function* that a thread
//! runs when `threads` carries a chat. Where it waits, a thread blocks in `poll(2)`, and a coroutine is suspended
//! (`drivers/fibers/context.rs`). That is gevent's point: the code looks as if it blocked. Here the difference is a trait;
//! gevent replaces the calls of Python's `socket` module at run time (monkey patching).
//!
//! **Never hold a borrow across a switch.** While a coroutine is suspended, others use the same buffers, the same hub and
//! the same thread-local variables. So the coroutine that runs *owns* the loop, and `suspend` takes the loop back by value:
//! a coroutine that kept a reference to a part of it would not compile. What a thread-local holds is used between two
//! switches only: sessions run on the stack of the loop, where a coroutine can't be suspended.
//!
//! **What blocks**: every connection, whenever a handler blocks or computes: a coroutine is suspended only where it waits by
//! itself. A thread that only watches names the connection that has stalled the loop (gevent has such a monitor, too).
//!
//! **What a connection costs**: a stack of 64 KiB, of which only touched pages take memory: at least one page of 4 KiB, and
//! as much as the deepest call has ever touched. Besides two memory maps (the stack, and its guard page, which makes an
//! overflow a crash instead of a corruption), a descriptor, `read` and `write` per message and a share of one `epoll_wait`.
//!
//! **What breaks first**: its one core; and memory maps: a process may have 65,530 (`vm.max_map_count`), enough for 32,000
//! stacks.
//!
//! Read on: gevent's documentation; A. de Moura, R. Ierusalimschy, "Revisiting Coroutines" (2009); `mmap(2)`.

use std::io;

use portlab_service::Service;
use portlab_words::Text;

use crate::{
    Backend, COROUTINES, Door, Group, Served, Serves, Sheet, Workers, drivers::fibers::Fibers,
};

pub(crate) struct Model;

static SHEET: Sheet = Sheet {
    name: "coroutines",
    family: COROUTINES,
    groups: &[Group::Course],
    term: Text::new(
        "coroutines with a stack each, one thread (corosensei, mio)",
        "单线程上的有栈协程（corosensei，mio）",
    ),
    idea: Text::new(
        "Each client has a coroutine with a stack of its own: its code looks blocking, and is suspended where it waits.",
        "每个客户端是一个有自己栈的协程：代码看起来是阻塞的，到了要等待的地方就被挂起。",
    ),
    blocks: Text::new(
        "every client, whenever a handler blocks or computes; a second thread watches the loop, and names on stderr the connection that blocks",
        "处理函数一旦阻塞或长时间计算，所有客户端都被卡住；另有一个线程监视事件循环，在 stderr 上指出是哪个连接",
    ),
    cost: Text::new(
        "a stack: 4 KiB or more that it touches, and two memory maps; 2 system calls and a share of one epoll_wait per message",
        "一个栈：实际用到的部分，至少 4 KiB，外加两个内存映射；每条消息 2 次系统调用，外加分摊的一次 epoll_wait",
    ),
    breaks_first: Text::new(
        "its one core; above 32,000 connections the number of memory maps (vm.max_map_count)",
        "它唯一的那个核；超过 3.2 万个连接时，是内存映射的数量（vm.max_map_count）",
    ),
    teaches: Text::new(
        "what gevent does: a stack for each coroutine, and switches where it waits",
        "gevent 的做法：每个协程一个栈，在等待处切换",
    ),
    source: "gevent's documentation; Moura and Ierusalimschy (2009)",
    workers: Workers::None,
    serves: Serves::Open,
    hub: Ok(Text::new(
        "a value of the loop; only the coroutine that runs can use it, so it needs no lock",
        "事件循环自己的一个值；只有正在运行的协程用它，不需要锁",
    )),
    survives_blocking: false,
};

impl Backend for Model {
    fn sheet(&self) -> &'static Sheet {
        &SHEET
    }

    fn most_connections(&self) -> Option<usize> {
        Some(Fibers::most())
    }

    fn serve(&self, door: Door, service: &'static dyn Service) -> io::Result<Served> {
        let mut fibers = Fibers::new(door, service)?;
        let mut ready = Vec::new();
        while fibers.is_open() {
            // The only place where this thread waits: for all sockets at once, and for the next timer.
            fibers.wait(&mut ready)?;
            for event in ready.drain(..) {
                // The coroutine of this socket gets the loop, runs until it waits again, and gives the loop back.
                fibers = fibers.handle(event);
            }
            fibers = fibers.resume_queued().run_timers();
        }
        Ok(fibers.served())
    }
}
