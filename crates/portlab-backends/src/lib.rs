//! Concurrency models: how a server divides its connections among processes, threads and tasks.
//!
//! A model is one file in `models/` and one line in its table. It implements [`Backend`]: facts as a [`Sheet`],
//! behaviour as one method, `serve`, which blocks. (An async model builds its runtime inside, so the trait is the same
//! for all models.)
//!
//! ```
//! use portlab_backends::{Asked, MODELS};
//!
//! for sheet in MODELS.iter().map(|model| model.sheet()) {
//!     let workers = sheet.workers(Asked::default(), 4);
//!     match sheet.capacity(workers) {
//!         Some(bound) => println!("{} serves {bound} connections at once on four cores", sheet.name),
//!         None => println!("{} serves as many connections as the machine can hold", sheet.name),
//!     }
//! }
//! ```
//!
//! The crate is divided into wings (`models`, `drivers`, `door`, `files`, `hub`, `trace`), each of which uses only those below it;
//! `docs/ARCHITECTURE.md` lists them, and `tests/house.rs` checks that. Besides, `textbook/` has each model written by hand.
//! Three small files are below all wings: `log` (what a server writes to stderr), `timers` (the timers of a loop) and
//! `sync` (locks, which tests replace). [`measured`] holds the measured costs of models.

#![forbid(unsafe_code)]

mod backend;
mod door;
mod drivers;
mod files;
mod group;
mod hub;
pub mod log;
pub mod measured;
pub mod models;
mod sheet;
mod sync;
pub mod textbook;
mod timers;
mod trace;

pub use backend::Backend;
pub use door::{BindError, Door, Options, Served, bind, limits::Limits};
pub use files::{FileOptions, Files, FilesError};
pub use group::Group;
pub use hub::mailbox::{Counts, Overflow, Policy};
pub use models::{MODELS, SOURCES, find, of_group};
pub use portlab_stats::record::{PROCESSES, Serves, THREADS};
pub use portlab_sys::{alone::Alone, stop::Stop, tally};
pub use sheet::{Asked, COROUTINES, MOST_PROCESSES, PROCESS_LOOPS, Sheet, Workers};
pub use trace::{Recorder, live};

/// What the fuzz targets in `tests/fuzz/` call: what reads bytes of another process, and what opens paths of clients.
#[doc(hidden)]
pub mod fuzz {
    pub use crate::{files::Opened, hub::broker::fuzz as broker};

    /// Looks a path up, as a driver does.
    pub fn find(files: &crate::Files, lookup: &portlab_service::Lookup) -> Opened {
        files.find(lookup)
    }
}

/// The size of a read, in every model, so that a comparison of models doesn't compare buffer sizes.
pub const READ_BUFFER: usize = 64 * 1024;
