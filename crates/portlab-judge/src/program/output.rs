//! The end of what a program writes to a pipe.

use std::{
    collections::VecDeque,
    io::Read,
    sync::{Arc, Mutex, PoisonError},
    thread,
};

/// The last bytes that came through a pipe. A thread reads the pipe until it ends, so that the program never waits for
/// its reader.
#[derive(Clone, Debug)]
pub(super) struct Tail(Arc<Mutex<VecDeque<u8>>>);

impl Tail {
    /// Reads `pipe` on a thread of its own.
    pub(super) fn of(mut pipe: impl Read + Send + 'static) -> Self {
        let tail = Self(Arc::default());
        let kept = tail.clone();
        thread::spawn(move || {
            let mut buffer = [0; 8192];
            while let Ok(length @ 1..) = pipe.read(&mut buffer) {
                let mut kept = kept.0.lock().unwrap_or_else(PoisonError::into_inner);
                kept.extend(&buffer[..length]);
                let too_many = kept.len().saturating_sub(KEPT);
                kept.drain(..too_many);
            }
        });
        tail
    }

    /// Whether the pipe has ended: the thread that reads it has.
    pub(super) fn is_at_end(&self) -> bool {
        Arc::strong_count(&self.0) == 1
    }

    /// Forgets what was kept so far.
    pub(super) fn clear(&self) {
        let kept = self.0.lock();
        kept.unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// What was kept so far, as text.
    pub(super) fn text(&self) -> String {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(kept.make_contiguous()).into_owned()
    }
}

/// How many bytes are kept: a long traceback.
const KEPT: usize = 16 * 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use portlab_testkit::wait_until;

    #[test]
    fn the_end_of_a_flood_is_kept() {
        let flood = std::io::repeat(b'x').take(1 << 20).chain(&b"the end"[..]);
        let tail = Tail::of(flood);
        wait_until("the pipe was read", || tail.text().ends_with("xthe end"));
        assert_eq!(tail.text().len(), KEPT);
    }
}
