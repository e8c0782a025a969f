//! Who plays beside the lesson itself.

pub mod client;
pub mod kernel;
mod port;
mod student;
pub mod talk;

pub use port::courses_port;
pub use client::Client;
pub use student::Student;
