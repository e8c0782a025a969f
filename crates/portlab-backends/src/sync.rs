//! The locks of what is shared. `tests/schedules.rs` puts others in their place.

pub(crate) use std::sync::{Mutex, MutexGuard};
