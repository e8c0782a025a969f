//! Child processes: forking them, reaping them, ending them.

use std::{
    collections::HashSet,
    io::{self, Read, Write},
    os::fd::{AsFd, BorrowedFd},
    os::unix::net::UnixStream,
    sync::atomic::{AtomicU32, Ordering::Relaxed},
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{SigSet, SigmaskHow},
    unistd::ForkResult,
};
use portlab_words::{Text, tr};
pub use rustix::process::Pid;
use rustix::{
    event::{PollFd, PollFlags, poll},
    io::retry_on_intr,
    process::{Signal, WaitOptions, getppid, kill_process, wait},
};

use crate::{alone::Alone, limits, stop, tally};

/// Which side of a fork this is.
#[derive(Debug)]
pub enum Forked {
    /// The process that called `fork`; the child's number.
    Parent(Pid),
    /// The new process, with a witness of its own. It must end with [`leave`], not by returning
    /// into its parent's code.
    Child(Alone),
}

/// A child that ended and was reaped.
#[derive(Clone, Copy, Debug)]
pub struct Reaped {
    /// The process number that is free again.
    pub pid: Pid,
    /// Whether it exited with status 0.
    pub well: bool,
    /// Whether a signal ended it.
    pub killed: bool,
}

/// The children of a forking server. They end with the server, and are reaped when they end.
#[derive(Debug)]
pub struct Children {
    live: HashSet<Pid>,
    /// Becomes readable when a child has ended (SIGCHLD).
    bell: UnixStream,
}

impl Children {
    /// Begins to watch for children that end.
    ///
    /// # Errors
    /// When the handler can't be installed.
    pub fn new() -> io::Result<Self> {
        let bell = stop::bell_for(signal_hook::consts::SIGCHLD)?;
        Ok(Self {
            live: HashSet::new(),
            bell: bell.into(),
        })
    }

    /// Forks. When the parent ends, even by SIGKILL, the kernel kills the child.
    ///
    /// # Errors
    /// If the system has no room for another process, or if the process has started a thread since the witness
    /// was made.
    pub fn fork(&mut self, alone: &Alone) -> io::Result<Forked> {
        if !alone.holds()? {
            return Err(io::Error::other(Text::new(
                "this process has started a thread; it may not fork",
                "这个进程已经启动了别的线程，不能再创建子进程",
            )));
        }
        // Otherwise both processes would write the bytes that are still in the buffer. If the reader of stdout has
        // closed it, no byte can be written.
        match io::stdout().flush() {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => return Err(error),
            _ => {}
        }
        let parent = rustix::process::getpid();
        // The child has a copy of the list of sockets that the handler of a signal shuts, and both processes share these sockets. A
        // signal to the child waits until the child has emptied its list.
        let mask = SigSet::all().thread_swap_mask(SigmaskHow::SIG_BLOCK)?;
        // SAFETY: the process has a single thread, as was just seen, so no lock is held by a thread
        // that the child lacks: the child may allocate and run any code.
        let forked = unsafe { nix::unistd::fork() };
        if matches!(forked, Ok(ForkResult::Child)) {
            GENERATION.fetch_add(1, Relaxed);
            stop::unwatch_all();
            tally::forked();
        }
        mask.thread_set_mask()?;
        match forked.map_err(no_room)? {
            ForkResult::Parent { child } => {
                let pid = Pid::from_raw(child.as_raw()).expect("a child's number is positive");
                self.live.insert(pid);
                Ok(Forked::Parent(pid))
            }
            ForkResult::Child => {
                end_with(parent);
                Ok(Forked::Child(Alone::forked()))
            }
        }
    }

    /// Reaps every child that has ended, and returns at once.
    ///
    /// Signals coalesce, so one SIGCHLD may stand for several children.
    pub fn reap(&mut self) -> Vec<Reaped> {
        // Empty the bell first: a child that ends from here on rings it again.
        while (&self.bell).read(&mut [0; 64]).is_ok_and(|read| read > 0) {}
        let mut reaped = Vec::new();
        while let Ok(Some((pid, status))) = wait(WaitOptions::NOHANG) {
            self.live.remove(&pid);
            reaped.push(Reaped {
                pid,
                well: status.exit_status() == Some(0),
                killed: status.signaled(),
            });
        }
        reaped
    }

