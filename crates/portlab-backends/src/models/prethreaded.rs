//! # prethreaded: a pool of threads that all accept
//!
//! By hand, on one page: `textbook/prethreaded.rs`.
//!
//! `prefork` with threads: N of them are started at once, and each runs the iterative server on the same listener. No thread
//! is started or ended while the server runs, and the number of threads is a promise: with any number of clients, the
//! machine carries N conversations and no more.
//!
//! In Stevens's measurements this was the fastest design of all, for a load of short conversations.
//!
//! **What blocks**: a thread serves one connection at a time. Once all N have one, the next client waits in the backlog,
//! connected and not served; and a silent client holds a thread just like a busy one. A bound on concurrency protects the
//! machine and lets the queue wait; real servers add an idle timeout. A chat has as many members as there are threads: the
//! next client is connected, and receives nothing until a member leaves.
//!
//! **What a connection costs**: one of N threads while it lasts; one descriptor; two system calls per message.
//!
//! **What breaks first**: N.
//!
//! Read on: UNP vol. 1, section 30.11.

use std::{io, thread};

use portlab_service::Service;
use portlab_sys::limits;
use portlab_words::tr;

use super::threads::STACK;
use crate::{
    Backend, Capacity, Door, Family, Served, Sheet, Workers,
    drivers::blocking,
    hub::locked::LockedHub,
    log::{complain, say},
};

pub(crate) struct Model;

static SHEET: Sheet = Sheet {
    name: "prethreaded",
    family: Family::Threads,
    term: "pre-threaded pool, every thread accepts",
    idea: "N threads are started in advance; each accepts and serves one caller at a time.",
    blocks: "the next caller, once every thread has one",
    cost: "one of N threads while it lasts; 2 system calls per message",
    breaks_first: "the number of threads: idle callers use them up too",
    teaches: "a bound on concurrency, and that idle connections use it up",
    source: "UNP vol. 1, 30.11",
    workers: Workers::Fixed(16),
    serves: Capacity::Workers,
    hub: Ok("a value behind a mutex, as in threads; who waits in the backlog is in no room"),
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
            for number in 0..affordable(door.workers, hub.is_some()) {
                let name = format!("worker {}", number + 1);
                let thread = thread::Builder::new().name(name).stack_size(STACK);
                match thread.spawn_scoped(scope, serve_one_by_one) {
                    Ok(_) => {}
                    Err(error) if number == 0 => return Err(error),
                    // The server goes on with fewer threads than asked for.
                    Err(error) => {
                        complain("can't start another thread", "无法再启动线程", &error);
                        break;
                    }
                }
            }
            io::Result::Ok(())
        })?;
        Ok(entry.served(0, hub.map(LockedHub::counts)))
    }
}

/// How many threads there are descriptors for: one for the connection, and one for the bell of the hub. With more
/// threads, connections would be accepted that can't be served.
fn affordable(asked: usize, has_hub: bool) -> usize {
    let files = limits::open_files();
    let room = files.saturating_sub(SPARE) / if has_hub { 2 } else { 1 };
    let workers = asked.min(usize::try_from(room).unwrap_or(asked)).max(1);
    if workers < asked {
        say(&tr!(
            "{workers} of {asked} workers run: {files} open files allow no more; raise the limit (ulimit -n), or ask \
             for fewer with --workers",
            "{asked} 个工作线程只启动了 {workers} 个：打开文件数限制为 {files}；请提高限制（ulimit -n），或者用 --workers 减少"
        ));
    }
    workers
}

/// Descriptors of the server itself.
const SPARE: u64 = 16;
