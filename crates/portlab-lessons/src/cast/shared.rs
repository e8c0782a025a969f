//! What threads of a lesson share.

use std::sync::{Mutex, MutexGuard};

/// Locks what no thread panics over.
///
/// # Panics
/// When one has.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("no thread has panicked")
}
