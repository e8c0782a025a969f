//! Memory that forked processes share.

use std::{io, sync::atomic::AtomicU64};

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
            libc::MAP_SHARED | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE,
            -1,
            0,
        )
    };
    if start == libc::MAP_FAILED {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the mapping is `bytes` long, begins at a page, holds zeros, which are valid atomics, is
    // never unmapped, and is reached through these atomics alone, in this process and its children.
    Ok(unsafe { std::slice::from_raw_parts(start.cast(), count) })
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::Ordering::Relaxed;

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
}
