//! Who plays beside the lesson itself.

pub mod kernel;
mod port;
mod student;
pub mod talk;

pub use port::courses_port;
pub use student::Student;
