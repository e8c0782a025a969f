//! The slots of a pool of processes: which are empty, and when another worker is started for them.

use std::{
    io, mem,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::{Duration, Instant},
};

use portlab_sys::{
    children::{Pid, Reaped},
    shared::words,
    tally::{self, Count},
};
use portlab_words::{Text, tr};

use crate::log::print;

/// The workers of a pool, kept by their parent.
pub(crate) struct WorkerSlots {
    workers: Vec<Option<Pid>>,
    /// How many connections the worker of each slot has: if the worker is killed, the parent counts their end.
    held: &'static [AtomicU64],
    due: Option<Instant>,
    began: Instant,
    /// The pause after workers that ended too soon.
    pause: Duration,
    /// Since when no worker could be started.
    short_since: Option<Instant>,
    /// Whether the missing workers were reported.
    is_reported: bool,
    has_started: bool,
}

/// A worker that ends sooner than this has probably failed at its start, and the next worker may fail, too.
const TOO_SOON: Duration = Duration::from_millis(100);
/// The longest pause before empty slots are filled again.
const LONGEST: Duration = Duration::from_secs(1);

impl WorkerSlots {
    /// Makes `workers` empty slots.
    ///
    /// # Errors
    /// When the system has no memory to share.
    pub(crate) fn new(workers: usize) -> io::Result<Self> {
        Ok(Self {
            workers: vec![None; workers],
            held: words(workers)?,
            due: None,
            began: Instant::now(),
            pause: TOO_SOON,
            short_since: None,
            is_reported: false,
            has_started: false,
        })
    }

    /// An empty slot that is to be filled now, if there is one.
    pub(crate) fn empty(&mut self) -> Option<usize> {
        if self.due.is_some_and(|due| due > Instant::now()) {
            return None;
        }
        if self.due.take().is_some() {
            self.began = Instant::now();
        }
        let empty = self.workers.iter().position(Option::is_none);
        self.is_reported &= empty.is_some();
        empty
    }

    pub(crate) fn running(&self) -> usize {
        self.workers.iter().flatten().count()
    }

    /// Where the worker of a slot counts its connections.
    pub(crate) fn held(&self, slot: usize) -> &'static AtomicU64 {
        &self.held[slot]
    }

    pub(crate) fn fill(&mut self, slot: usize, worker: Pid) {
        self.workers[slot] = Some(worker);
        (self.has_started, self.short_since) = (true, None);
    }

    /// No worker can be started now. Reports once what is missing, and goes on with fewer workers.
    ///
    /// # Errors
    /// When no worker was ever started.
    pub(crate) fn refuse(&mut self, error: io::Error) -> io::Result<()> {
        let since = *self.short_since.get_or_insert_with(Instant::now);
        let is_temporary = error.kind() == io::ErrorKind::ResourceBusy;
        if !is_temporary && !self.has_started {
            return Err(error);
        }
        // A broker that has just been started takes lines more slowly than the parent makes them.
        let is_brief = is_temporary && since.elapsed() < LONGEST;
        let pause = if is_brief { TOO_SOON / 10 } else { LONGEST };
        self.due = Some(Instant::now() + pause);
        if !is_brief && !mem::replace(&mut self.is_reported, true) {
            let (running, all) = (self.running(), self.workers.len());
            let Text { en, zh } = match is_temporary {
                true => Text::new("", ""),
                false => Text::new(
                    ", or ask for fewer with --workers",
                    "，或者用 --workers 减少",
                ),
            };
            let why = Text::system(&error);
            print(&tr!(
                "{running} of {all} workers run: {why}{en}",
                "{all} 个工作进程只启动了 {running} 个：{why:#}{zh}"
            ));
        }
        Ok(())
    }

    pub(crate) fn free(&mut self, dead: &[Reaped]) {
        if dead.is_empty() {
            return;
        }
        for (slot, held) in self.workers.iter_mut().zip(self.held) {
            let is_dead = |worker: &mut Pid| dead.iter().any(|dead| dead.pid == *worker);
            if slot.take_if(is_dead).is_some() {
                tally::add(Count::Ended, held.swap(0, Relaxed));
            }
        }
        let now = Instant::now();
        if now - self.began < TOO_SOON {
            self.pause = (self.pause * 2).min(LONGEST);
            self.due = Some(now + self.pause);
        } else {
            (self.pause, self.due) = (TOO_SOON, Some(now));
        }
    }

    /// How long the parent may wait before it fills slots again; `None` without a limit.
    pub(crate) fn patience(&self) -> Option<Duration> {
        self.due
            .map(|due| due.saturating_duration_since(Instant::now()))
    }

    /// Counts the end of the connections of workers that were killed when the server stopped.
    pub(crate) fn all_have_ended(&self) {
        for held in self.held {
            tally::add(Count::Ended, held.swap(0, Relaxed));
        }
    }
}
