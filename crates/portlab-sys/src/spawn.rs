//! Starting another program that must not outlive this one.

use std::{os::unix::process::CommandExt, process::Command};

use crate::children::die_with;

/// Makes the process that `command` will start end with the thread that starts it, and puts it into a
/// process group of its own, so that a Ctrl-C meant for this program doesn't reach it first.
pub fn tie_to_this_thread(command: &mut Command) -> &mut Command {
    let parent = rustix::process::getpid();
    command.process_group(0);
    // SAFETY: between fork and exec only prctl, getppid and perhaps _exit are called, all of which
    // are async-signal-safe, and nothing is allocated.
    unsafe {
        command.pre_exec(move || {
            die_with(parent);
            Ok(())
        })
    }
}
