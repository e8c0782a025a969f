//! The work that a handler asks for, and what a connection asks of the file system.

use std::{io, thread};

use portlab_service::{Found, Lookup, Work};
use portlab_sys::clock::burn;

use super::held::Held;
use crate::{
    files::{Files, Opened},
    trace::{self, What},
};

/// What a thread may wait for, or what takes a while: for the thread of the connection, or for a thread of a pool.
#[derive(Debug)]
pub(crate) enum Job {
    /// The work of a handler.
    Work(Work),
    /// A path is looked up.
    Find(&'static Files, Lookup),
    /// The next piece of a file is brought into memory.
    Load(Box<Held>),
}

/// What a [`Job`] results in.
#[derive(Debug)]
pub(crate) enum Done {
    Work,
    Found(Found, Option<Box<Held>>),
    Loaded(Box<Held>, io::Result<()>),
}

impl Job {
    /// Does it on the calling thread.
    pub(crate) fn perform(self) -> Done {
        match self {
            Self::Work(work) => {
                perform(work);
                Done::Work
            }
            Self::Find(files, lookup) => {
                let (found, held) = find(files, &lookup);
                Done::Found(found, held)
            }
            Self::Load(mut held) => {
                let loaded = held.load();
                Done::Loaded(held, loaded)
            }
        }
    }
}

/// Looks a path up on the calling thread.
pub(crate) fn find(files: &Files, lookup: &Lookup) -> (Found, Option<Box<Held>>) {
    // Between many answers, a session may ask for what is cached.
    if let Some(found) = files.cached(lookup) {
        return (found, None);
    }
    let finding = trace::call(What::Handle);
    let Opened { found, file } = files.find(lookup);
    finding.end(0);
    (found, file.map(Held::new))
}

/// Does a handler's work of any kind on the calling thread.
pub(crate) fn perform(work: Work) {
    match work {
        Work::None => {}
        Work::Wait(time) | Work::Block(time) => {
            let blocked = trace::begin(What::Block);
            thread::sleep(time);
            blocked.end(What::Block, 0);
        }
        Work::Cpu(time) => {
            let computing = trace::begin(What::Handle);
            burn(time);
            computing.end(What::Handle, 0);
        }
    }
}
