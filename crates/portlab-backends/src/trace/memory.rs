//! Where events are kept: memory that all processes of a server share, mapped before the first of them is forked.
//!
//! So the bound holds for all processes together, and the events of a process are kept after its end, even if it was
//! killed. Threads take chunks of the memory that begin small and grow, so a thousand threads don't cost a thousand
//! buffers. A chunk belongs to one thread, and no thread waits for another.
//!
//! ```text
//! | control | chunk: header, event, event, ... | chunk | chunk     | ...
//! ```

use std::{
    cell::Cell,
    io,
    sync::{
        OnceLock,
        atomic::Ordering::{Acquire, Relaxed, Release},
    },
};

use portlab_sys::children::generation;
use portlab_words::Text;

use super::event::{ProcessRole, Thread, TraceEvent, text};
use crate::sync::{AtomicU64, words};

/// The thread that recorded a chunk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Owner {
    pub(super) pid: u32,
    pub(super) tid: u32,
    pub(super) process: ProcessRole,
    pub(super) thread: String,
}

pub(super) struct Memory {
    words: &'static [AtomicU64],
    slots: usize,
}

/// Words of a slot, which holds an event or a chunk's header.
const SLOT: usize = 4;
/// Chunks are multiples of this many slots. The first unit is the control's.
const UNIT: usize = 16;
const LARGEST: usize = 512;

const TAKEN: usize = 0;
const NOT_RECORDED: usize = 1;
/// `u64::MAX` minus the end of the first event that was not recorded: memory begins with zeros.
const FIRST_LOST: usize = 2;

const TWICE: Text = Text::new("a process records one timeline", "一个进程只记录一条时间线");

static MEMORY: OnceLock<Memory> = OnceLock::new();

#[derive(Clone, Copy, Default)]
pub(super) struct ThreadChunk {
    /// The process that took the chunk, by the number of forks before it: a child takes a chunk of its own.
    generation: u32,
    header: usize,
    size: usize,
    used: usize,
}

thread_local! {
    static CHUNK: Cell<ThreadChunk> = Cell::default();
}

/// Maps the memory, once, with room for `events` events and the headers of their chunks together.
///
/// # Errors
/// When the system has no memory, or it was mapped before.
pub(super) fn make(events: usize) -> io::Result<&'static Memory> {
    let is_first = MEMORY.set(Memory::new(events)?).is_ok();
    let memory = MEMORY.get().filter(|_| is_first);
    memory.ok_or_else(|| io::Error::other(TWICE))
}

pub(super) fn record(event: &TraceEvent) {
    if let Some(memory) = MEMORY.get() {
        CHUNK.with(|chunk| chunk.set(memory.record(chunk.get(), event)));
    }
}

impl Memory {
    pub(super) fn new(events: usize) -> io::Result<Self> {
        let slots = UNIT + events.next_multiple_of(UNIT);
        let words = words(slots * SLOT)?;
        words[TAKEN].store(UNIT as u64, Relaxed);
        Ok(Self { words, slots })
    }

    /// Records `event`, or counts it as not recorded. Returns the thread's chunk, which may be another one now.
    pub(super) fn record(&self, mut chunk: ThreadChunk, event: &TraceEvent) -> ThreadChunk {
        let mine = chunk.generation == generation();
        if !mine || chunk.used == chunk.size {
            let Some(taken) = self.take(chunk.size * usize::from(mine) * 2, event.conn) else {
                self.words[NOT_RECORDED].fetch_add(1, Relaxed);
                self.words[FIRST_LOST].fetch_max(u64::MAX - event.end_ns, Relaxed);
                return chunk;
            };
            chunk = taken;
        }
        let slot = self.slot(chunk.header + chunk.used);
        slot[0].store(event.end_ns, Relaxed);
        slot[1].store(event.what_and_duration(), Relaxed);
        slot[2].store(event.conn, Relaxed);
        slot[3].store(event.extra, Relaxed);
        chunk.used += 1;
        // A reader that sees the new length sees the event.
        let length = &self.slot(chunk.header)[1];
        length.store(length.load(Relaxed) + 1, Release);
        chunk
    }

    /// Takes a chunk for the calling thread; `None` if no memory is left.
    fn take(&self, wanted: usize, conn: u64) -> Option<ThreadChunk> {
        let wanted = wanted.clamp(UNIT, LARGEST);
        let at = self.words[TAKEN].fetch_add(wanted as u64, Relaxed);
        let left = (self.slots as u64).checked_sub(at);
        let left = left.filter(|left| *left > 0)?;
        let (header, size) = (at as usize, wanted.min(left as usize));
        let thread = Thread::current(conn);
        let slot = self.slot(header);
        slot[0].store(thread.pid << 32 | thread.tid, Relaxed);
        slot[2].store(thread.name[0], Relaxed);
        slot[3].store(thread.name[1], Relaxed);
        let kind = HEADER | thread.process << 56 | (size as u64) << 32;
        slot[1].store(kind, Release);
        Some(ThreadChunk {
            generation: generation(),
            header,
            size,
            used: 1,
        })
    }

