//! Who plays beside the lesson itself, and what lessons share.

pub mod client;
mod connection;
pub mod kernel;
mod port;
mod student;
pub mod table;
mod text;

pub use client::Client;
pub use connection::{PATIENCE, accept, be_patient, connection, receive};
pub use port::{courses_port, is_quiet, quiet_door};
pub use student::{NO_PYTHON, Student, not_run};
pub use text::{encoding, hex, read_as};
