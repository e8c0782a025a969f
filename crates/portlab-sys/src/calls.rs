//! The system calls of a program, counted while it runs, as `strace -c` counts them.
//!
//! Source: `ptrace(2)`.

use std::{
    collections::BTreeMap,
    ffi::c_long,
    io, mem, ptr,
    sync::{
        atomic::{AtomicBool, Ordering::SeqCst},
        mpsc,
    },
    thread,
    time::Duration,
};

use nix::errno::Errno;

/// How often a program has made each system call, by the call's name. Calls that servers rarely make are `other`.
pub type Calls = BTreeMap<&'static str, usize>;

/// The calls that servers make.
const NAMES: &[(c_long, &str)] = &[
    (libc::SYS_accept4, "accept4"),
    (libc::SYS_close, "close"),
    #[cfg(target_arch = "x86_64")]
    (libc::SYS_epoll_wait, "epoll_wait"),
    (libc::SYS_epoll_pwait, "epoll_wait"),
    (libc::SYS_epoll_ctl, "epoll_ctl"),
    (libc::SYS_io_uring_enter, "io_uring_enter"),
    (libc::SYS_read, "read"),
    (libc::SYS_recvfrom, "recvfrom"),
    (libc::SYS_sendto, "sendto"),
    (libc::SYS_write, "write"),
];

/// Stops the first thread of process `pid`, a child of this one; calls `before`; lets the thread go on, and counts its system
/// calls until `after` has returned. Returns what `after` returned.
///
/// # Errors
/// When the kernel or a container doesn't allow tracing.
pub fn count<T>(
    pid: i32,
    before: impl FnOnce(),
    after: impl FnOnce() -> T,
) -> io::Result<(T, Calls)> {
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        let (stopped, is_stopped) = mpsc::channel();
        let (go, may_go) = mpsc::channel();
        // The thread that traces must make all calls of ptrace.
        let is_over = &is_over;
        let tracer = scope.spawn(move || {
            let begun = begin(pid);
            let is_traced = begun.is_ok();
            let _ = stopped.send(begun);
            match is_traced && may_go.recv().is_ok() {
                true => follow(pid, is_over),
                false => Calls::new(),
            }
        });
        is_stopped
            .recv()
            .unwrap_or_else(|_| Err(Errno::ESRCH.into()))?;
        before();
        let _ = go.send(());
        let result = after();
        is_over.store(true, SeqCst);
        let calls = tracer.join().unwrap_or_default();
        Ok((result, calls))
    })
}

/// Attaches to the thread, and waits until it has stopped.
fn begin(pid: i32) -> io::Result<()> {
    trace(
        libc::PTRACE_SEIZE,
        pid,
        libc::PTRACE_O_TRACESYSGOOD as usize,
    )?;
    trace(libc::PTRACE_INTERRUPT, pid, 0)?;
    wait(pid, 0).map(drop)
}

fn follow(pid: i32, is_over: &AtomicBool) -> Calls {
    let mut calls = Calls::new();
    let mut signal = 0;
    let mut is_stopped = true;
    loop {
        if is_stopped && trace(libc::PTRACE_SYSCALL, pid, signal).is_err() {
            return calls;
        }
        let Ok(status) = wait(pid, libc::WNOHANG) else {
            return calls;
        };
        is_stopped = status.is_some_and(|it| libc::WIFSTOPPED(it));
        signal = 0;
        match status.map(|it| (libc::WSTOPSIG(it), it >> 16)) {
            None if is_over.load(SeqCst) => break,
            // A thread that waits in a call reports nothing, and the end is to be seen.
            None => thread::sleep(PAUSE),
            Some((AT_A_CALL, _)) => {
                if let Some(number) = entered(pid) {
                    let known = NAMES.iter().find(|(known, _)| *known == number);
                    let name = known.map_or("other", |(_, name)| name);
                    *calls.entry(name).or_default() += 1;
                }
            }
            // A signal for the program goes on to it; a stop of the trace itself has an event.
            Some((number, 0)) => signal = number as usize,
            Some(_) => {}
        }
    }
    // A thread is let go only while it is stopped.
    if trace(libc::PTRACE_INTERRUPT, pid, 0).is_ok() && wait(pid, 0).is_ok() {
        let _ = trace(libc::PTRACE_DETACH, pid, 0);
    }
    calls
}

/// The number of the call that the stopped thread begins; `None` if it ends one.
fn entered(pid: i32) -> Option<c_long> {
    // SAFETY: a structure of integers, for which zeros are valid.
    let mut info: libc::ptrace_syscall_info = unsafe { mem::zeroed() };
    let size = size_of_val(&info);
    // SAFETY: the kernel writes at most `size` bytes to `info`.
    let length = unsafe { libc::ptrace(libc::PTRACE_GET_SYSCALL_INFO, pid, size, &raw mut info) };
    if length <= 0 || info.op != libc::PTRACE_SYSCALL_INFO_ENTRY {
        return None;
    }
    // SAFETY: at the entry, the kernel has written this part.
    Some(unsafe { info.u.entry.nr } as c_long)
}

fn trace(request: libc::c_uint, pid: i32, data: usize) -> io::Result<()> {
    // SAFETY: these requests take a number as data, and read or write no memory of this process.
    let result = unsafe { libc::ptrace(request, pid, ptr::null_mut::<()>(), data) };
    Errno::result(result)?;
    Ok(())
}

/// The status of the thread, if it has one.
fn wait(pid: i32, options: i32) -> io::Result<Option<i32>> {
    let mut status = 0;
    loop {
        // SAFETY: the kernel writes an int to `status`.
        let waited = unsafe { libc::waitpid(pid, &raw mut status, libc::__WALL | options) };
        match Errno::result(waited) {
            // The end of another child, whose signal this process catches.
            Err(Errno::EINTR) => {}
            waited => return Ok((waited? != 0).then_some(status)),
        }
    }
}

/// The signal of a stop at a system call (PTRACE_O_TRACESYSGOOD).
const AT_A_CALL: i32 = libc::SIGTRAP | 0x80;
/// The time between two looks at a thread that waits.
const PAUSE: Duration = Duration::from_micros(200);

#[cfg(test)]
mod tests {
    use std::{
        io::{Read, Write},
        process::{Command, Stdio},
    };

    use super::*;

    #[test]
    fn the_calls_of_a_child_are_counted_from_its_start_to_its_answer() {
        let mut child = Command::new("cat");
        let child = child.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = child.spawn().unwrap();
        let (mut to, mut from) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        // It runs, and waits for input.
        to.write_all(b"one").unwrap();
        from.read_exact(&mut [0; 3]).unwrap();
        let before = || to.write_all(b"two").unwrap();
        let after = || from.read_exact(&mut [0; 3]).unwrap();
        match count(child.id().cast_signed(), before, after) {
            Ok(((), calls)) => {
                assert!(calls.get("write") == Some(&1), "{calls:?}");
                assert!(calls.get("read") >= Some(&1), "{calls:?}");
            }
            Err(error) => eprintln!("not run: {error}"),
        }
        // It goes on untraced.
        to.write_all(b"end").unwrap();
        from.read_exact(&mut [0; 3]).unwrap();
        drop(to);
        assert!(child.wait().unwrap().success());
    }
}
