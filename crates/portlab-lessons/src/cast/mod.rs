//! Who plays beside the lesson itself.

pub mod client;
pub mod kernel;
mod student;

pub use client::Client;
pub use student::Student;
