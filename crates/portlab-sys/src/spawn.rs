//! Starting another program that must not outlive this one.

use std::{
    io,
    os::unix::process::CommandExt,
    process::{Child, Command},
};

use portlab_words::tr;
pub use rustix::process::Signal;
use rustix::process::{Pid, kill_process};

use crate::{children::end_with, machine};

/// Makes the process that `command` will start end with the thread that starts it, and puts it into
/// a process group of its own, so that a Ctrl-C meant for this program doesn't reach it first.
pub fn tie_to_this_thread(command: &mut Command) -> &mut Command {
    let parent = rustix::process::getpid();
    command.process_group(0);
    // SAFETY: between fork and exec only prctl, getppid and perhaps _exit are called, all of which
    // are async-signal-safe, and nothing is allocated.
    unsafe {
        command.pre_exec(move || {
            end_with(parent);
            Ok(())
        })
    }
}

/// Restricts the process that `command` will start, and its descendants, to `cpus`.
pub fn keep_to(command: &mut Command, cpus: Vec<usize>) -> &mut Command {
    // SAFETY: between fork and exec only sched_setaffinity is called, which is async-signal-safe,
    // and nothing is allocated.
    unsafe { command.pre_exec(move || machine::keep_to(&cpus)) }
}

/// Sends `signal` to a child, unless the child has ended: another process may have its number then.
///
/// # Errors
/// When the child has ended.
pub fn signal(child: &mut Child, signal: Signal) -> io::Result<()> {
    match child.try_wait()? {
        None => signal_pid(child.id() as i32, signal),
        Some(status) => Err(io::Error::other(tr!(
            "it has ended ({status})",
            "它已经结束（{status}）"
        ))),
    }
}

/// Sends `signal` to process `pid`, which must be one that this program may end.
///
/// # Errors
/// When the process doesn't exist, or is another user's.
pub fn signal_pid(pid: i32, signal: Signal) -> io::Result<()> {
    let pid = Pid::from_raw(pid).filter(|_| pid > 0);
    let pid = pid.ok_or(io::ErrorKind::InvalidInput)?;
    Ok(kill_process(pid, signal)?)
}
