//! A model's fact sheet.

use std::fmt;

/// What there is to know of a model before running it. `portlab models NAME` prints it.
#[derive(Debug, PartialEq, Eq)]
pub struct Sheet {
    /// The name on the command line, in kebab-case; the file's name with `-` for `_`.
    pub name: &'static str,
    /// The family it belongs to.
    pub family: Family,
    /// What the field calls it.
    pub term: &'static str,
    /// The idea, in a sentence.
    pub idea: &'static str,
    /// What waits for what: who stands still when one connection does.
    pub blocks: &'static str,
    /// What one more connection costs: threads, processes, memory, system calls per message.
    pub cost: &'static str,
    /// What gives way first as load grows.
    pub breaks_first: &'static str,
    /// What a class learns from it.
    pub teaches: &'static str,
    /// Where it comes from, or where to read on.
    pub source: &'static str,
    /// What workers are here, and how many there are unless told.
    pub workers: Workers,
    /// How many connections it serves at the same time.
    pub serves: Capacity,
    /// Where the half lives that all connections share, such as the rooms of a chat; or why there can
    /// be none.
    pub hub: Result<&'static str, &'static str>,
    /// Whether a handler that blocks (`--work block`) holds up only its own connection, as long as
    /// there are workers left.
    pub survives_blocking: bool,
}

/// Who carries a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// Nobody beside the server itself.
    Sequential,
    /// A process.
    Processes,
    /// A thread.
    Threads,
    /// A job on a thread pool.
    ThreadPool,
    /// An entry in a readiness loop.
    Event,
    /// An entry in a readiness loop, with a pool for the work.
    EventAndPool,
    /// A task.
    Coroutines,
}

/// What workers are, and how many there are unless told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Workers {
    /// Nothing: the model has none to bound.
    None,
    /// Processes or threads that each carry one connection; this many unless told.
    Fixed(usize),
    /// Threads of a pool that jobs are given to; one per core unless told.
    PerCore,
    /// Threads of an async runtime, on which nothing should block; one per core unless told. More of
    /// them don't let more connections wait.
    Runtime,
}

/// How many workers were asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// `--workers`: processes or threads of the pools whose workers may block.
    pub workers: Option<usize>,
    /// `--runtime-threads`: threads of an async runtime.
    pub runtime_threads: Option<usize>,
}

/// How many connections are served at the same time. The others wait, connected, in the accept
/// queue or behind it, and hear nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Capacity {
    /// One.
    One,
    /// One per worker.
    Workers,
    /// As many as the machine has memory, descriptors, threads or processes for.
    Open,
}

impl Sheet {
    /// The name of its file, and of its twin's, without `.rs`.
    #[must_use]
    pub fn file(&self) -> String {
        self.name.replace('-', "_")
    }

    /// How many workers there are when so many were `asked` for, on a machine with `cores`.
    #[must_use]
    pub fn workers(&self, asked: Asked, cores: usize) -> usize {
        match self.workers {
            Workers::None => 1,
            Workers::Fixed(count) => asked.workers.unwrap_or(count),
            Workers::PerCore => asked.workers.unwrap_or(cores),
            Workers::Runtime => asked.runtime_threads.unwrap_or(cores),
        }
    }

    /// How many connections are served at the same time by `workers`; `None` when there is no bound
    /// but the machine's.
    #[must_use]
    pub fn capacity(&self, workers: usize) -> Option<usize> {
        match self.serves {
            Capacity::One => Some(1),
            Capacity::Workers => Some(workers),
            Capacity::Open => None,
        }
    }
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Sequential => "sequential",
            Self::Processes => "processes",
            Self::Threads => "threads",
            Self::ThreadPool => "thread pool",
            Self::Event => "event",
            Self::EventAndPool => "event + pool",
            Self::Coroutines => "coroutines",
        })
    }
}
