//! A keeper: a process between this program and a program that it starts. All descendants of that program stay
//! below the keeper.
//!
//! A process can leave its parent (the parent ends), its process group (`setpgid`), its session (`setsid`),
//! its environment (`env -i`) and its name. It can't leave its ancestors: when a parent ends, its children
//! become children of the nearest ancestor that is a *subreaper*. The keeper is a subreaper, so all processes that the
//! program starts stay below the keeper: [`crate::meter::usage_below`] finds them, and the keeper can end them. A process
//! that another server starts on request (`systemd-run`, `docker run`) is not below the keeper.
//!
//! Source: `PR_SET_CHILD_SUBREAPER` in `prctl(2)`.

use std::{
    io,
    os::{
        fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd},
        unix::process::CommandExt,
    },
    process::Command,
    ptr,
    sync::OnceLock,
};

use nix::{
    errno::Errno,
    sys::{
        prctl,
        signal::{SigSet, SigmaskHow, Signal, sigprocmask},
        signalfd::{SfdFlags, SignalFd},
    },
    unistd::{ForkResult, Pid, fork, getpid, getppid, setpgid},
};
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    fs::{Mode, OFlags, open},
    io::read,
    pipe::{PipeFlags, pipe_with},
    process::{Resource, Rlimit, setrlimit},
};

use crate::children::leave;

/// Starts the program of `command` below a keeper: the process that `command` will start is the keeper, and
/// the program is its child, in a process group of its own. Call it after everything else that is done to
/// `command`.
///
/// The keeper ends when none of its descendants is left, in the same way as the program: with the same exit code, or
/// by the same signal. On SIGTERM, and when this process ends, SIGKILL included, the keeper kills all of its
/// descendants first, however long that takes. So never kill a keeper: its descendants would run on. A child that this
/// process forks, and that executes no other program, counts as this process.
///
/// The keeper closes all descriptors but `held`. If `held` is a locked file, the lock shows other programs that
/// descendants of the keeper may still run.
pub fn keep(command: &mut Command, held: Option<RawFd>) -> &mut Command {
    keep_while(command, open_while_this_process_runs(), held)
}

/// A descriptor at which a reader finds the end when this process has ended: the other end of the pipe is this process's
/// alone, and the kernel closes it.
fn open_while_this_process_runs() -> Result<RawFd, rustix::io::Errno> {
    static PIPE: OnceLock<(OwnedFd, OwnedFd)> = OnceLock::new();
    let pipe = match PIPE.get() {
        Some(pipe) => pipe,
        None => {
            let pipe = pipe_with(PipeFlags::CLOEXEC)?;
            PIPE.get_or_init(|| pipe)
        }
    };
    Ok(pipe.0.as_raw_fd())
}

/// Keeps as [`keep`] does, until `starter` is at its end.
fn keep_while(
    command: &mut Command,
    starter: Result<RawFd, rustix::io::Errno>,
    held: Option<RawFd>,
) -> &mut Command {
    command.process_group(0);
    let hook = move || divide(starter?, held);
    // SAFETY: between fork and exec, `divide` and what it calls make system calls only, and allocate
    // nothing.
    unsafe { command.pre_exec(hook) }
}

/// Makes this process the keeper. Returns only in the keeper's child, which then becomes the program.
fn divide(starter: RawFd, held: Option<RawFd>) -> io::Result<()> {
    let mut before = SigSet::empty();
    let mask = SigmaskHow::SIG_SETMASK;
    sigprocmask(mask, Some(&SigSet::all()), Some(&mut before))?;
    let mut signals = SigSet::empty();
    signals.add(Signal::SIGCHLD);
    signals.add(Signal::SIGTERM);
    let signals = SignalFd::with_flags(&signals, SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC)?;
    prctl::set_child_subreaper(true)?;
    let keeper = getpid();
    // SAFETY: this process has one thread, for it is the child of a fork, so another fork copies all of it.
    if let ForkResult::Parent { child } = unsafe { fork() }? {
        let _ = prctl::set_name(c"portlab-keeper");
        let numbers = [
            signals.as_fd().as_raw_fd(),
            starter,
            held.unwrap_or(starter),
        ];
        close_all_but(numbers);
        // SAFETY: the descriptor is open until this process ends, for it was just spared.
        let starter = unsafe { BorrowedFd::borrow_raw(starter) };
        keep_until_none_is_left(child.as_raw(), &signals, starter);
    }
    let own = Pid::from_raw(0);
    let _ = setpgid(own, own);
    let _ = prctl::set_pdeathsig(Signal::SIGKILL);
    if getppid() != keeper {
        leave(false);
    }
    Ok(sigprocmask(mask, Some(&before), None)?)
}

