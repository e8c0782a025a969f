//! Ctrl-C for a program that wants to finish what it is doing.

use std::{
    io,
    os::unix::net::UnixStream,
    sync::{Arc, atomic::AtomicBool},
};

use signal_hook::{
    consts::{SIGINT, SIGTERM},
    flag,
    low_level::{self, pipe},
};

/// A flag that the first SIGINT or SIGTERM sets. The second ends the process, as if none had been
/// caught.
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

    Ok(flag)
}

/// A bell that rings, by becoming readable, when SIGINT or SIGTERM has come: for a program that has a
/// terminal to give back.
///
/// # Errors
/// When the handler can't be installed.
pub fn bell() -> io::Result<UnixStream> {
    let (bell, doorbell) = UnixStream::pair()?;
    pipe::register(SIGINT, doorbell.try_clone()?)?;
    pipe::register(SIGTERM, doorbell)?;
    Ok(bell)
}

/// Sends this process SIGINT: whoever of it has caught that is asked to end.
///
/// # Errors
/// When the system refuses.
pub fn ask_to_end() -> io::Result<()> {
    low_level::raise(SIGINT)
}