    /// Waits until a child has ended, or until `other` is readable, and reaps every child that has ended.
    ///
    /// # Errors
    /// When the system can't poll.
    pub fn reap_beside(&mut self, other: Option<BorrowedFd<'_>>) -> io::Result<Vec<Reaped>> {
        let fds = [Some(self.bell()), other];
        let mut fds: Vec<_> = fds
            .iter()
            .flatten()
            .map(|fd| PollFd::new(fd, PollFlags::IN))
            .collect();
        retry_on_intr(|| poll(&mut fds, None))?;
        drop(fds);
        Ok(self.reap())
    }

    /// Readable when a child may have ended.
    pub fn bell(&self) -> BorrowedFd<'_> {
        self.bell.as_fd()
    }

    /// How many children have not been reaped yet.
    pub fn len(&self) -> usize {
        self.live.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.live.is_empty()
    }

    /// Sends every child SIGTERM, waits for the children until `deadline`, and kills those that are left.
    /// A child that was stopped by SIGSTOP or SIGTSTP also gets SIGCONT, so that it ends like the others.
    ///
    /// Returns how many failed to end well: the children that were killed, and those that cut their connections
    /// and reported that with [`leave`].
    pub fn end(&mut self, deadline: Instant) -> u64 {
        self.signal(Signal::TERM);
        self.signal(Signal::CONT);
        let mut failed = 0;
        let mut killed = false;
        while !self.is_empty() {
            failed += self.reap().iter().filter(|child| !child.well).count() as u64;
            if self.is_empty() {
                break;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() && !killed {
                self.signal(Signal::KILL);
                killed = true;
            }
            // A killed child is reaped within moments.
            let limit = if killed { Duration::from_secs(1) } else { left };
            stop::wait_readable(self.bell(), limit);
        }
        failed
    }

    /// Kills every child but `spared` with SIGKILL. [`Children::reap`] reaps them.
    pub fn kill_but(&self, spared: Option<Pid>) {
        self.signal_but(spared, Signal::KILL);
    }

    fn signal(&self, signal: Signal) {
        self.signal_but(None, signal);
    }

    fn signal_but(&self, spared: Option<Pid>, signal: Signal) {
        for &pid in self.live.iter().filter(|&&pid| Some(pid) != spared) {
            // No other process has this number: a child keeps its number until it is reaped.
            let _ = kill_process(pid, signal);
        }
    }
}

/// The error of a refused fork, with the limit that was reached and the remedy.
fn no_room(errno: nix::errno::Errno) -> io::Error {
    match limits::tasks() {
        Some(limits::Tasks { most, bound }) if errno == nix::errno::Errno::EAGAIN => {
            io::Error::other(tr!(
                "there is no room for another process: {bound} allows {most} processes and threads; raise it",
                "不能再创建进程：{bound} 最多允许 {most} 个进程和线程；请调高它"
            ))
        }
        _ => errno.into(),
    }
}

static GENERATION: AtomicU32 = AtomicU32::new(0);

/// How many forks lie between the first process and this one; 0 in the first process. A child inherits a copy of its
/// parent's memory; this number shows which values were made in the parent.
pub fn generation() -> u32 {
    GENERATION.load(Relaxed)
}

/// Ends a forked child without running the parent's exit handlers or writing the parent's buffers.
pub fn leave(well: bool) -> ! {
    // SAFETY: _exit has no preconditions. It skips destructors and exit handlers on purpose.
    unsafe { libc::_exit(i32::from(!well)) }
}

/// Ties this process to its parent: the kernel kills it when the parent ends.
///
/// The tie is to the *thread* that forked, which is the parent's only one. If the parent ended before the tie was
/// made, the kernel doesn't kill this process; so this function checks the parent again, and ends the process.
pub(crate) fn end_with(parent: Pid) {
    let tied = rustix::process::set_parent_process_death_signal(Some(Signal::KILL));
    if tied.is_err() || getppid() != Some(parent) {
        leave(false);
    }
}
