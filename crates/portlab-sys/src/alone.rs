//! The proof that this process has a single thread.

use std::{
    fs, io,
    marker::PhantomData,
    sync::atomic::{AtomicBool, Ordering::SeqCst},
};

use portlab_words::{Text, tr};

/// A witness that the process has one thread, the one that holds it.
///
/// A forked child inherits one thread and the state of every lock. If another thread held the allocator's lock, the
/// child would wait for it for ever. So [`Children::fork`] requires this witness, which only [`Alone::claim`] makes,
/// and which can't be sent to another thread.
///
/// The witness proves the state at the time when it was made. The code that has it must start no thread while it
/// forks; each fork checks that.
///
/// [`Children::fork`]: crate::children::Children::fork
#[derive(Debug)]
pub struct Alone(PhantomData<*const ()>);

impl Alone {
    /// Makes the witness, once per process.
    ///
    /// # Errors
    /// If the process has more than one thread, if the threads can't be counted (`/proc` is missing), or if the
    /// witness was made already.
    pub fn claim() -> io::Result<Self> {
        static CLAIMED: AtomicBool = AtomicBool::new(false);
        match threads()? {
            1 if CLAIMED.swap(true, SeqCst) => Err(io::Error::other(Text::new(
                "a process serves once; start another process for another server",
                "一个进程只能提供一次服务；请为另一个服务端启动新的进程",
            ))),
            1 => Ok(Self(PhantomData)),
            count => Err(io::Error::other(tr!(
                "this process has {count} threads; a server is entered on the only thread of a fresh process",
                "这个进程有 {count} 个线程；服务端必须在新进程唯一的线程上启动"
            ))),
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
    use super::Alone;

    #[test]
    fn a_process_with_threads_gets_no_witness() {
        // A test runs on a thread beside the main one.
        let error = Alone::claim().unwrap_err().to_string();
        assert!(error.contains("threads"), "{error}");
    }
}
