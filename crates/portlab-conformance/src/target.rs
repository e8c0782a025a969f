//! The server under test.

use std::{fs, io, net::SocketAddr, process::ExitStatus, time::Duration};

use portlab_sys::{
    limits, meter,
    spawn::{Signal, signal_pid},
};

use crate::{
    Failure,
    client::Client,
    failure::ensure,
    patience::{eventually, patience},
};

/// What a server promises. Cases that need more are skipped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Promises {
    /// How many connections it serves at once; `None` for as many as the machine carries.
    pub at_once: Option<usize>,
    /// Whether a handler that blocks delays its own connection only.
    pub survives_blocking: bool,
    /// Whether connections can send messages to each other.
    pub hub: bool,
    /// Whether child processes serve the connections.
    pub processes: bool,
    /// How many loops of it each serve many connections side by side; 1 for every other server. What a loop serves is
    /// delayed together, and is lost together with its process.
    pub loops: usize,
    /// How many child processes it keeps without a connection.
    pub standing_processes: usize,
}

/// The process of a server, for cases that look at it from outside.
pub trait Process {
    /// Its number.
    fn pid(&self) -> i32;
    /// Sends it a signal.
    ///
    /// # Errors
    /// When the process has ended.
    fn signal(&mut self, signal: Signal) -> io::Result<()>;
    /// Waits for the end of the process, for at most `patience`. `None` if it still runs.
    ///
    /// # Errors
    /// When the wait fails.
    fn wait(&mut self, patience: Duration) -> io::Result<Option<ExitStatus>>;
    /// What it has written to stderr so far.
    fn complaints(&self) -> String;
    /// Starts another such server at `addr`, which ends with this one. `None` if it listens; its exit code and its
    /// stderr if it ended.
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
    /// The server's process, if the process is known.
    pub process: Option<&'a mut dyn Process>,
}

impl Target<'_> {
    pub(crate) fn client(&self) -> Result<Client, Failure> {
        Client::connect(self.addr)
    }

    /// Connects and exchanges some bytes, so that the server has begun to serve this connection.
    pub(crate) fn served_client(&self) -> Result<Client, Failure> {
        let mut client = self.client()?;
        client.exchange(b"are you there?")?;
        Ok(client)
    }

    pub(crate) fn clients(&self, count: usize) -> Result<Vec<Client>, Failure> {
        (0..count).map(|_| self.client()).collect()
    }

    /// As [`Target::served_client`], `count` times.
    pub(crate) fn served_clients(&self, count: usize) -> Result<Vec<Client>, Failure> {
        (0..count).map(|_| self.served_client()).collect()
    }

    /// How many clients a case may have at once, up to `most`.
    pub(crate) fn crowd(&self, most: usize) -> usize {
        self.promises.at_once.map_or(most, |bound| bound.min(most))
    }

    pub(crate) fn process(&mut self) -> Result<&mut dyn Process, Failure> {
        match &mut self.process {
            Some(process) => Ok(&mut **process),
            None => Err(Failure::new(
                "this case needs the server's process, which is not known",
            )),
        }
    }

    pub(crate) fn pid(&mut self) -> Result<i32, Failure> {
        Ok(self.process()?.pid())
    }

    /// Expects that the server ends with exit status 0.
    pub(crate) fn expect_exit(&mut self) -> Result<(), Failure> {
        let status = self.process()?.wait(patience())?;
        ensure!(
            status.is_some_and(|status| status.success()),
            "expected exit status 0, got {status:?}"
        );
        Ok(())
    }

    /// Expects that the port is closed; connections of the server may still be open.
    pub(crate) fn expect_closed_port(&self) -> Result<(), Failure> {
        let closed = eventually(|| Ok(self.client().is_err()))?;
        ensure!(
            closed,
            "the port still accepts connections after the signal"
        );
        Ok(())
    }

    /// The processes that the server has forked.
    pub(crate) fn children(&mut self) -> Result<Vec<i32>, Failure> {
        Ok(meter::tree(self.pid()?)?.split_off(1))
    }

    /// Ends a process of the server by SIGKILL, and waits until the server has reaped it.
    pub(crate) fn kill(&mut self, child: i32) -> Result<(), Failure> {
        let pid = self.pid()?;
        signal_pid(child, Signal::KILL)?;
        let gone = eventually(|| Ok(!meter::tree(pid)?.contains(&child)))?;
        ensure!(gone, "process {child} still runs after SIGKILL");
        Ok(())
    }

    /// The footprint after all workers of the server have been forked and wait, and every other child has ended.
    pub(crate) fn settled_footprint(&mut self) -> Result<Footprint, Failure> {
        let standing = 1 + self.promises.standing_processes;
        let mut footprint = self.footprint()?;
        let settled = eventually(|| {
            // A worker that has just been forked still opens what it waits with.
            let runs = meter::is_runnable(&meter::tree(self.pid()?)?);
            footprint = self.footprint()?;
            Ok(!runs && footprint.processes == standing && footprint.zombies == 0)
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

/// Waits until each of `children` has ended.
pub(crate) fn expect_gone(children: &[i32]) -> Result<(), Failure> {
    let gone = eventually(|| Ok(!children.iter().any(|&pid| is_alive(pid))))?;
    ensure!(gone, "some of the children {children:?} still run");
    Ok(())
}

/// Whether the process `pid` exists and has not ended.
fn is_alive(pid: i32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // The state follows the name, which is in parentheses.
    let state = stat.rsplit_once(") ").and_then(|(_, it)| it.chars().next());
    state.is_some_and(|state| state != 'Z')
}

/// The resources of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Footprint {
    pub(crate) descriptors: usize,
    pub(crate) processes: usize,
    pub(crate) zombies: usize,
}
