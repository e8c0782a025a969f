//! Who plays beside the lesson itself.

pub mod kernel;
mod student;

pub use student::{NO_PYTHON, Student};
