//! Measuring models side by side: a fresh server process for every measurement, verified first,
//! then loaded and metered; rounds interleaved and shuffled; everything stored as soon as it is
//! known.
//!
//! | module | owns |
//! |---|---|
//! | `server` | a server in a process of its own: started, told to stop, never left behind |
//! | `experiment` | what is to be measured: the cells, and their order in each round |
//! | `measure` | one measurement of one cell |
//! | `echo`, `chat` | what it is verified by, and loaded with |
//! | `meter` | what is read off the server from outside |
//! | `comparison` | the whole: rounds over cells, a record that grows |
//! | `store` | the record on disk |

#![forbid(unsafe_code)]

mod chat;
mod comparison;
mod echo;
mod experiment;
mod measure;
mod meter;
mod server;
mod store;

pub use comparison::{Observer, compare};
pub use experiment::{Experiment, Model, Service, random_seed};
pub use measure::MeasureError;
pub use server::{Ended, Server, ServerError};
pub use store::{Store, StoreError};
