//! Who plays beside the lesson itself.

pub mod client;
mod connection;
pub mod kernel;
mod port;
mod student;
pub mod talk;

pub use port::courses_port;
pub use client::Client;
mod text;

pub use connection::{PATIENCE, accept, be_patient, connection};
pub use student::Student;
pub use text::{encoding, hex, read_as};
