//! # iterative: one connection at a time
//!
//! By hand, on one page: `textbook/iterative.rs`.
//!
//! The first server in every textbook: accept, serve until the client closes, accept the
//! next. One process, one thread, no shared state, nothing to lock, nothing to schedule. It is the right choice if a
//! conversation is short and rare (the old `daytime` and `time` services were built this way), and all other models are
//! compared with it.
//!
//! **What blocks**: every other client. While one connection is being served, the others wait in the accept queue: the
//! kernel has completed their handshake, so `connect` succeeds, and then no answer comes. One silent client blocks the
//! whole port. So this model can't carry a chat: a second member can't join.
//!
//! **What a connection costs**: one descriptor while it is served; two system calls per message (`read`, `write`); an
//! entry in the backlog while it waits.
//!
//! **What breaks first**: the backlog. When it is full, the kernel drops the handshakes of further clients, which try
//! again after 1, 3 and 7 seconds.
//!
//! Read on: Stevens, Fenner, Rudoff, "UNIX Network Programming" (UNP), volume 1, sections 1.5 and 30.5.

use std::io;

use portlab_service::Service;
use portlab_words::Text;

use crate::{Backend, Door, Group, Served, Serves, Sheet, Workers, drivers::blocking};

pub(crate) struct Model;

static SHEET: Sheet = Sheet {
    name: "iterative",
    family: Text::new("sequential", "顺序处理"),
    groups: &[Group::Course, Group::History],
    term: Text::new("iterative server", "循环服务器（iterative server）"),
    idea: Text::new(
        "Accept a client, serve it to the end, accept the next.",
        "接受一个客户端，服务到它结束，再接受下一个。",
    ),
    blocks: Text::new(
        "every other client, while one is being served",
        "正在服务一个客户端时，其他所有客户端都得等",
    ),
    cost: Text::new(
        "1 fd; 2 system calls per message; a waiting client takes a place in the backlog",
        "1 个文件描述符；每条消息 2 次系统调用；等待中的客户端在 accept 队列里占一个位置",
    ),
    breaks_first: Text::new(
        "the backlog: while one client is served, all others wait in it",
        "accept 队列：服务一个客户端时，其他客户端都排在里面",
    ),
    teaches: Text::new(
        "why servers need concurrency: one silent client blocks the whole port",
        "为什么需要并发：一个不发数据的客户端就能堵住整个端口",
    ),
    source: "UNP vol. 1, 30.5",
    workers: Workers::None,
    serves: Serves::One,
    hub: Err(Text::new(
        "it serves one client at a time, so two members never meet",
        "它一次只服务一个客户端，两个成员不会同时得到服务",
    )),
    survives_blocking: false,
};

impl Backend for Model {
    fn sheet(&self) -> &'static Sheet {
        &SHEET
    }

    fn serve(&self, door: Door, service: &'static dyn Service) -> io::Result<Served> {
        // The whole model. While one connection is being served, no other is accepted.
        while let Some(connection) = door.entry.accept() {
            blocking::serve(connection, service, None);
        }
        Ok(door.entry.served(0, None))
    }
}
