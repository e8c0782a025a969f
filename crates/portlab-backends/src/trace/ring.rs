//! The live ring: the last events of all threads and processes of a server, in memory that a reader of another process has
//! made.
//!
//! A line is one cache line and holds one event whole, so a reader needs no other memory, and an event costs its thread one
//! addition to a shared number and eight words. No thread waits for another, and none for the reader: a reader that is a
//! whole ring behind has lost events, and counts them.
//!
//! ```text
//! | magic, head, ... | line 0: seq, time, what, conn, extra, thread, name, name | line 1 | ...
//! ```
//!
//! **How a reader knows that a line is whole.** The event number `pos` (the first is 0) is written to line `pos % lines`. The
//! line's `seq` is `2 * pos + 1` while that thread writes, and `2 * pos + 2` when the event is complete. A reader reads `seq`,
//! the words and `seq` again (a seqlock). A thread that finds its line in the hands of another one (it is a whole ring
//! behind, or was killed) gives up its event, and the reader counts that as lost.
//!
//! Source: H.-J. Boehm, Can seqlocks get along with programming language memory models?, 2012.

use std::{
    cell::Cell,
    sync::{
        OnceLock,
        atomic::Ordering::{Acquire, Relaxed, Release},
    },
};

use portlab_sys::{children::generation, shared::fetch_for_write};

use super::event::{ProcessRole, Thread, TraceEvent};
use crate::sync::{AtomicU64, fence};

/// Words of a line, and of the control in front of all lines.
const LINE: usize = 8;
const HEAD: usize = 1;
const MAGIC: u64 = u64::from_le_bytes(*b"portlab1");
const BEGINS: u64 = 1 << 63;

/// How many lines ahead a thread fetches: a message has three to five.
const AHEAD: u64 = 4;

/// How long a reader waits for a line that a thread has taken and not completed. The thread may have no processor, or it was
/// killed.
const PATIENCE_NS: u64 = 50_000_000;

/// A line as it is shared, without its `seq`.
pub(super) type Words = [u64; LINE - 1];

static RING: OnceLock<&'static [AtomicU64]> = OnceLock::new();

#[derive(Clone, Copy)]
struct Label {
    /// The process, by the number of forks before it.
    generation: u32,
    ids: u64,
    name: [u64; 2],
}

thread_local! {
    static LABEL: Cell<Option<Label>> = const { Cell::new(None) };
}

/// The words of a ring of `lines` lines, which is a power of two.
pub(super) fn size(lines: usize) -> usize {
    (lines + 1) * LINE
}

/// Makes `words`, which are all 0, a ring.
pub(super) fn make(words: &[AtomicU64]) {
    words[0].store(MAGIC, Release);
}

pub(super) fn is_ring(words: &[AtomicU64]) -> bool {
    words.len() >= size(1)
        && words.len().is_multiple_of(LINE)
        && lines(words).is_power_of_two()
        && words[0].load(Acquire) == MAGIC
}

/// From now on the events of this process and its children are written to `words`. Returns false if they have a ring already.
pub(super) fn attach(words: &'static [AtomicU64]) -> bool {
    RING.set(words).is_ok()
}

/// The name or the role of the calling thread has changed.
pub(super) fn forget_label() {
    LABEL.set(None);
}

/// Writes an event that has ended, or one that begins at its `start_ns`.
pub(super) fn record(event: &TraceEvent, begins: bool) {
    let Some(words) = RING.get() else {
        return;
    };
    let label = LABEL.get().filter(|it| it.generation == generation());
    let label = label.unwrap_or_else(|| label_of(event.conn));
    let flag = if begins { BEGINS } else { 0 };
    write(
        words,
        [
            event.end_ns,
            event.what_and_duration() | flag,
            event.conn,
            event.extra,
            label.ids,
            label.name[0],
            label.name[1],
        ],
    );
}

#[cold]
fn label_of(conn: u64) -> Label {
    let thread = Thread::current(conn);
    let label = Label {
        generation: generation(),
        // The kernel's numbers of processes have at most 22 bits.
        ids: thread.process << 62 | thread.pid << 32 | thread.tid,
        name: thread.name,
    };
    LABEL.set(Some(label));
    label
}

fn lines(words: &[AtomicU64]) -> usize {
    words.len() / LINE - 1
}

fn line(words: &[AtomicU64], pos: u64) -> &[AtomicU64] {
    let at = pos as usize & (lines(words) - 1);
    &words[(at + 1) * LINE..][..LINE]
}