/// Waits in the keeper until no descendant is left, and ends the keeper. All signals are blocked; SIGCHLD and SIGTERM
/// come from `signals`.
fn keep_until_none_is_left(program: i32, signals: &SignalFd, starter: BorrowedFd<'_>) -> ! {
    let mut ending = false;
    let mut ended_with = 0;
    loop {
        let mut status = 0;
        // SAFETY: `status` has room for the answer. (nix has no status for real-time signals.)
        match Errno::result(unsafe { libc::waitpid(-1, &raw mut status, libc::WNOHANG) }) {
            Ok(reaped @ 1..) => {
                if reaped == program {
                    ended_with = status;
                }
                continue;
            }
            Err(Errno::ECHILD) => end_as(ended_with),
            _ => {}
        }
        if ending {
            // Children of the killed processes become children of this process, and are killed in the next turn.
            kill_children(program);
            let _ = poll(&mut [], Some(&A_MOMENT));
            continue;
        }
        let mut fds = [
            PollFd::new(signals, PollFlags::IN),
            PollFd::from_borrowed_fd(starter, PollFlags::IN),
        ];
        let _ = poll(&mut fds, Some(&A_WHILE));
        // Nothing is ever written to the pipe, so what is reported is its end.
        ending = !fds[1].revents().is_empty();
        while let Ok(Some(signal)) = signals.read_signal() {
            ending |= signal.ssi_signo.cast_signed() == libc::SIGTERM;
        }
    }
}

/// Closes every descriptor but `spared`. The pipes of the program, and the pipe that shows the parent whether the program
/// could be started, must end with the program.
fn close_all_but(mut spared: [RawFd; 3]) {
    spared.sort_unstable();
    let mut first = 0;
    for spared in spared.map(RawFd::cast_unsigned) {
        if first < spared {
            close(first, spared - 1);
        }
        first = spared + 1;
    }
    close(first, u32::MAX);
}

/// Closes the descriptors from `first` to `last`.
fn close(first: u32, last: u32) {
    // SAFETY: no code of this process uses the descriptors: it runs nothing but this file's functions.
    unsafe {
        if libc::syscall(libc::SYS_close_range, first, last, 0) != 0 {
            for fd in first..=last.min(MANY_FILES) {
                libc::close(fd.cast_signed());
            }
        }
    }
}

/// Kills every child of this process. A child keeps its number until it is reaped, so no other process can have it.
fn kill_children(program: i32) {
    let kill = |pid| {
        // SAFETY: the call has no preconditions.
        unsafe { libc::kill(pid, libc::SIGKILL) };
    };
    let children = open(c"/proc/thread-self/children", OFlags::RDONLY, Mode::empty());
    let Ok(children) = children else {
        // A kernel without CONFIG_PROC_CHILDREN: only the process group of the program can be killed.
        return kill(-program);
    };
    let (mut buffer, mut pid) = ([0_u8; 1024], 0);
    while let Ok(length @ 1..) = read(&children, &mut buffer) {
        for &byte in &buffer[..length] {
            if byte.is_ascii_digit() {
                pid = pid * 10 + i32::from(byte - b'0');
            } else if pid > 0 {
                kill(pid);
                pid = 0;
            }
        }
    }
    if pid > 0 {
        kill(pid);
    }
}

/// Ends this process with the exit code or the signal of this wait status.
fn end_as(status: i32) -> ! {
    if libc::WIFSIGNALED(status) {
        let signal = libc::WTERMSIG(status);
        let none = Rlimit {
            current: Some(0),
            maximum: Some(0),
        };
        // Only the program may leave a core file; the keeper hasn't crashed.
        let _ = setrlimit(Resource::Core, none);
        // SAFETY: the default action needs no handler, and all zeros are a valid, empty set.
        unsafe {
            libc::signal(signal, libc::SIG_DFL);
            let mut only = std::mem::zeroed();
            libc::sigaddset(&raw mut only, signal);
            libc::sigprocmask(libc::SIG_UNBLOCK, &raw const only, ptr::null_mut());
            libc::kill(libc::getpid(), signal);
        }
    }
    // SAFETY: _exit has no preconditions.
    unsafe { libc::_exit(libc::WEXITSTATUS(status)) }
}

/// More descriptors than a freshly forked process has, for kernels without `close_range`.
const MANY_FILES: u32 = 4096;

/// The time between two turns of killing.
const A_MOMENT: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 1_000_000,
};

