//! Measuring servers side by side: a fresh server process for every measurement, verified first,
//! then loaded and metered; rounds interleaved and shuffled; everything stored as soon as it is
//! known.
//!
//! ```
//! use portlab_lab::workloads;
//! use portlab_stats::measure::Measure;
//!
//! let churn = workloads::find("churn").expect("it is in the table");
//! assert_eq!(churn.ranked_by, Measure::CpuPerMessage);
//! assert_eq!(portlab_lab::quoted(["sh", "-c", "exec server {port}"]), "sh -c 'exec server {port}'");
//! ```
//!
//! | module | owns |
//! |---|---|
//! | [`workloads`] | the workloads, a file each |
//! | [`experiment`] | what is to be measured: entrants, workloads, cells, and their order in each round |
//! | `plans` | the loads that follow from a workload |
//! | `rates` | the rates of open loops, which follow from closed loops |
//! | `build` | another build of portlab, whose models take part beside ours |
//! | `server`, `launch` | a server in a process of its own: started, told to stop, never left behind |
//! | `foreign` | the same for a foreign server, and whether all of it is metered |
//! | `measure` | one measurement of one cell |
//! | `load` | the verification and the load of each service |
//! | `meter` | the server's resource usage, read from outside |
//! | `comparison` | the whole: rounds over cells, a record that grows |
//! | `cost` | how long it will take |
//! | [`advise`] | the measurements that an advice follows from |
//! | `timeline` | which thread of a model worked on which connection |
//! | [`python`] | this machine's Python, for students' programs |
//! | `running` | which comparison a server belongs to; ending the processes of a killed comparison |
//! | `store` | the record on disk |

#![forbid(unsafe_code)]

pub mod advise;
mod build;
mod comparison;
mod cost;
pub mod experiment;
mod foreign;
mod launch;
mod load;
mod measure;
mod meter;
mod plans;
pub mod python;
mod rates;
mod running;
mod server;
mod store;
mod timeline;
pub mod workloads;

pub use build::Build;
pub use comparison::{Observer, blank, compare};
pub use cost::{Costs, costs};
pub use experiment::{Experiment, quoted, random_seed};
pub use foreign::NotMetered;
pub use launch::pin;
pub use measure::MeasureError;
pub use portlab_stats::record::Pinning;
pub use running::{Leftover, Running};
pub use server::{Ended, Server, ServerError, Surroundings};
pub use store::{Store, StoreError, load};
pub use timeline::timelines;
