//! Ctrl-C in programs that finish their work, restore their terminal, or exit at once.

use std::{
    io,
    os::unix::net::UnixStream,
    sync::{Arc, atomic::AtomicBool},
};

use signal_hook::{
    consts::{SIGHUP, SIGINT, SIGTERM},
    flag,
    low_level::{self, pipe},
};

use crate::{children::generation, stop::is_ignored};

/// A flag that the first SIGINT, SIGTERM or SIGHUP sets. A SIGINT or SIGTERM after that ends the process, as
/// if none had been caught. Further SIGHUPs don't: when a terminal closes, the kernel and the shell both send
/// one.
///
/// A SIGHUP that is ignored, as under nohup(1), stays ignored.
///
/// # Errors
/// When the handler can't be installed.
pub fn interrupt_flag() -> io::Result<Arc<AtomicBool>> {
    let flag = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        // In this order: the first signal finds the flag unset here, and sets it below.
        flag::register_conditional_default(signal, Arc::clone(&flag))?;
        flag::register(signal, Arc::clone(&flag))?;
    }
    if !is_ignored(SIGHUP) {
        flag::register(SIGHUP, Arc::clone(&flag))?;
    }
    Ok(flag)
}

/// A socket that becomes readable when SIGINT, SIGTERM or SIGHUP has come: for a program that restores the
/// terminal or prints something at its end. A SIGHUP that is ignored, as under nohup(1), stays
/// ignored.
///
/// # Errors
/// When the handler can't be installed.
pub fn bell() -> io::Result<UnixStream> {
    let (bell, doorbell) = UnixStream::pair()?;
    let mut signals = vec![SIGINT, SIGTERM];
    if !is_ignored(SIGHUP) {
        signals.push(SIGHUP);
    }
    for signal in signals {
        pipe::register(signal, doorbell.try_clone()?)?;
    }
    Ok(bell)
}

/// Gives SIGHUP its default action in this process and in the programs that it starts, also under nohup(1): for tests
/// that send SIGHUP.
pub fn restore_hangup() {
    // SAFETY: the default action needs no handler.
    unsafe { libc::signal(SIGHUP, libc::SIG_DFL) };
}

/// From now on, SIGINT and SIGTERM end this process at once, with the exit code that shells use for it
/// (130, 143), after `text` has been written to stderr. Nothing is cleaned up: for a program whose
/// children end with it and that keeps no files. A forked child writes nothing.
///
/// # Errors
/// When the handler can't be installed.
pub fn leave_with(text: &'static str) -> io::Result<()> {
    for signal in [SIGINT, SIGTERM] {
        let leave = move || {
            if generation() == 0 {
                let _ = rustix::io::write(rustix::stdio::stderr(), text.as_bytes());
            }
            // SAFETY: _exit has no preconditions.
            unsafe { libc::_exit(128 + signal) }
        };
        // SAFETY: the handler reads an atomic number and calls write and _exit, all of which are
        // async-signal-safe; nothing is allocated, and it doesn't return.
        unsafe { low_level::register(signal, leave) }?;
    }
    Ok(())
}

/// Sends SIGINT to this process; its installed handler runs.
///
/// # Errors
/// When the system refuses.
pub fn interrupt_self() -> io::Result<()> {
    low_level::raise(SIGINT)
}
