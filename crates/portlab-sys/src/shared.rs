//! Memory that processes share: a server and its children, or two processes that open the same file.

use std::{
    fs::{File, OpenOptions},
    io,
    ops::Deref,
    os::fd::{AsRawFd, OwnedFd, RawFd},
    path::Path,
    sync::atomic::AtomicU64,
};

use rustix::fs::{MemfdFlags, ftruncate, memfd_create};

/// Words, all 0, that this process shares with every child that it forks from now on. They exist as long as one of
/// these processes runs. The words that a child has written stay after its end, also after SIGKILL.
///
/// The kernel allocates a page when it is first written to, so unused words take no memory.
///
/// # Errors
/// When the system has no room for so many.
///
/// Source: `mmap(2)`, MAP_SHARED with MAP_ANONYMOUS.
pub fn words(count: usize) -> io::Result<&'static [AtomicU64]> {
    map(count, libc::MAP_ANONYMOUS | libc::MAP_NORESERVE, -1)
}

/// Words that this process shares with those that have opened the same file. They are unmapped when the value is dropped.
#[derive(Debug)]
pub struct Shared {
    /// Valid until the value is dropped, so never lent for longer than it is borrowed.
    words: &'static [AtomicU64],
}

impl Shared {
    /// Makes words, all 0, in a file without a place in the file system; `name` is shown in `/proc`. Another process opens them at
    /// `/proc/PID/fd/N`, as long as this process keeps the descriptor.
    ///
    /// # Errors
    /// When the system has no room for so many, or the process has no descriptor left.
    ///
    /// Source: `memfd_create(2)`.
    pub fn named(name: &str, count: usize) -> io::Result<(OwnedFd, Self)> {
        let bytes = count.checked_mul(size_of::<AtomicU64>());
        let bytes = bytes.ok_or(io::ErrorKind::InvalidInput)?;
        let file = memfd_create(name, MemfdFlags::CLOEXEC)?;
        ftruncate(&file, bytes as u64)?;
        let words = map(count, 0, file.as_raw_fd())?;
        Ok((file, Self { words }))
    }

    /// Opens the words of another process, or those in a file: as many as the file holds. The file must not become shorter.
    ///
    /// # Errors
    /// When the file can't be opened for reading and writing, or holds no word.
    pub fn open(path: &Path) -> io::Result<Self> {
        let file: File = OpenOptions::new().read(true).write(true).open(path)?;
        let count = file.metadata()?.len() as usize / size_of::<AtomicU64>();
        let words = map(count, 0, file.as_raw_fd())?;
        Ok(Self { words })
    }

    /// Keeps the words mapped until the process ends.
    pub fn leak(self) -> &'static [AtomicU64] {
        let words = self.words;
        std::mem::forget(self);
        words
    }
}

impl Deref for Shared {
    type Target = [AtomicU64];

    fn deref(&self) -> &[AtomicU64] {
        self.words
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        let (start, bytes) = (self.words.as_ptr(), size_of_val(self.words));
        // SAFETY: `map` has mapped exactly these bytes, and every reference to them has borrowed this value, which ends.
        unsafe { libc::munmap(start.cast_mut().cast(), bytes) };
    }
}

fn map(count: usize, flags: libc::c_int, file: RawFd) -> io::Result<&'static [AtomicU64]> {
    let bytes = count
        .checked_mul(size_of::<AtomicU64>())
        .filter(|bytes| *bytes > 0)
        .ok_or(io::ErrorKind::InvalidInput)?;
    // SAFETY: a new mapping at an address of the kernel's choice touches no memory of ours.
    let start = unsafe {
        libc::mmap(
            std::ptr::null_mut(),
            bytes,
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_SHARED | flags,
            file,
            0,
        )
    };
    if start == libc::MAP_FAILED {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the mapping is `bytes` long, begins at a page, holds numbers of any value, which are valid atomics, and is reached
    // through these atomics alone. It stays until the process ends, or until `Shared`, which lends it, is dropped.
    Ok(unsafe { std::slice::from_raw_parts(start.cast(), count) })
}

/// Fetches the cache line of `word` for a write that comes soon, which then doesn't wait for another core. Nothing is
/// changed, and elsewhere than on x86-64 nothing is done.
///
/// Source: `PREFETCHW` in the AMD64 Architecture Programmer's Manual, volume 3.
pub fn fetch_for_write<T>(word: &T) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a prefetch of any address has no effect that a program sees. The intrinsic function would fetch for a read,
    // unless the whole program is compiled for newer processors.
    unsafe {
        std::arch::asm!(
            "prefetchw [{}]",
            in(reg) std::ptr::from_ref(word),
            options(nostack, preserves_flags, readonly)
        );
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = word;
}

#[cfg(test)]
mod tests {
    use std::{os::fd::AsRawFd, path::PathBuf, sync::atomic::Ordering::Relaxed};

    use super::Shared;

    #[test]
    fn words_begin_with_zero_and_keep_what_is_written() {
        let words = super::words(5000).unwrap();
        assert!(words.iter().all(|word| word.load(Relaxed) == 0));
        words[4999].store(7, Relaxed);
        assert_eq!((words.len(), words[4999].load(Relaxed)), (5000, 7));
    }

    #[test]
    fn an_invalid_or_too_large_count_is_refused() {
        assert!(super::words(usize::MAX / 8).is_err());
        assert!(super::words(usize::MAX).is_err());
        assert!(super::words(0).is_err());
    }

    #[test]
    fn words_with_a_name_are_those_of_the_process_that_opens_them() {
        let (file, mine) = Shared::named("portlab-of-two", 1000).unwrap();
        let path = PathBuf::from(format!("/proc/self/fd/{}", file.as_raw_fd()));
        let other = Shared::open(&path).unwrap();
        mine[999].store(7, Relaxed);
        assert_eq!((other.len(), other[999].load(Relaxed)), (1000, 7));
        // The words outlive their maker, whose mapping goes with the value.
        let mappings = || {
            let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
            maps.matches("memfd:portlab-of-two").count()
        };
        assert_eq!(mappings(), 2);
        drop((mine, file));
        assert_eq!(mappings(), 1);
        assert_eq!(other[999].load(Relaxed), 7);
    }

    #[test]
    fn a_file_without_a_word_is_refused() {
        for path in ["/dev/null", "/proc/self/status", "/absent"] {
            assert!(Shared::open(path.as_ref()).is_err(), "{path}");
        }
        assert!(Shared::named("test", 0).is_err());
    }
}