pub(super) fn write(words: &[AtomicU64], event: Words) {
    let pos = words[HEAD].fetch_add(1, Relaxed);
    let line = line(words, pos);
    let (seq, mine) = (&line[0], 2 * pos + 1);
    let before = seq.load(Relaxed);
    // The line is in the hands of another thread, or holds a newer event.
    if before % 2 == 1 || before > mine {
        return;
    }
    if seq
        .compare_exchange(before, mine, Acquire, Relaxed)
        .is_err()
    {
        return;
    }
    // A reader that sees one of the new words sees the odd `seq`, too.
    fence(Release);
    for (word, value) in line[1..].iter().zip(event) {
        word.store(value, Relaxed);
    }
    seq.store(mine + 1, Release);
    // A reader on another core has the lines: fetched now, they are here when they are needed.
    fetch_for_write(&self::line(words, pos + AHEAD)[0]);
}

/// One event as a reader sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) event: TraceEvent,
    pub(super) begins: bool,
    pub(super) process: ProcessRole,
    pub(super) pid: u32,
    pub(super) tid: u32,
    pub(super) name: [u64; 2],
}

impl Seen {
    pub(super) fn of([end_ns, what, conn, extra, ids, name0, name1]: Words) -> Self {
        Self {
            event: TraceEvent::from_words(what, end_ns, conn, extra),
            begins: what & BEGINS != 0,
            process: ProcessRole::from_number(ids >> 62),
            pid: (ids >> 32) as u32 & 0x3fff_ffff,
            tid: ids as u32,
            name: [name0, name1],
        }
    }
}

/// Where a reader is in a ring.
#[derive(Debug, Default)]
pub(super) struct Cursor {
    next: u64,
    /// When the reader came to a line that isn't complete, and which events had been begun then.
    stuck: Option<(u64, u64)>,
}

enum Found {
    Event(Words),
    /// A newer event is in its place, or its thread has given it up.
    Lost,
    Unfinished,
}

impl Cursor {
    /// Visits the events that are new, in their order. Returns how many events were lost.
    pub(super) fn read(
        &mut self,
        words: &[AtomicU64],
        now_ns: u64,
        mut visit: impl FnMut(Seen),
    ) -> u64 {
        let head = words[HEAD].load(Acquire);
        let lines = lines(words) as u64;
        let mut lost = head.saturating_sub(lines).saturating_sub(self.next);
        self.next += lost;
        while self.next < head {
            match find(words, self.next) {
                Found::Event(event) => visit(Seen::of(event)),
                Found::Lost => lost += 1,
                Found::Unfinished if self.waits_for(head, now_ns, lines) => break,
                Found::Unfinished => lost += 1,
            }
            self.next += 1;
        }
        lost
    }

    /// Whether to wait for the next event, which isn't complete.
    fn waits_for(&mut self, head: u64, now_ns: u64, lines: u64) -> bool {
        let (begun, since_ns) = match self.stuck {
            Some(stuck) if self.next < stuck.0 => stuck,
            _ => *self.stuck.insert((head, now_ns)),
        };
        debug_assert!(self.next < begun);
        now_ns.saturating_sub(since_ns) < PATIENCE_NS && head - self.next < lines / 2
    }
}

