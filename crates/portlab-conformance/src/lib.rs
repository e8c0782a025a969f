//! Black-box cases over TCP: given an address and the promises of the server there, run them and explain failures.
//!
//! A [`Case`] doesn't depend on how a server is written. It talks to the port and, if the server's process is known,
//! looks at the process from outside: its descriptors, its children, its end. If a server doesn't promise what a case
//! needs, the case is skipped with the name of the promise; if the sheet of a model says that a promise is broken (an
//! iterative server serves no other client meanwhile), another case shows that.
//!
//! A new case is a constant in the file of its topic in `cases/`, and a line in the table.
//!
//! An [`Experiment`](experiments::Experiment) is what `portlab judge` does with a student's server: it assumes neither an
//! echo nor a promise, asks through the [`Speech`](experiments::Speech) that the server was found to have, and names the
//! bug that it found.
//!
//! The rules of [`http`] are sentences of RFC 9110 and RFC 9112: bytes that are sent, and what must come back.
//!
//! ```
//! use std::{io, net::TcpListener, thread};
//!
//! use portlab_conformance::{CASES, Promises, Target};
//!
//! // A server that echoes to one client after another.
//! let listener = TcpListener::bind("127.0.0.1:0")?;
//! let addr = listener.local_addr()?;
//! thread::spawn(move || {
//!     for client in listener.incoming().flatten() {
//!         let _ = io::copy(&mut &client, &mut &client);
//!     }
//! });
//!
//! let promises = Promises {
//!     at_once: Some(1),
//!     survives_blocking: true,
//!     loops: 1,
//!     hub: false,
//!     processes: false,
//!     standing_processes: 0,
//! };
//! let case = CASES.iter().find(|case| case.name == "one_byte_per_write").unwrap();
//! assert_eq!(case.unmet(&promises, false), None);
//! let mut target = Target { addr, promises, process: None };
//! assert!((case.run)(&mut target).is_ok());
//! # Ok::<(), io::Error>(())
//! ```

#![forbid(unsafe_code)]

mod case;
mod cases;
mod client;
pub mod experiments;
mod failure;
mod faults;
pub mod http;
mod member;
mod patience;
mod target;

pub use case::{Case, Requires, Speaks};
pub use cases::CASES;
pub use failure::Failure;
pub use faults::{FAULTS, Fault};
pub use patience::with_patience;
pub use target::{Process, Promises, Target};
