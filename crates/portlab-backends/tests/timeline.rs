//! The memory of a timeline and the ring of a viewer, each with two recording threads and a reader, in every order of their steps:
//! `memory.rs` and `ring.rs`, line for line, with atomics of `loom`. The target is built without the test harness, which would also
//! run the unit tests of these files, and they need the rest of the crate.

#![allow(
    dead_code,
    unreachable_pub,
    unused_imports,
    clippy::unwrap_used,
    reason = "a part of the crate stands here by itself; a test that can't be set up has failed"
)]

use std::{io, sync::Arc};

use loom::{model::Builder, thread};

/// Atomics of `loom` in place of the system's, in memory that isn't shared with other processes.
mod sync {
    pub(crate) use loom::sync::atomic::{AtomicU64, fence};

    pub(crate) fn words(count: usize) -> std::io::Result<&'static [AtomicU64]> {
        let words = (0..count).map(|_| AtomicU64::new(0));
        Ok(Vec::leak(words.collect()))
    }
}

#[path = "../src/trace/event.rs"]
mod event;
#[path = "../src/trace/memory.rs"]
mod memory;
#[path = "../src/trace/ring.rs"]
mod ring;

use event::{TraceEvent, What};
use memory::{Memory, ThreadChunk};
use ring::{Cursor, Seen, Words, size, write};
use sync::AtomicU64;

fn event(thread: u64, number: u64) -> TraceEvent {
    TraceEvent {
        what: What::Read,
        start_ns: number,
        end_ns: number + 5,
        conn: thread,
        extra: number,
    }
}

/// How many events of each thread a reader sees. They must be whole, and in the order in which the thread recorded them.
fn seen(memory: &Memory) -> [u64; 3] {
    let mut seen = [0; 3];
    let visited = memory.for_each(|_, events| {
        for found in events {
            let count = &mut seen[found.conn as usize];
            *count += 1;
            assert_eq!(found, event(found.conn, *count));
        }
        Ok::<_, io::Error>(())
    });
    visited.unwrap();
    seen
}

fn a_reader_sees_whole_events_in_order_while_threads_record() {
    let mut builder = Builder::new();
    builder.preemption_bound = Some(2);
    builder.check(|| {
        let memory = Arc::new(Memory::new(32).unwrap());
        let recorders = [1, 2].map(|number| {
            let memory = Arc::clone(&memory);
            thread::spawn(move || {
                let mut chunk = ThreadChunk::default();
                for at in 1..=number {
                    chunk = memory.record(chunk, &event(number, at));
                }
            })
        });
        let [_, one, two] = seen(&memory);
        assert!(one <= 1 && two <= 2);
        for recorder in recorders {
            recorder.join().unwrap();
        }
        assert_eq!(seen(&memory), [0, 1, 2]);
        assert_eq!(memory.not_recorded(), 0);
    });
}

fn words(thread: u64, number: u64) -> Words {
    let event = event(thread, number);
    let ids = thread << 32 | number;
    let what = event.what_and_duration();
    [event.end_ns, what, thread, number, ids, thread, number]
}

/// What a reader has seen of each thread, and how many events it has counted as lost.
#[derive(Default)]
struct View {
    cursor: Cursor,
    last: [u64; 3],
    seen: u64,
    lost: u64,
}

impl View {
    /// Reads. The events must be whole, and those of a thread in their order.
    fn read(&mut self, ring: &[AtomicU64], now_ns: u64) {
        self.lost += self.cursor.read(ring, now_ns, |found| {
            let (thread, number) = (found.event.conn, found.event.extra);
            assert_eq!(found, Seen::of(words(thread, number)));
            let last = &mut self.last[thread as usize];
            assert!(number > *last, "{number} after {last}");
            *last = number;
            self.seen += 1;
        });
    }
}

/// Two events of one thread and one of another go into a ring of two lines, so that the threads meet in a line and the reader is
/// overtaken.
fn a_reader_sees_whole_events_or_counts_them() {
    let mut builder = Builder::new();
    builder.preemption_bound = Some(2);
    builder.check(|| {
        let ring = (0..size(2)).map(|_| AtomicU64::new(0));
        let ring = Arc::new(ring.collect::<Vec<_>>());
        let writers = [(1, 2), (2, 1)].map(|(thread, events)| {
            let ring = Arc::clone(&ring);
            thread::spawn(move || (1..=events).for_each(|at| write(&ring, words(thread, at))))
        });
        let mut view = View::default();
        view.read(&ring, 0);
        for writer in writers {
            writer.join().unwrap();
        }
        view.read(&ring, 1);
        // A line that was given up is skipped when its time is over.
        view.read(&ring, u64::MAX);
        assert_eq!(view.seen + view.lost, 3);
    });
}

fn main() {
    a_reader_sees_whole_events_in_order_while_threads_record();
    a_reader_sees_whole_events_or_counts_them();
}
