//! # iterative: one caller at a time
//!
//! The first server in every textbook: accept, serve until the caller has gone, accept the next.
//! One process, one thread, no shared state, nothing to lock, nothing to schedule. It is the right
//! choice when a conversation is short and rare (the old `daytime` and `time` services were built
//! this way), and it is what the other nine models are measured against.
//!
//! **What blocks**: everybody. While one caller is being served, the others stand in the accept
//! queue: the kernel has completed their handshake, so they believe they are connected, and they
//! hear nothing. One caller who keeps silent makes the port deaf. So it can't carry a chat: whoever
//! talks is alone.
//!
//! **What a connection costs**: one descriptor while it is served; two system calls per message
//! (`read`, `write`); a place in the backlog while it waits.
//!
//! **What breaks first**: patience. Past the backlog, further callers' handshakes are dropped and
//! retried after 1, 3, 7 seconds.
//!
//! Read on: Stevens, Fenner, Rudoff, "UNIX Network Programming" (UNP), volume 1, sections 1.5 and
//! 30.5.

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
