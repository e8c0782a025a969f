//! Who plays beside the lesson itself.

mod connection;
pub mod kernel;
mod student;
mod text;

pub use connection::{PATIENCE, accept, be_patient, connection};
pub use student::Student;
pub use text::{encoding, hex, read_as};
