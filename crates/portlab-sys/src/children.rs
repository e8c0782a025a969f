//! Child processes: forking them, reaping them, ending them.

use std::{
    collections::HashSet,
    io::{self, Read, Write},
    os::fd::{AsFd, BorrowedFd},
    os::unix::net::UnixStream,
    sync::atomic::{AtomicU32, Ordering::Relaxed},
    time::{Duration, Instant},
};

use nix::unistd::ForkResult;
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

/// The children of a forking server. None outlives it, and none is left a zombie.
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

    /// Forks. The child dies with its parent, whatever kills the parent.
    ///
    /// # Errors
    /// When the system has no room for another process, or when the process has got a second thread
    /// since the witness was minted.
    pub fn fork(&mut self, alone: &Alone) -> io::Result<Forked> {
        if !alone.holds()? {
            return Err(io::Error::other(Text::new(
                "this process has started a thread; it may not fork",
                "这个进程已经启动了别的线程，不能再创建子进程",
            )));
        }
        // Both processes would write what is still in the buffer. If the reader of stdout has closed it,
        // there is nothing to write.
        match io::stdout().flush() {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => return Err(error),
            _ => {}
        }
        let parent = rustix::process::getpid();
        // SAFETY: the process has a single thread, as was just seen, so no lock is held by a thread
        // that the child lacks: the child may allocate and run any code.
        match unsafe { nix::unistd::fork() }.map_err(no_room)? {
            ForkResult::Parent { child } => {
                let pid = Pid::from_raw(child.as_raw()).expect("a child's number is positive");
                self.live.insert(pid);
                Ok(Forked::Parent(pid))
            }
            ForkResult::Child => {
                GENERATION.fetch_add(1, Relaxed);
                stop::forget_the_parents();
                tally::forked();
                die_with(parent);
                Ok(Forked::Child(Alone::forked()))
            }
        }
    }

    /// Reaps every child that has ended, and returns at once.
    ///
    /// Signals coalesce, so one SIGCHLD may stand for many children: it asks until there are none.
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

    /// How many children are alive, as far as is known.
    pub fn len(&self) -> usize {
        self.live.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.live.is_empty()
    }

    /// Asks every child to stop (SIGTERM), waits for them until `deadline`, and kills what is left.
    /// A child that was stopped by SIGSTOP or SIGTSTP goes on first (SIGCONT), so that it ends like the others.
    ///
    /// Returns how many did not end well: those that had to be killed, and those that had to cut
    /// their connections and said so with [`leave`].
    pub fn end(&mut self, deadline: Instant) -> u64 {
        self.signal(Signal::TERM);
        self.signal(Signal::CONT);
        let mut unwell = 0;
        let mut killed = false;
        while !self.is_empty() {
            unwell += self.reap().iter().filter(|child| !child.well).count() as u64;
            if self.is_empty() {
                break;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() && !killed {
                self.signal(Signal::KILL);
                killed = true;
            }
            // A killed child is reaped within moments.
            let patience = if killed { Duration::from_secs(1) } else { left };
            stop::wait_readable(self.bell(), patience);
        }
        unwell
    }

    /// Kills every child but one with SIGKILL; [`Children::reap`] reaps them as it does others.
    pub fn kill_but(&self, spared: Option<Pid>) {
        self.signal_but(spared, Signal::KILL);
    }

    fn signal(&self, signal: Signal) {
        self.signal_but(None, signal);
    }

    fn signal_but(&self, spared: Option<Pid>, signal: Signal) {
        for &pid in self.live.iter().filter(|&&pid| Some(pid) != spared) {
            // A child that has ended is not reaped yet, so no other process has its number.
            let _ = kill_process(pid, signal);
        }
    }
}

/// Adds to a refusal which bound has been met, and what can be done.
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

/// How many forks lie between this process and the first one, where it is 0. A child inherits a copy of its
/// parent's memory; by this number it knows which values belong to its parent.
pub fn generation() -> u32 {
    GENERATION.load(Relaxed)
}

/// Ends a forked child without running the parent's exit handlers or writing the parent's buffers.
pub fn leave(well: bool) -> ! {
    // SAFETY: _exit has no preconditions; it skips the destructors and exit handlers, which is its
    // point.
    unsafe { libc::_exit(i32::from(!well)) }
}

/// Ties this process to its parent: the kernel kills it when the parent ends.
///
/// The tie is to the parent's *thread* that forked, which is its only one. If the parent ended before the
/// tie was made, the kernel will not kill this process; so it checks its parent again, and ends itself.
pub(crate) fn die_with(parent: Pid) {
    let tied = rustix::process::set_parent_process_death_signal(Some(Signal::KILL));
    if tied.is_err() || getppid() != Some(parent) {
        leave(false);
    }
}
