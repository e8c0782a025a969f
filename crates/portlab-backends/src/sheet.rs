//! A model's fact sheet.

use portlab_stats::record::{Facts, PROCESSES, Serves};
use portlab_words::Text;

use crate::{Group, find};

/// The facts of a model. `portlab models NAME` prints them.
#[derive(Debug, PartialEq, Eq)]
pub struct Sheet {
    /// The name on the command line, in kebab-case; the file's name with `-` for `_`.
    pub name: &'static str,
    /// What serves its connections: [`PROCESSES`], `THREADS`, [`COROUTINES`], or a family of its own.
    pub family: Text,
    /// The groups that `--models @NAME` chooses it with.
    pub groups: &'static [Group],
    /// The field's term for it.
    pub term: Text,
    /// The idea, in a sentence.
    pub idea: Text,
    /// What else waits when one connection blocks.
    pub blocks: Text,
    /// What one more connection costs: threads, processes, memory, system calls per message.
    pub cost: Text,
    /// What fails first as the load grows.
    pub breaks_first: Text,
    /// What a class learns from it.
    pub teaches: Text,
    /// Where it comes from, or where to read on.
    pub source: &'static str,
    /// What its workers are, and how many there are by default.
    pub workers: Workers,
    /// How many connections it serves at the same time.
    pub serves: Serves,
    /// The place of a service's hub, such as the rooms of a chat; or why the model can't have a hub.
    pub hub: Result<Text, Text>,
    /// Whether a handler that blocks (`--work block`) delays only its own connection, as long as there are workers left.
    pub survives_blocking: bool,
}

/// What workers are, and how many there are by default.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Workers {
    /// The model has no workers whose number can be chosen.
    None,
    /// Processes or threads that each serve one connection; by default this many.
    Fixed(usize),
    /// Threads of a pool for jobs, or processes with a loop each; by default one per core.
    PerCore,
    /// Threads with a loop and a listener each, among which the kernel divides connections; by default one per core.
    Shards,
    /// Threads of an async runtime, whose tasks should not block; by default one per core.
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

/// The family of models with a loop in each of several processes.
pub const PROCESS_LOOPS: Text = Text::new("processes + event", "进程+事件");

/// The most processes of a model with a process for each connection, by default.
pub const MOST_PROCESSES: usize = 4096;

/// The family of models that run each connection as a coroutine.
pub const COROUTINES: Text = Text::new("coroutines", "协程");

impl Sheet {
    /// The facts that a record keeps.
    pub fn facts(&self) -> Facts {
        Facts {
            family: self.family.clone(),
            term: self.term.clone(),
            idea: self.idea.clone(),
            blocks: self.blocks.clone(),
            cost: self.cost.clone(),
            breaks_first: self.breaks_first.clone(),
            serves: Some(self.serves),
        }
    }

    /// As [`Backend::obstacle`](crate::Backend::obstacle), of the model and of its twin.
    pub fn obstacle(&self) -> Option<Text> {
        find(self.name)?.obstacle()
    }

    /// Whether its connections are served by child processes.
    pub fn forks(&self) -> bool {
        self.family == PROCESSES || self.family == PROCESS_LOOPS
    }

    /// Whether each of its workers is a loop that serves many connections, so that a handler that blocks delays those of
    /// its worker only.
    pub fn loops(&self) -> bool {
        self.workers != Workers::None && self.serves == Serves::Open && !self.survives_blocking
    }

    /// The most connections at a time of a model with a process for each, by default; `None` of another model.
    pub fn most_processes(&self) -> Option<usize> {
        (self.forks() && self.workers == Workers::None).then_some(MOST_PROCESSES)
    }

    /// The name of its file, and of its twin's, without `.rs`.
    pub fn file(&self) -> String {
        self.name.replace('-', "_")
    }

    /// How many workers there are if these were `asked` for, on a machine with `cores`.
    pub fn workers(&self, asked: Asked, cores: usize) -> usize {
        match self.workers {
            Workers::None => 1,
            Workers::Fixed(count) => asked.workers.unwrap_or(count),
            Workers::PerCore | Workers::Shards => asked.workers.unwrap_or(cores),
            Workers::Runtime => asked.runtime_threads.unwrap_or(cores),
        }
    }

    /// How many listeners share the address of a server with this number of `workers`.
    pub fn listeners(&self, workers: usize) -> usize {
        match self.workers {
            Workers::Shards => workers,
            _ => 1,
        }
    }

    /// How many connections are served at the same time by `workers`; `None` if only the machine limits the number.
    pub fn capacity(&self, workers: usize) -> Option<usize> {
        match self.serves {
            Serves::One => Some(1),
            Serves::Workers => Some(workers),
            Serves::Open => None,
        }
    }
}