    pub(super) fn not_recorded(&self) -> u64 {
        self.words[NOT_RECORDED].load(Relaxed)
    }

    /// When the first event that was not recorded ended, if there is one.
    pub(super) fn first_lost_ns(&self) -> Option<u64> {
        let from_behind = self.words[FIRST_LOST].load(Relaxed);
        (from_behind > 0).then_some(u64::MAX - from_behind)
    }

    pub(super) fn for_each(
        &self,
        mut visit: impl FnMut(&Owner, &mut dyn Iterator<Item = TraceEvent>) -> io::Result<()>,
    ) -> io::Result<()> {
        let taken = self.words[TAKEN].load(Relaxed).min(self.slots as u64) as usize;
        let mut at = UNIT;
        while at < taken {
            let header = self.slot(at);
            let kind = header[1].load(Acquire);
            let (size, events) = ((kind >> 32) as usize & 0xff_ffff, kind as u32 as usize);
            // The thread has taken the chunk and not written its header yet, or was killed before. Such a chunk is
            // empty, or its events follow where other headers could be.
            if kind & HEADER == 0 {
                at += UNIT;
                continue;
            }
            let ids = header[0].load(Relaxed);
            let halves = [&header[2], &header[3]].map(|word| word.load(Relaxed));
            let owner = Owner {
                pid: (ids >> 32) as u32,
                tid: ids as u32,
                process: ProcessRole::from_number((kind & !HEADER) >> 56),
                thread: text(halves),
            };
            let mut events = (at + 1..=at + events).map(|at| self.event(at));
            visit(&owner, &mut events)?;
            at += size;
        }
        Ok(())
    }

    fn event(&self, at: usize) -> TraceEvent {
        let [end_ns, what, conn, extra] =
            [0, 1, 2, 3].map(|word| self.slot(at)[word].load(Relaxed));
        TraceEvent::from_words(what, end_ns, conn, extra)
    }

    fn slot(&self, at: usize) -> &[AtomicU64] {
        &self.words[at * SLOT..][..SLOT]
    }
}

/// The bit that marks a header. No event has it.
const HEADER: u64 = 1 << 63;
#[cfg(test)]
mod tests {
    use super::{super::event::What, *};

    fn event(number: u64) -> TraceEvent {
        TraceEvent {
            what: What::Read,
            start_ns: number,
            end_ns: number + 5,
            conn: number << 32 | 7,
            extra: number * 2,
        }
    }

    /// Records the events of a thread, and returns its last chunk.
    fn record_all(memory: &Memory, events: impl IntoIterator<Item = TraceEvent>) -> ThreadChunk {
        let record = |chunk, event: TraceEvent| memory.record(chunk, &event);
        events.into_iter().fold(ThreadChunk::default(), record)
    }

    fn all(memory: &Memory) -> Vec<Vec<TraceEvent>> {
        let mut chunks = Vec::new();
        let visited = memory.for_each(|_, events| {
            chunks.push(events.collect());
            Ok(())
        });
        visited.unwrap();
        chunks
    }

    #[test]
    fn events_are_found_as_they_were_recorded_in_chunks_that_grow() {
        let memory = Memory::new(10_000).unwrap();
        let events: Vec<_> = (1..=2_000).map(event).collect();
        record_all(&memory, events.iter().copied());
        let chunks = all(&memory);
        let lengths: Vec<_> = chunks.iter().map(Vec::len).collect();
        assert_eq!(lengths, [15, 31, 63, 127, 255, 511, 511, 487]);
        assert_eq!(chunks.concat(), events);
        assert_eq!((memory.not_recorded(), memory.first_lost_ns()), (0, None));
    }

    #[test]
    fn events_without_room_are_counted_and_their_first_time_is_known() {
        let memory = Memory::new(33).unwrap();
        let one = record_all(&memory, (1..=40).map(event));
        record_all(&memory, [event(30)]);
        // Two chunks, of 16 and of 32 slots, each with a header.
        assert_eq!(all(&memory).concat().len(), 46 - 6);
        memory.record(one, &event(41));
        let kept = all(&memory).concat().len() as u64;
        assert_eq!(kept + memory.not_recorded(), 42);
        assert_eq!(memory.first_lost_ns(), Some(30 + 5));
    }

    #[test]
    fn a_chunk_without_a_header_is_skipped() {
        let memory = Memory::new(200).unwrap();
        memory.words[TAKEN].fetch_add(32, Relaxed);
        record_all(&memory, [event(1)]);
        assert_eq!(all(&memory), [[event(1)]]);
    }

    #[test]
    fn events_of_a_chunk_without_a_header_are_not_read_as_headers() {
        let memory = Memory::new(64).unwrap();
        // Chunks of 16 and 32 slots; the second one's header is not there yet, and its events are.
        record_all(&memory, (1..=40).map(event));
        memory.slot(32)[1].store(0, Relaxed);
        assert_eq!(all(&memory).concat().len(), 15);
    }
}
