//! Calls to the operating system behind safe functions. The only crate with `unsafe` code.
//!
//! ```
//! use portlab_sys::{holder::holder, limits, meter};
//!
//! // Which process listens at an address?
//! let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
//! let found = holder(listener.local_addr()?).map(|it| it.pid.cast_unsigned());
//! assert_eq!(found, Some(std::process::id()));
//!
//! // What do a process and its descendants use?
//! let usage = meter::usage(std::process::id().cast_signed())?;
//! assert!(usage.threads >= 1 && limits::open_files() > 0);
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! Linux only: metering reads `/proc`, and children are tied to their parent by `prctl`.

pub mod alone;
pub mod asleep;
mod bits;
pub mod calls;
pub mod cgroup;
pub mod children;
pub mod clock;
pub mod dials;
pub mod growing;
pub mod holder;
pub mod input;
pub mod interfaces;
pub mod interrupt;
pub mod keeper;
pub mod limits;
pub mod listening;
pub mod machine;
pub mod marked;
pub mod meter;
pub mod name;
pub mod pollset;
pub mod ports;
pub mod process;
mod seccomp;
pub mod seqpacket;
pub mod shared;
pub mod socket;
pub mod sockets;
pub mod spawn;
pub mod stop;
pub mod tally;
pub mod terminal;
pub mod threads;
pub mod time_wait;
mod undelivered;
pub mod uring;
pub mod whole;
