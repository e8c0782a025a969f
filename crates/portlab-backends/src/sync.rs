//! What threads share, and its locks. `tests/schedules.rs` and `tests/timeline.rs` put others in their place.

pub(crate) use std::sync::{Mutex, MutexGuard, atomic::AtomicU64};

pub(crate) use portlab_sys::shared::words;
