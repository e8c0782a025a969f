//! What lessons share: clients, connections, ports, students' programs, the kernel's tables.

pub(crate) mod client;
mod connection;
mod ends;
pub(crate) mod kernel;
mod port;
mod shared;
mod student;
mod text;

pub(crate) use client::Client;
pub(crate) use connection::{PATIENCE, accept, be_patient, connection, receive};
pub(crate) use ends::Ends;
pub(crate) use port::{courses_port, is_quiet, quiet_door};
pub(crate) use shared::lock;
pub(crate) use student::Student;
pub(crate) use text::{encoded, encoding, hex, read_as};
