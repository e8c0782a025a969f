//! What threads of a lesson share.

use std::sync::{Mutex, MutexGuard};

/// Locks `mutex`. Panics when a thread has panicked while it held the lock.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("no thread has panicked")
}
