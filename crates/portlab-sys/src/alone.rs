//! The proof that this process has a single thread.

use std::{
    fs, io,
    marker::PhantomData,
    sync::atomic::{AtomicBool, Ordering::SeqCst},
};

/// A witness that the process has one thread, the one that holds it.
///
/// A forked child inherits one thread and the state of every lock. If another thread held the allocator's lock, the
/// child would wait for it for ever. So [`Children::fork`] requires this witness, which only [`Alone::claim`] makes,
/// and which can't be sent to another thread.
///
/// It proves what was true when it was made. Its holder starts no thread as long as it forks; every fork checks
/// again.
///
/// [`Children::fork`]: crate::children::Children::fork
#[derive(Debug)]
pub struct Alone(PhantomData<*const ()>);

/// Why the witness was refused.
#[derive(Debug, thiserror::Error)]
pub enum NotAlone {
    /// There are other threads.
    #[error(
        "this process has {0} threads; a server is entered on the only thread of a fresh process"
    )]
    Threads(usize),
    /// The witness was made before.
    #[error("a process serves once; start another process for another server")]
    Claimed,
    /// The threads could not be counted.
    #[error("can't count the threads in /proc/self/task: {0}")]
    Unknown(#[from] io::Error),
}

impl Alone {
    /// Makes the witness, once per process.
    ///
    /// # Errors
    /// When the process has more than one thread, or the witness was made already.
    pub fn claim() -> Result<Self, NotAlone> {
        static CLAIMED: AtomicBool = AtomicBool::new(false);
        match threads()? {
            1 if CLAIMED.swap(true, SeqCst) => Err(NotAlone::Claimed),
            1 => Ok(Self(PhantomData)),
            more => Err(NotAlone::Threads(more)),
        }
    }

    /// The witness of a child that was just forked: it has the forking thread and no other.
    pub(crate) fn forked() -> Self {
        Self(PhantomData)
    }

    /// Whether the process still has a single thread.
    ///
    /// # Errors
    /// When the threads can't be counted, for example because there is no descriptor left.
    pub(crate) fn holds(&self) -> io::Result<bool> {
        Ok(threads()? == 1)
    }
}

fn threads() -> io::Result<usize> {
    Ok(fs::read_dir("/proc/self/task")?.count())
}

#[cfg(test)]
mod tests {
    use super::{Alone, NotAlone};

    #[test]
    fn a_process_with_threads_gets_no_witness() {
        // A test runs on a thread beside the main one.
        assert!(matches!(Alone::claim(), Err(NotAlone::Threads(2..))));
    }
}