fn find(words: &[AtomicU64], pos: u64) -> Found {
    let line = line(words, pos);
    let complete = 2 * pos + 2;
    let seq = line[0].load(Acquire);
    match seq {
        _ if seq == complete => {}
        _ if seq > complete => return Found::Lost,
        // The thread of an older event has the line: then the thread of this one has given it up.
        _ if seq % 2 == 1 && seq != complete - 1 => return Found::Lost,
        _ => return Found::Unfinished,
    }
    let mut event = [0; LINE - 1];
    for (value, word) in event.iter_mut().zip(&line[1..]) {
        *value = word.load(Relaxed);
    }
    fence(Acquire);
    match line[0].load(Relaxed) == complete {
        true => Found::Event(event),
        false => Found::Lost,
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::event::{What, text},
        *,
    };

    fn ring(lines: usize) -> Vec<AtomicU64> {
        let words: Vec<_> = (0..size(lines)).map(|_| AtomicU64::new(0)).collect();
        make(&words);
        words
    }

    fn event(number: u64) -> Words {
        let event = TraceEvent {
            what: What::Read,
            start_ns: number,
            end_ns: number + 5,
            conn: number << 32 | 7,
            extra: number * 2,
        };
        let name = [u64::from_le_bytes(*b"worker 1"), 0];
        let ids = 1 << 62 | 4_000_000 << 32 | number;
        [
            event.end_ns,
            event.what_and_duration(),
            event.conn,
            event.extra,
            ids,
            name[0],
            name[1],
        ]
    }

    /// The numbers of the events that are read, and how many are lost.
    fn read(cursor: &mut Cursor, words: &[AtomicU64], now_ns: u64) -> (Vec<u64>, u64) {
        let mut numbers = Vec::new();
        let lost = cursor.read(words, now_ns, |seen| {
            let number = seen.event.start_ns;
            assert_eq!(seen, Seen::of(event(number)));
            numbers.push(number);
        });
        (numbers, lost)
    }

    /// Takes the next line and does not complete it, as a thread that was killed.
    fn be_killed(words: &[AtomicU64]) {
        let pos = words[HEAD].fetch_add(1, Relaxed);
        line(words, pos)[0].store(2 * pos + 1, Relaxed);
    }

    #[test]
    fn events_are_read_once_and_in_order() {
        let (words, mut cursor) = (ring(8), Cursor::default());
        assert!(is_ring(&words));
        assert_eq!(read(&mut cursor, &words, 0), (vec![], 0));
        for round in 0..5 {
            let numbers: Vec<_> = (round * 7..round * 7 + 7).collect();
            numbers
                .iter()
                .for_each(|number| write(&words, event(*number)));
            assert_eq!(read(&mut cursor, &words, 0), (numbers, 0));
        }
    }

    #[test]
    fn a_seen_event_tells_its_thread() {
        let seen = Seen::of(event(3));
        assert_eq!((seen.pid, seen.tid), (4_000_000, 3));
        assert_eq!(seen.process, ProcessRole::Child);
        assert_eq!((seen.begins, &*text(seen.name)), (false, "worker 1"));
        let mut begins = event(3);
        begins[1] |= BEGINS;
        assert!(Seen::of(begins).begins);
    }

    #[test]
    fn what_was_overwritten_is_counted() {
        let (words, mut cursor) = (ring(8), Cursor::default());
        (0..21).for_each(|number| write(&words, event(number)));
        assert_eq!(read(&mut cursor, &words, 0), ((13..21).collect(), 13));
        assert_eq!(read(&mut cursor, &words, 0), (vec![], 0));
    }

    #[test]
    fn the_line_of_a_killed_thread_is_waited_for_and_then_skipped() {
        let (words, mut cursor) = (ring(8), Cursor::default());
        write(&words, event(0));
        be_killed(&words);
        be_killed(&words);
        write(&words, event(3));
        assert_eq!(read(&mut cursor, &words, 100), (vec![0], 0));
        let late = 100 + PATIENCE_NS;
        assert_eq!(read(&mut cursor, &words, late - 1), (vec![], 0));
        assert_eq!(read(&mut cursor, &words, late), (vec![3], 2));
        // The line stays in the hands of the thread: each time it comes round, one event is lost, and none is waited for.
        (4..12).for_each(|number| write(&words, event(number)));
        let others = [4, 5, 6, 7, 8, 11];
        assert_eq!(read(&mut cursor, &words, late), (others.into(), 2));
    }

    #[test]
    fn an_unfinished_line_is_waited_for_until_half_of_the_ring_is_newer() {
        let (words, mut cursor) = (ring(8), Cursor::default());
        be_killed(&words);
        (1..4).for_each(|number| write(&words, event(number)));
        // The head is at 4, half a ring ahead.
        assert_eq!(read(&mut cursor, &words, 0), (vec![1, 2, 3], 1));
    }

    #[test]
    fn a_line_that_is_completed_while_it_is_waited_for_is_read_in_its_place() {
        let (words, mut cursor) = (ring(8), Cursor::default());
        let pos = words[HEAD].fetch_add(1, Relaxed);
        write(&words, event(1));
        assert_eq!(read(&mut cursor, &words, 0), (vec![], 0));
        let line = line(&words, pos);
        for (word, value) in line[1..].iter().zip(event(0)) {
            word.store(value, Relaxed);
        }
        line[0].store(2 * pos + 2, Release);
        assert_eq!(read(&mut cursor, &words, 0), (vec![0, 1], 0));
    }

    #[test]
    fn other_memory_is_no_ring() {
        for count in [0, 8, 15, 17, 24 + 8] {
            let words: Vec<_> = (0..count).map(|_| AtomicU64::new(MAGIC)).collect();
            assert!(!is_ring(&words), "{count}");
        }
        let zeros: Vec<_> = (0..size(4)).map(|_| AtomicU64::new(0)).collect();
        assert!(!is_ring(&zeros));
    }
}
