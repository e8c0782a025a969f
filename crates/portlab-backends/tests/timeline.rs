//! The memory of a timeline with two recording threads and a reader, in every order of their steps: `memory.rs`, line
//! for line, with atomics of `loom`. The target is built without the test harness, which would also run the unit tests of
//! `memory.rs`, and these need the rest of the crate.

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

use event::{TraceEvent, What};
use memory::{Memory, ThreadChunk};

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

fn main() {
    a_reader_sees_whole_events_in_order_while_threads_record();
}
