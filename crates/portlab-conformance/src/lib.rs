//! Black-box cases over TCP: given an address and what the server there promises, run them, and
//! explain what went wrong.
//!
//! A [`Case`] knows nothing of how a server is written. It speaks to its port, and, where it is
//! told which process that is, looks at the process from outside: its descriptors, its children,
//! its end. A case that a server doesn't promise is skipped, by the name of the promise; where a
//! promise is known to be broken (an iterative server is deaf while it serves), another case shows
//! that too.
//!
//! A new case is a file in `cases/` and a line in its table.

#![forbid(unsafe_code)]

mod case;
mod cases;
mod client;
mod failure;
mod faults;
mod patience;
mod talker;
mod target;

pub use case::{Case, Requires, Speaks};
pub use cases::CASES;
pub use failure::Failure;
pub use faults::{FAULTS, Fault};
pub use patience::with_patience;
pub use target::{Process, Promises, Target};