/// The longest time between two checks of the children.
const A_WHILE: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 200_000_000,
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        marked::started,
        meter::{tree, usage_below},
        spawn::{self, signal_pid},
    };
    use portlab_testkit::{folder, wait_until};
    use std::{
        fs,
        os::{fd::AsRawFd, unix::process::ExitStatusExt},
        path::{Path, PathBuf},
        process::{Child, Stdio},
        thread,
        time::Duration,
    };

    fn kept(words: &[&str]) -> io::Result<Child> {
        let mut command = Command::new(words[0]);
        keep(command.args(&words[1..]), None)
            .stdin(Stdio::null())
            .spawn()
    }

    fn pid_of(child: &Child) -> i32 {
        child.id().cast_signed()
    }

    #[test]
    fn a_keeper_ends_as_its_program_did() {
        let status = |words: &[&str]| kept(words).unwrap().wait().unwrap();
        assert_eq!(status(&["true"]).code(), Some(0));
        assert_eq!(status(&["sh", "-c", "exit 7"]).code(), Some(7));
        let killed = status(&["sh", "-c", "kill -9 $$"]);
        assert_eq!(killed.signal(), Some(libc::SIGKILL));
        let error = kept(&["no-such-program-at-all"]).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn the_program_has_the_pipes_alone_and_no_signal_is_blocked() {
        let mut command = Command::new("sh");
        command.args([
            "-c",
            "grep SigBlk /proc/self/status; sleep 60 >/dev/null & exit 3",
        ]);
        let mut child = keep(&mut command, None)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        // The pipe ends when the shell ends, although the keeper still runs.
        let said = io::read_to_string(child.stdout.take().unwrap()).unwrap();
        assert_eq!(said.trim(), "SigBlk:\t0000000000000000");
        assert!(child.try_wait().unwrap().is_none());
        signal_pid(pid_of(&child), spawn::Signal::TERM).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(3));
    }

    /// A program that starts three processes and ends. Each has left its parent, group, session and environment, and
    /// writes its number to a file.
    fn detached(name: &str, starter: Result<RawFd, rustix::io::Errno>) -> (Child, PathBuf) {
        let dir = folder(name);
        let script = "for i in 1 2 3; do (setsid env -i sh -c 'echo $$ > \"$0\"/'$i'; exec sleep 600' \
                      \"$0\" &) ; done";
        let mut command = Command::new("sh");
        command.args(["-c", script, dir.to_str().unwrap()]);
        let child = keep_while(&mut command, starter, None).spawn().unwrap();
        (child, dir)
    }

    fn numbers(dir: &Path) -> Vec<i32> {
        let files = (1..=3).map(|number| fs::read_to_string(dir.join(number.to_string())));
        let numbers = files.flatten().filter_map(|text| text.trim().parse().ok());
        numbers.collect()
    }

    #[test]
    fn a_process_that_left_its_parent_group_session_and_environment_is_found_and_ended() {
        let (mut child, dir) = detached("keeper", open_while_this_process_runs());
        wait_until("three are started", || numbers(&dir).len() == 3);
        let left = numbers(&dir);
        let keeper = pid_of(&child);
        // The shell has ended, so its children are the keeper's.
        wait_until("three are counted", || {
            usage_below(keeper).unwrap().processes == 3
        });
        let below = tree(keeper).unwrap();
        assert!(left.iter().all(|pid| below.contains(pid)));
        signal_pid(keeper, spawn::Signal::TERM).unwrap();
        child.wait().unwrap();
        assert!(left.iter().all(|&pid| started(pid).is_none()));
    }

    #[test]
    fn a_lock_that_a_keeper_holds_is_free_when_none_of_its_descendants_is_left() {
        let path = folder("keeper-lock").join("lock");
        let lock = fs::File::create(&path).unwrap();
        lock.lock().unwrap();
        let mut command = Command::new("sleep");
        let mut child = keep(command.arg("600"), Some(lock.as_raw_fd()))
            .spawn()
            .unwrap();
        drop(lock);
        let other = fs::File::open(&path).unwrap();
        assert!(other.try_lock().is_err(), "the keeper holds it");
        signal_pid(pid_of(&child), spawn::Signal::TERM).unwrap();
        child.wait().unwrap();
        wait_until("the lock is free", || other.try_lock().is_ok());
    }

    #[test]
    fn all_end_when_the_process_that_started_them_has_ended() {
        let (near, far) = pipe_with(PipeFlags::CLOEXEC).unwrap();
        let (mut child, dir) = detached("keeper-process", Ok(near.as_raw_fd()));
        wait_until("three are started", || numbers(&dir).len() == 3);
        drop(far);
        child.wait().unwrap();
        let left = numbers(&dir);
        assert!(left.iter().all(|&pid| started(pid).is_none()), "{left:?}");
    }

    #[test]
    fn none_ends_with_the_thread_that_started_it() {
        let (mut child, dir) = thread::spawn(|| {
            let (child, dir) = detached("keeper-thread", open_while_this_process_runs());
            wait_until("three are started", || numbers(&dir).len() == 3);
            (child, dir)
        })
        .join()
        .unwrap();
        let left = numbers(&dir);
        // The kernel has told the children of an ended thread by now; the keeper would need a moment to end them.
        thread::sleep(Duration::from_millis(50));
        assert!(left.iter().all(|&pid| started(pid).is_some()), "{left:?}");
        signal_pid(pid_of(&child), spawn::Signal::TERM).unwrap();
        child.wait().unwrap();
        assert!(left.iter().all(|&pid| started(pid).is_none()), "{left:?}");
    }
}
