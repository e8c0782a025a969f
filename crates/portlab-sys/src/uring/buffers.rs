//! Buffers that the kernel chooses from when bytes arrive: memory waits in the ring, not in the connections.

use std::{
    io, ptr, slice,
    sync::atomic::{AtomicU16, Ordering::Release},
};

use io_uring::{Submitter, types::BufRingEntry};

/// A buffer that the kernel has filled and handed over. It goes back with [`Buffers::give_back`]; a buffer that is dropped
/// instead is never filled again.
#[derive(Debug, PartialEq, Eq)]
pub struct Buffer {
    id: u16,
}

/// A queue of free buffers, which the kernel takes from its head, and their memory.
///
/// A buffer belongs to the kernel (it is in the queue, or a completion for it is on its way) or to the process (`lent`
/// has its length). References to its memory exist only in the second case.
pub struct Buffers {
    /// The start of a mapping: the queue, then the buffers.
    queue: *mut BufRingEntry,
    memory: *mut u8,
    count: u16,
    size: u32,
    tail: u16,
    /// For each buffer that the kernel has handed over, how many bytes it holds.
    lent: Box<[Option<u32>]>,
    lent_count: u16,
    is_leaked: bool,
}

/// The kernel knows the queue by this number. A ring has one.
pub(super) const GROUP: u16 = 0;

impl Buffers {
    /// `count` buffers, a power of two and at most 32,768, of `size` bytes each.
    ///
    /// # Errors
    /// When the system has no room for them.
    pub(super) fn new(count: u16, size: u32) -> io::Result<Self> {
        assert!(count.is_power_of_two() && size > 0, "{count} x {size}");
        // SAFETY: a new mapping at an address of the kernel's choice touches no memory of ours.
        let start = unsafe {
            libc::mmap(
                ptr::null_mut(),
                mapped(count, size),
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_PRIVATE | libc::MAP_ANONYMOUS,
                -1,
                0,
            )
        };
        if start == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let mut buffers = Self {
            queue: start.cast(),
            memory: start.cast::<u8>().wrapping_add(queue_bytes(count)),
            count,
            size,
            tail: 0,
            lent: vec![None; count.into()].into(),
            lent_count: 0,
            is_leaked: false,
        };
        for id in 0..count {
            buffers.free(id);
        }
        Ok(buffers)
    }

    /// Tells the kernel of the queue.
    ///
    /// # Errors
    /// When the kernel is older than 5.19, or too much memory is locked.
    pub(super) fn register(&self, submitter: &Submitter<'_>) -> io::Result<()> {
        let queue = self.queue as u64;
        // SAFETY: the queue begins at a page and has `count` entries. It is unmapped only when the ring is closed and
        // no request was in flight; otherwise it is leaked.
        unsafe { submitter.register_buf_ring_with_flags(queue, self.count, GROUP, 0) }
    }

    /// The kernel has put `length` bytes into buffer `id`, and given it up.
    pub(super) fn lend(&mut self, id: u16, length: u32) -> Buffer {
        if self.lent[usize::from(id)]
            .replace(length.min(self.size))
            .is_none()
        {
            self.lent_count += 1;
        }
        Buffer { id }
    }

    /// The bytes in a buffer. None, if `buffer` is of another ring and this ring has not handed its own over.
    pub fn bytes(&self, buffer: &Buffer) -> &[u8] {
        let Some(&Some(length)) = self.lent.get(usize::from(buffer.id)) else {
            return &[];
        };
        // SAFETY: the buffer belongs to the process until `give_back`, which needs this value mutably; its memory was
        // zeros at first, and `length` is at most its size.
        unsafe { slice::from_raw_parts(self.memory_of(buffer.id), length as usize) }
    }

    /// Lets the kernel fill a buffer again, after those that are free.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "the buffer isn't the caller's any more"
    )]
    pub fn give_back(&mut self, buffer: Buffer) {
        // A buffer of another ring, whose number may be with the kernel here, changes nothing.
        if let Some(Some(_)) = self.lent.get_mut(usize::from(buffer.id)).map(Option::take) {
            self.lent_count -= 1;
            self.free(buffer.id);
        }
    }

    pub(super) fn lent_count(&self) -> usize {
        self.lent_count.into()
    }

    /// How many buffers are with the kernel.
    pub(super) fn free_count(&self) -> usize {
        usize::from(self.count - self.lent_count)
    }

    /// Keeps the memory for ever: the kernel may still write to it.
    pub(super) fn leak(&mut self) {
        self.is_leaked = true;
    }

    #[cfg(test)]
    pub(super) fn address(&self) -> u64 {
        self.queue as u64
    }

    fn free(&mut self, id: u16) {
        let at = usize::from(self.tail & (self.count - 1));
        // SAFETY: `at` is below `count`. The kernel doesn't read an entry behind the tail, so no other access happens
        // now; only its three fields are written, and not the tail, which is in the first entry's fourth.
        let entry = unsafe { &mut *self.queue.add(at) };
        entry.set_addr(self.memory_of(id) as u64);
        entry.set_len(self.size);
        entry.set_bid(id);
        self.tail = self.tail.wrapping_add(1);
        // SAFETY: the queue's first entry exists; the tail is a u16 that the kernel reads at any moment, so it is
        // written as an atomic, after the entry.
        unsafe {
            let tail = BufRingEntry::tail(self.queue).cast_mut();
            AtomicU16::from_ptr(tail).store(self.tail, Release);
        }
    }

    fn memory_of(&self, id: u16) -> *mut u8 {
        assert!(id < self.count);
        // SAFETY: the mapping has `count` strides.
        unsafe { self.memory.add(usize::from(id) * stride(self.size)) }
    }
}

impl Drop for Buffers {
    fn drop(&mut self) {
        if !self.is_leaked {
            // SAFETY: `new` has mapped it. The ring has no request in flight, so the kernel doesn't use it any more.
            unsafe { libc::munmap(self.queue.cast(), mapped(self.count, self.size)) };
        }
    }
}

fn mapped(count: u16, size: u32) -> usize {
    queue_bytes(count) + usize::from(count) * stride(size)
}

fn queue_bytes(count: u16) -> usize {
    (usize::from(count) * size_of::<BufRingEntry>()).next_multiple_of(CACHE_LINE)
}

/// The distance between two buffers. With a multiple of a page, the first bytes of all buffers, and small messages have
/// no others, would compete for a few places in the processor's cache.
fn stride(size: u32) -> usize {
    (size as usize).next_multiple_of(CACHE_LINE) + CACHE_LINE
}

const CACHE_LINE: usize = 64;
