//! Locks, atomics and shared memory. `tests/schedules.rs` and `tests/timeline.rs` replace them by those of `loom`.

pub(crate) use std::{
    sync::{
        Mutex, MutexGuard,
        atomic::{AtomicU64, AtomicUsize, fence},
    },
    thread::{Thread, current as current_thread, park},
};

pub(crate) use portlab_sys::shared::words;
