//! The atomics of the stages. `tests/schedules.rs` puts others in their place.

pub(crate) use std::sync::atomic::AtomicU64;
