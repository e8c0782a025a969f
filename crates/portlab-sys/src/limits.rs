//! Limits of this machine that a run may meet.

use std::io;

use rustix::process::{Pid, Resource, Rlimit, getrlimit, setrlimit};

/// Raises the soft limit of open files to the hard one, and returns it.
///
/// The soft limit is 1024 on most machines for the sake of programs that use `select`; this one
/// doesn't. `u64::MAX` stands for no limit.
pub fn raise_open_files() -> u64 {
    let limit = getrlimit(Resource::Nofile);
    if limit.current == limit.maximum {
        return limit.current.unwrap_or(u64::MAX);
    }
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    let now = if setrlimit(Resource::Nofile, raised).is_ok() {
        raised
    } else {
        limit
    };
    now.current.unwrap_or(u64::MAX)
}

/// The soft limit of open files now in force.
#[must_use]
pub fn open_files() -> u64 {
    getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX)
}

/// How many file descriptors process `pid` has open.
///
/// # Errors
/// When there is no such process, or it is another user's.
pub fn descriptors(pid: i32) -> io::Result<usize> {
    Ok(std::fs::read_dir(format!("/proc/{pid}/fd"))?.count())
}

/// Lowers the soft limit of open files of process `pid`, which stands until it raises it again.
///
/// # Errors
/// When there is no such process, or it is another user's.
///
/// Source: `prlimit(2)`.
pub fn limit_open_files(pid: i32, limit: u64) -> io::Result<()> {
    let process = Pid::from_raw(pid);
    let now = rustix::process::prlimit(process, Resource::Nofile, getrlimit(Resource::Nofile))?;
    let lowered = Rlimit {
        current: Some(limit),
        maximum: now.maximum,
    };
    rustix::process::prlimit(process, Resource::Nofile, lowered)?;
    Ok(())
}
