//! # iterative: one connection at a time
//!
//! By hand, on one page: `textbook/iterative.rs`.
//!
//! The first server in every textbook: accept, serve until the client closes, accept the
//! next. One process, one thread, no shared state, nothing to lock, nothing to schedule. It is the right choice if a
//! conversation is short and rare (the old `daytime` and `time` services were built this way), and it is the measure
//! for all other models.
//!
//! **What blocks**: every other client. While one connection is being served, the others wait in the accept queue: the
//! kernel has completed their handshake, so the clients believe that they are connected, and they receive nothing. One
//! silent client blocks the whole port. So this model can't carry a chat: there is never a second member.
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

use crate::{Backend, Capacity, Door, Family, Served, Sheet, Workers, drivers::blocking};

pub(crate) struct Model;

static SHEET: Sheet = Sheet {
    name: "iterative",
    family: Family::Sequential,
    term: "iterative server",
    idea: "Accept a caller, serve it to the end, accept the next.",
    blocks: "every other caller, for as long as one is being served",
    cost: "1 fd; 2 system calls per message; waiting callers cost a place in the backlog",
    breaks_first: "the second caller's patience",
    teaches: "why concurrency: one silent client makes the port deaf",
    source: "UNP vol. 1, 30.5",
    workers: Workers::None,
    serves: Capacity::One,
    hub: Err("it serves one caller at a time, so nobody would ever hear another"),
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
