//! What lessons share: clients, connections, ports, sites, students' programs, the kernel's tables.

pub(crate) mod client;
mod connection;
mod diagnosis;
mod ends;
mod folder;
pub(crate) mod kernel;
mod port;
mod site;
mod student;
mod text;
mod visit;

use std::sync::{Mutex, MutexGuard};

pub(crate) use client::Client;
pub(crate) use connection::{PATIENCE, accept, be_patient, connect, connection, receive};
pub(crate) use diagnosis::{Fault, Role, fault_in};
pub(crate) use ends::Ends;
pub(crate) use folder::Folder;
pub use port::listen_at;
pub(crate) use port::{fresh_listener, has_only_a_listener};
pub(crate) use site::{Answer, Request, Site};
pub(crate) use student::Student;
pub(crate) use text::{encoded, encoding, hex, listed, read_as};
pub(crate) use visit::{Response, Visit};

/// Locks `mutex`. Panics when a thread has panicked while it held the lock.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("no thread has panicked")
}
