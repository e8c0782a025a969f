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
//! | `build` | another build of portlab, for comparing its models with the models of this build |
//! | `server`, `launch` | a server in a process of its own: started, stopped, and killed when dropped |
//! | `files` | the files that servers of HTTP get to serve |
//! | `foreign` | a foreign server, and whether all of it is metered |
//! | `error` | why there is no server, or no measurement |
//! | `measure` | one measurement of one cell |
//! | `load` | the verification and the load of each service |
//! | `meter` | the server's resource usage, read from outside |
//! | `comparison` | a whole comparison: rounds over all cells |
//! | `observer` | what a comparison reports while it runs |
//! | `cost` | how long a comparison will take |
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
mod error;
pub mod experiment;
mod files;
mod foreign;
mod launch;
mod load;
mod measure;
mod meter;
mod observer;
mod plans;
pub mod python;
mod rates;
mod running;
mod server;
mod store;
mod timeline;
pub mod workloads;

pub use build::Build;
pub use comparison::{blank, compare};
pub use cost::{Costs, costs};
pub use error::{MeasureError, NotMetered, ServerError};
pub use experiment::{Experiment, quoted, random_seed};
pub use launch::pin;
pub use observer::Observer;
pub use portlab_stats::record::Pinning;
pub use running::{Leftover, Running};
pub use server::{Ended, Server, Surroundings};
pub use store::{Store, StoreError, load};
pub use timeline::timelines;
