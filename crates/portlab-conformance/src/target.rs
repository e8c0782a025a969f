//! The server under test.

use std::{io, net::SocketAddr, process::ExitStatus, time::Duration};

use portlab_sys::{limits, meter, spawn::Signal};

use crate::{Failure, client::Client, failure::ensure, patience::eventually};

/// What a server promises. What it doesn't promise isn't held against it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Promises {
    /// How many connections it serves at once; `None` for as many as the machine carries.
    pub at_once: Option<usize>,
    /// Whether a handler that blocks holds up its own connection only.
    pub survives_blocking: bool,
    /// Whether connections can hear of each other.
    pub hub: bool,
    /// Whether connections are carried by child processes.
    pub processes: bool,
    /// How many child processes it keeps when nobody is connected.
    pub standing_processes: usize,
}

/// The process of a server, for cases that look at it from outside.
pub trait Process {
    /// Its number.
    fn pid(&self) -> i32;
    /// Sends it a signal.
    ///
    /// # Errors
    /// When it has gone.
    fn signal(&mut self, signal: Signal) -> io::Result<()>;
    /// Waits for its end, for at most `patience`; `None` when it goes on.
    ///
    /// # Errors
    /// When it can't be waited for.
    fn wait(&mut self, patience: Duration) -> io::Result<Option<ExitStatus>>;
    /// What it has said on stderr so far.
    fn complaints(&self) -> String;
    /// Starts another such server at `addr`, which ends with this one. `None` when it listens; its
    /// exit code and what it said on stderr when it ended instead.
    ///
    /// # Errors
    /// When it can't be started.
    fn start_another(&mut self, addr: SocketAddr) -> io::Result<Option<(Option<i32>, String)>>;
}

/// A server under test: where it is, what it promises, and perhaps its process.
pub struct Target<'a> {
    /// Where it listens.
    pub addr: SocketAddr,
    /// What it promises.
    pub promises: Promises,
    /// Its process, if that is known.
    pub process: Option<&'a mut dyn Process>,
}

impl Target<'_> {
    /// Connects.
    pub(crate) fn client(&self) -> Result<Client, Failure> {
        Client::connect(self.addr)
    }

    /// Connects and has a word echoed, to be sure that the server is at work on this connection.
    pub(crate) fn served_client(&self) -> Result<Client, Failure> {
        let mut client = self.client()?;
        client.exchange(b"are you there?")?;
        Ok(client)
    }

    /// How many clients a case may have served at once, up to `most`.
    pub(crate) fn crowd(&self, most: usize) -> usize {
        self.promises.at_once.map_or(most, |bound| bound.min(most))
    }

    pub(crate) fn process(&mut self) -> Result<&mut dyn Process, Failure> {
        match &mut self.process {
            Some(process) => Ok(&mut **process),
            None => Err(Failure::new("this case needs to know the server's process")),
        }
    }

    pub(crate) fn pid(&mut self) -> Result<i32, Failure> {
        Ok(self.process()?.pid())
    }

    /// The footprint once the server consists of nothing but its standing processes: all its workers
    /// have been forked, and nobody's child is left.
    pub(crate) fn settled_footprint(&mut self) -> Result<Footprint, Failure> {
        let standing = 1 + self.promises.standing_processes;
        let mut footprint = self.footprint()?;
        let settled = eventually(|| {
            footprint = self.footprint()?;
            Ok(footprint.processes == standing && footprint.zombies == 0)
        })?;
        ensure!(
            settled,
            "expected {standing} processes and no zombie, got {footprint:?}"
        );
        Ok(footprint)
    }

    /// The descriptors that the server has open, and the processes that it consists of.
    pub(crate) fn footprint(&mut self) -> Result<Footprint, Failure> {
        let pid = self.pid()?;
        let tree = meter::tree(pid)?;
        // A child that has just ended has no descriptors left to count.
        let descriptors = tree
            .iter()
            .map(|&pid| limits::descriptors(pid).unwrap_or(0))
            .sum();
        Ok(Footprint {
            descriptors,
            processes: tree.len(),
            zombies: meter::zombies(pid)?.len(),
        })
    }
}

/// What a server holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Footprint {
    pub(crate) descriptors: usize,
    pub(crate) processes: usize,
    pub(crate) zombies: usize,
}
