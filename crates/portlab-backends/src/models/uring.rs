//! # uring: completions
//!
//! By hand, on one page: `textbook/uring.rs`.
//!
//! The event loop asks which sockets are *ready*, and then reads and writes itself: readiness. Here the thread says what is
//! to be *done* (accept, receive, send), the kernel does it, and reports what has been done: completion. Requests and
//! completions are entries of two rings in memory that thread and kernel share (io_uring), so neither is a system call. One
//! call per turn, `io_uring_enter`, submits all new requests and waits for completions. Windows has worked this way since
//! 1994 (I/O completion ports); Linux since 2019.
//!
//! **Who owns the buffer?** With `read` a buffer is needed only when bytes are there, and the call is over when it returns. A
//! request for input may wait for an hour, and the kernel needs memory all that time. With a buffer for each request, ten
//! thousand silent connections would hold ten thousand buffers. So the ring has a few buffers that the kernel chooses from
//! when bytes arrive; the thread reads them and gives the buffer back in the same turn. If none is free, the request
//! ends (ENOBUFS) and is made again later. The bytes of an answer belong to the ring until the send is completed: memory
//! that is freed or changed before would be sent as it is then. Two sends on one connection could be done in either order,
//! so a connection has one at a time. And a request holds its socket open: closing the descriptor would neither end the
//! request nor send a FIN, so the requests end first.
//!
//! One request may have many completions: one accept, and one receive per connection, are enough until their end
//! (multishot). So a message costs one request, its send.
//!
//! The connections' state machine is that of the event loop (`drivers/readiness/conn.rs`): a socket is ready when a
//! completion has come (`drivers/readiness/uring.rs`).
//!
//! **Where completions pay**: with many connections that are active at once and small messages: the `read`, `write` and
//! `epoll_wait` of all messages of a turn become one call. That saves 3 to 4 % of the CPU time with 100 to
//! 1,000 connections, since most of the time is the kernel's work for TCP, which stays; short connections gain more, because accepting needs no call either.
//! **Where they don't**: with few messages in a turn, and in a stream, where one `read` takes many messages already; with
//! large messages, which fill several buffers and are copied once more (1.3 times the CPU time at 64 KiB); with files, which
//! `sendfile` would send without a copy.
//!
//! **What blocks**: every connection, if one handler does, as in the event loop. Waiting is done with a timer.
//!
//! **What a connection costs**: a descriptor, some hundred bytes, and a request that waits in the kernel, whose memory
//! isn't the process's. No thread, no stack, no buffer while it is idle.
//!
//! **What breaks first**: its one core. It can't start on a kernel before Linux 6.0, nor in a container that forbids io_uring:
//! many do, because faults in its code have been security holes of the kernel.
//!
//! Read on: J. Axboe, "Efficient IO with io_uring" (2019); `io_uring(7)`.

use std::io;

use portlab_service::Service;
use portlab_sys::uring::uring;
use portlab_words::{Text, tr};

use crate::{
    Backend, Door, Group, Served, Serves, Sheet, Workers,
    drivers::readiness::{
        reactor::{OnTheLoop, Reactor},
        uring::Uring,
    },
    hub::looped::OwnHub,
};

pub(crate) struct Model;

static SHEET: Sheet = Sheet {
    name: "uring",
    family: Text::new("completion", "完成通知"),
    groups: &[Group::Fast],
    term: Text::new(
        "completions, one thread (io_uring)",
        "单线程，完成通知（io_uring）",
    ),
    idea: Text::new(
        "One thread tells the kernel what to do, and the kernel reports what has been done.",
        "一个线程把要做的收发交给内核，内核做完后再通知它。",
    ),
    blocks: Text::new(
        "every client, whenever a handler blocks or computes",
        "处理函数一旦阻塞或长时间计算，所有客户端都被卡住",
    ),
    cost: Text::new(
        "an entry in two tables and a request in the kernel; no system call of its own per message, only a share of one \
         io_uring_enter. It saves 3 to 4 % of the CPU time with 100 to 1,000 active connections, and nothing with large messages or \
         files",
        "两张表里各一项，内核里一个挂着的请求；每条消息没有自己的系统调用，只分摊一次 io_uring_enter。100 到 1,000 个活跃连接时节省 3% 到 4% 的 CPU 时间，消息很大或发送文件时不划算",
    ),
    breaks_first: Text::new(
        "its one core; it can't start where containers forbid io_uring, or on a kernel before Linux 6.0",
        "它唯一的那个核；容器禁用 io_uring，或者内核早于 Linux 6.0，就无法启动",
    ),
    teaches: Text::new(
        "readiness and completion; who owns the buffer; one call for many messages",
        "就绪通知与完成通知；缓冲区归谁；一次系统调用处理许多条消息",
    ),
    source: "J. Axboe, Efficient IO with io_uring (2019); io_uring(7)",
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

    fn obstacle(&self) -> Option<Text> {
        let answer = uring();
        let (finding, remedy) = (answer.finding(), answer.remedy()?);
        Some(tr!("{finding}; {remedy}", "{finding:#}；{remedy:#}"))
    }

    fn serve(&self, door: Door, service: &'static dyn Service) -> io::Result<Served> {
        let hub = OwnHub::of(service, door.overflow);
        let uring = Uring::new(&door.entry)?;
        let mut reactor = Reactor::new(&door.entry, service, uring, OnTheLoop, hub);
        reactor.run()?;
        Ok(reactor.served())
    }
}
