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
        atomic::{
            AtomicBool,
            Ordering::{Acquire, Relaxed, Release},
        },
    },
    thread,
};

use portlab_sys::children::generation;
use portlab_words::Text;

use crate::sync::{AtomicU64, words};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum What {
    /// A connection was accepted. The peer's port, and how many connections wait to be accepted.
    Accept,
    Read,
    Handle,
    /// The hub has handled an event. How many pieces of mail it had.
    Hub,
    Write,
    Wait,
    Close,
    Queued,
    Taken,
}

const WHATS: [What; 9] = [
    What::Accept,
    What::Read,
    What::Handle,
    What::Hub,
    What::Write,
    What::Wait,
    What::Close,
    What::Queued,
    What::Taken,
];

/// One event of a thread. Times are those of the monotonic clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TraceEvent {
    pub(super) what: What,
    pub(super) start_ns: u64,
    pub(super) end_ns: u64,
    /// The connection's number; 0 for none.
    pub(super) conn: u64,
    /// Bytes, or the number that [`What`] describes.
    pub(super) extra: u64,
}

/// The thread that recorded a chunk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Owner {
    pub(super) pid: u32,
    pub(super) tid: u32,
    pub(super) process: ProcessRole,
    pub(super) thread: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ProcessRole {
    Server,
    Child,
    Broker,
}

const PROCESS_ROLES: [ProcessRole; 3] =
    [ProcessRole::Server, ProcessRole::Child, ProcessRole::Broker];

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

/// Whether events are recorded.
pub(super) static ON: AtomicBool = AtomicBool::new(false);
/// Whether this process is the broker.
pub(super) static BROKER: AtomicBool = AtomicBool::new(false);

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
    /// What is shown in place of the thread's name, if it isn't empty.
    pub(super) static ROLE: Cell<&'static str> = const { Cell::new("") };
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
        let duration = event.end_ns.saturating_sub(event.start_ns) & LOW_56;
        let slot = self.slot(chunk.header + chunk.used);
        slot[0].store(event.end_ns, Relaxed);
        slot[1].store((event.what as u64) << 56 | duration, Relaxed);
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
        let process = match generation() {
            0 => ProcessRole::Server,
            _ if BROKER.load(Relaxed) => ProcessRole::Broker,
            _ => ProcessRole::Child,
        };
        let (pid, tid) = (u64::from(std::process::id()), tid());
        let name = name(conn);
        let slot = self.slot(header);
        slot[0].store(pid << 32 | tid, Relaxed);
        slot[2].store(u64::from_le_bytes(half(&name, 0)), Relaxed);
        slot[3].store(u64::from_le_bytes(half(&name, 8)), Relaxed);
        let kind = HEADER | (process as u64) << 56 | (size as u64) << 32;
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
            let halves = [&header[2], &header[3]].map(|word| word.load(Relaxed).to_le_bytes());
            let owner = Owner {
                pid: (ids >> 32) as u32,
                tid: ids as u32,
                process: PROCESS_ROLES[((kind & !HEADER) >> 56) as usize % PROCESS_ROLES.len()],
                thread: text(&halves.concat()),
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
        TraceEvent {
            what: WHATS[(what >> 56) as usize % WHATS.len()],
            start_ns: end_ns - (what & LOW_56),
            end_ns,
            conn,
            extra,
        }
    }

    fn slot(&self, at: usize) -> &[AtomicU64] {
        &self.words[at * SLOT..][..SLOT]
    }
}

/// The bit that marks a header. No event has it.
const HEADER: u64 = 1 << 63;
const LOW_56: u64 = (1 << 56) - 1;

/// The name of the calling thread: its role, its own name, or the connection that it was started for.
fn name(conn: u64) -> String {
    match (ROLE.get(), thread::current().name()) {
        ("", Some(name)) => name.to_owned(),
        ("", None) if conn != 0 => format!("connection {}", conn as u32),
        ("", None) => "thread".to_owned(),
        (role, _) => role.to_owned(),
    }
}

/// Eight bytes of a name, with zeros after its end.
fn half(name: &str, from: usize) -> [u8; 8] {
    let mut half = [0; 8];
    for (place, byte) in half.iter_mut().zip(name.bytes().skip(from)) {
        *place = byte;
    }
    half
}

/// Reads a name that has zeros after its end. A character that was cut is replaced.
fn text(bytes: &[u8]) -> String {
    let length = bytes.iter().position(|byte| *byte == 0);
    String::from_utf8_lossy(&bytes[..length.unwrap_or(bytes.len())]).into_owned()
}

fn tid() -> u64 {
    rustix::thread::gettid().as_raw_nonzero().get() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

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

    #[test]
    fn a_name_is_cut_after_sixteen_bytes() {
        for (name, read) in [
            ("main", "main"),
            ("", ""),
            ("connection 12345", "connection 12345"),
            ("connection 123456", "connection 12345"),
        ] {
            assert_eq!(text(&[half(name, 0), half(name, 8)].concat()), read);
        }
    }
}
