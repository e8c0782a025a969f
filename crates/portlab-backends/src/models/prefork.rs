//! # prefork: a pool of processes, made in advance
//!
//! Forking costs more than most conversations, so pay for it once: N workers are forked at the
//! start, and each runs the iterative server on the *same* listening socket. The kernel hands every
//! caller to exactly one of the workers blocked in `accept`. Apache's first engine and many WSGI
//! servers are this; the parent serves nobody, it only keeps the number of workers.
//!
//! **The thundering herd's history.** Once, a caller woke every worker that slept in `accept`, one
//! won and the rest went back to sleep. Since Linux 2.3 a blocking `accept` wakes one worker, the
//! one that has slept longest, so work is spread evenly. (Workers that sleep in `epoll_wait` on a
//! shared listener are a different story: there the *last* to sleep is woken first, and gets it
//! all.)
//!
//! **What blocks**: a worker serves one caller at a time. Once all N are talking, or are only being
//! kept waiting by a silent caller, the next one waits in the backlog, connected and unheard.
//!
//! **What a connection costs**: one of N workers while it lasts, no fork; two system calls per
//! message.
//!
//! **What breaks first**: N. Idle connections use up workers just like busy ones.
//!
//! Read on: UNP vol. 1, sections 30.7 to 30.9; `accept(2)`; Cloudflare, "Why does one NGINX worker
//! take all the load?".

use std::{
    io,
    time::{Duration, Instant},
};

use portlab_service::Service;
use portlab_sys::children::{Children, Forked, leave};

use crate::{
    Backend, Capacity, Door, Family, Served, Sheet, Workers, backoff::Backoff, blocking,
    door::Entry,
};

pub(crate) struct Model;

static SHEET: Sheet = Sheet {
    name: "prefork",
    family: Family::Processes,
    term: "pre-forked pool, every worker accepts",
    idea: "N processes are forked in advance; each accepts and serves one caller at a time.",
    blocks: "the next caller, once every worker has one",
    cost: "one of N worker processes while it lasts; 2 system calls per message",
    breaks_first: "the number of workers: idle callers use them up too",
    teaches: "paying for processes once; the thundering herd's history",
    source: "UNP vol. 1, 30.7 to 30.9",
    workers: Workers::Fixed(16),
    serves: Capacity::Workers,
    survives_blocking: true,
};

/// A worker that ends sooner than this has failed at its start, and so may the next.
const TOO_SOON: Duration = Duration::from_millis(100);

impl Backend for Model {
    fn sheet(&self) -> &'static Sheet {
        &SHEET
    }

    fn serve(&self, door: Door, service: &'static dyn Service) -> io::Result<Served> {
        let Door {
            alone,
            entry,
            workers,
        } = door;
        let mut children = Children::new()?;
        let mut backoff = Backoff::new();
        loop {
            // Fills every empty slot: all of them at first, later those whose worker has died.
            let began = Instant::now();
            while children.len() < workers && !entry.stop.is_set() {
                match children.fork(&alone) {
                    Ok(Forked::Child(_)) => work(&entry, service),
                    Ok(Forked::Parent(_)) => {}
                    Err(error) if children.is_empty() => return Err(error),
                    // Fewer than asked for are better than none; another try comes with the next
                    // worker that dies.
                    Err(error) => {
                        backoff.complain("can't fork another worker", &error);
                        break;
                    }
                }
            }
            if entry.stop.wait(&[children.bell()])? {
                break;
            }
            if !children.reap().is_empty() && began.elapsed() < TOO_SOON {
                entry.stop.wait_for(&[], Some(TOO_SOON))?;
            }
        }
        let unwell = children.end(entry.stop.deadline());
        Ok(entry.served(unwell))
    }
}

/// A worker's whole life: the iterative server, on a listener that it shares with its siblings.
fn work(entry: &Entry, service: &dyn Service) -> ! {
    while let Some(caller) = entry.accept() {
        blocking::drive(caller, service);
    }
    leave(entry.stop.cut() == 0)
}
