//! The load generator: drives any echo-like TCP port, and checks every byte that comes back.
//!
//! One loop per thread ([`run`] starts them), made of parts that don't know each other:
//!
//! | module | owns |
//! |---|---|
//! | `plan` | what is to be done: [`Plan`], [`Stop`] |
//! | `script` | what is said, and what must be answered |
//! | `conn` | one connection: what it has sent, received and still waits for |
//! | `worker` | one thread's readiness loop over its share of the connections |
//! | `dial` | its first stage: making them |
//! | `stage` | the stages, announced by one thread and followed by the others |
//! | `run` | the phases, in step over all threads: connect, warm up, measure, drain, close |
//! | `tally` | errors, by phase and cause |
//! | `outcome` | what was measured |
//!
//! The loop is closed: each connection keeps `depth` messages in flight and sends the next when an
//! answer has come. Such a loop never overloads a server, it slows down with it; so its latency is
//! that of a server as busy as this many clients make it, and says nothing about a fixed rate.

#![forbid(unsafe_code)]

mod conn;
mod dial;
mod outcome;
mod plan;
mod run;
mod script;
mod stage;
mod tally;
mod worker;

pub use outcome::{Latency, Outcome};
pub use plan::{Plan, PlanError, Stop};
pub use run::{RunError, Watch, run};
pub use script::{Mismatch, Pattern};
pub use tally::{Cause, Failure, Phase, Tally};
