//! # prethreaded: a pool of threads that all accept
//!
//! By hand, on one page: `textbook/prethreaded.rs`.
//!
//! `prefork` with threads: N of them are started at once, and each runs the iterative server on the same listener. No thread
//! is started or ended while the server runs, and the number of threads is a bound: with any number of clients, N of them
//! are served at a time.
//!
//! In Stevens's measurements this was the fastest design of all, for a load of short conversations.
//!
//! **What blocks**: a thread serves one connection at a time. Once all N have one, the next client waits in the backlog,
//! connected and not served; and a silent client occupies a thread just like a busy one. A bound on concurrency protects
//! the machine, and the clients above it wait; real servers add an idle timeout. A chat has as many members as there are
//! threads: the next client is connected, and receives nothing until a member leaves.
//!
//! **What a connection costs**: one of N threads while it lasts; one descriptor; two system calls per message.
//!
//! **What breaks first**: N.
//!
//! Read on: UNP vol. 1, section 30.11.

use std::{io, thread};

use portlab_service::Service;
use portlab_sys::limits;
use portlab_words::{Text, tr};

use super::threads::STACK;
use crate::{
    Backend, Door, Group, Served, Serves, Sheet, THREADS, Workers,
    drivers::blocking,
    hub::locked::LockedHub,
    log::{print, warn},
};

pub(crate) struct Model;

static SHEET: Sheet = Sheet {
    name: "prethreaded",
    family: THREADS,
    groups: &[Group::History],
    term: Text::new(
        "pre-threaded pool, every thread accepts",
        "预先创建的线程池，每个线程自己 accept（pre-threaded pool）",
    ),
    idea: Text::new(
        "N threads are started in advance; each accepts and serves one client at a time.",
        "提前启动 N 个线程；每个线程自己 accept，一次服务一个客户端。",
    ),
    blocks: Text::new(
        "the next client, once every thread has one",
        "所有线程都有客户端以后，下一个客户端就得等",
    ),
    cost: Text::new(
        "one of N threads while it lasts; 2 system calls per message",
        "连接存续期间占用 N 个线程中的一个；每条消息 2 次系统调用",
    ),
    breaks_first: Text::new(
        "the number of threads: idle clients use them up too",
        "线程的数量：空闲的连接也会把它们占满",
    ),
    teaches: Text::new(
        "a bound on concurrency, and that idle connections use it up",
        "并发有了上限，而空闲的连接也会占满它",
    ),
    source: "UNP vol. 1, 30.11",
    workers: Workers::Fixed(16),
    serves: Serves::Workers,
    hub: Ok(Text::new(
        "a value behind a mutex; a client that waits in the backlog is in no room",
        "一个用互斥锁保护的值；还在 accept 队列里的客户端不在任何聊天室",
    )),
    survives_blocking: true,
};

impl Backend for Model {
    fn sheet(&self) -> &'static Sheet {
        &SHEET
    }

    fn serve(&self, door: Door, service: &'static dyn Service) -> io::Result<Served> {
        let entry = &door.entry;
        let hub = LockedHub::of(service, door.overflow);
        let hub = hub.as_ref();
        // All threads block in accept; the kernel wakes one for each connection, in turn.
        let serve_one_by_one = move || {
            while let Some(connection) = entry.accept() {
                blocking::serve(connection, service, hub);
            }
        };
        thread::scope(|scope| {
            for number in 0..possible_workers(door.workers, hub.is_some()) {
                let name = format!("worker {}", number + 1);
                let thread = thread::Builder::new().name(name).stack_size(STACK);
                match thread.spawn_scoped(scope, serve_one_by_one) {
                    Ok(_) => {}
                    Err(error) if number == 0 => return Err(error),
                    // The server goes on with fewer threads than asked for.
                    Err(error) => {
                        warn("can't start another thread", "无法再启动线程", &error);
                        break;
                    }
                }
            }
            io::Result::Ok(())
        })?;
        Ok(entry.served(0, hub.map(LockedHub::counts)))
    }
}

/// How many of the `asked` threads have enough descriptors: each needs one for its connection, and one for the bell of the
/// hub. More threads would accept connections that can't be served.
fn possible_workers(asked: usize, has_hub: bool) -> usize {
    let files = limits::open_files();
    let room = files.saturating_sub(SPARE) / if has_hub { 2 } else { 1 };
    let workers = asked.min(usize::try_from(room).unwrap_or(asked)).max(1);
    if workers < asked {
        print(&tr!(
            "{workers} of {asked} workers run: the limit is {files} open files; raise it (ulimit -n), or ask for \
             fewer with --workers",
            "{asked} 个工作线程只启动了 {workers} 个：打开文件数限制为 {files}；请提高限制（ulimit -n），或者用 --workers 减少"
        ));
    }
    workers
}

/// Descriptors of the server itself.
const SPARE: u64 = 16;
