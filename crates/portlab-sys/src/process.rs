//! Status and command line of a process, as the kernel writes them.

use std::{
    fs, io,
    os::fd::{AsFd, OwnedFd, RawFd},
};

use rustix::{
    io::{Errno, ioctl_fionread},
    process::{Pid, PidfdFlags, PidfdGetfdFlags, pidfd_getfd, pidfd_open},
};

use crate::{
    asleep::{POLLING, RECEIVING},
    name::inert,
};

/// The value of the line `name` in the status of process `pid`, as in `State: S (sleeping)`. `None` if there is no
/// such process or no such line. Control characters are shown as `?`, because a process chooses its name.
///
/// Source: `proc(5)`, `/proc/PID/status`.
pub fn status(pid: i32, name: &str) -> Option<String> {
    line_of(&format!("/proc/{pid}/status"), name)
}

/// The arguments of process `pid` in one line, with control characters as in [`status`]. Empty if it has none, as
/// a zombie.
///
/// # Errors
/// When the process doesn't exist.
///
/// Source: `proc(5)`, `/proc/PID/cmdline`.
pub fn command_line(pid: i32) -> io::Result<String> {
    let arguments = fs::read(format!("/proc/{pid}/cmdline"))?;
    let arguments = String::from_utf8_lossy(&arguments);
    // Each argument ends with a zero byte.
    Ok(inert(&arguments.trim_end_matches('\0').replace('\0', " ")))
}

/// How often the calling thread has slept, that is, released its processor to wait for an event. 0 if the system
/// doesn't count it.
///
/// Source: `voluntary_ctxt_switches` in `proc(5)`, `/proc/PID/status`.
pub fn times_slept() -> u64 {
    let count = line_of("/proc/thread-self/status", "voluntary_ctxt_switches");
    count.and_then(|it| it.parse().ok()).unwrap_or(0)
}

/// Whether a thread of process `pid` waits in a call that receives from a socket, and that has no time limit of its own.
/// (A program with a limit waits in `poll` first.) False if the calls can't be seen.
///
/// Source: `proc(5)`, `/proc/PID/task/TID/syscall`.
pub fn receives_without_limit(pid: i32) -> bool {
    let is_socket = |fd| {
        let file = fs::read_link(format!("/proc/{pid}/fd/{fd}"));
        file.is_ok_and(|it| it.as_os_str().as_encoded_bytes().starts_with(b"socket:"))
    };
    let mut calls = calls(pid).filter_map(|(_, call)| call);
    calls.any(|it| RECEIVING.contains(&it.number) && is_socket(it.arguments[0]))
}

/// Whether a thread of process `pid` waits in a call that reads its stdin. False if the calls can't be seen.
///
/// Source: `proc(5)`, `/proc/PID/task/TID/syscall`.
pub fn reads_stdin(pid: i32) -> bool {
    let mut calls = calls(pid).filter_map(|(_, call)| call);
    calls.any(|it| (it.number, it.arguments[0]) == (libc::SYS_read, 0))
}

/// How many descriptors are in the list with which process `pid` waits in `poll`. `None` if it doesn't wait there, or
/// its calls can't be seen.
///
/// Source: `proc(5)`, `/proc/PID/task/TID/syscall`.
pub fn polled(pid: i32) -> Option<u64> {
    let mut calls = calls(pid).filter_map(|(_, call)| call);
    calls.find_map(|it| it.polled())
}

/// A system call in which a thread waits.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Call {
    pub(crate) number: libc::c_long,
    pub(crate) arguments: [u64; 6],
}

impl Call {
    /// The length of its list, if it is `poll`.
    fn polled(&self) -> Option<u64> {
        POLLING.contains(&self.number).then_some(self.arguments[1])
    }
}

/// The threads of process `pid`, each with the call in which it waits. `None` if it runs, or its call can't be seen.
pub(crate) fn calls(pid: i32) -> impl Iterator<Item = (i32, Option<Call>)> {
    let threads = fs::read_dir(format!("/proc/{pid}/task"));
    threads.into_iter().flatten().flatten().filter_map(|it| {
        let thread = it.file_name().to_str()?.parse().ok()?;
        let call = fs::read_to_string(it.path().join("syscall")).ok();
        Some((thread, call.as_deref().and_then(call_of)))
    })
}

/// Reads `45 0x3 0x7f...`: the number of the call and its arguments.
fn call_of(text: &str) -> Option<Call> {
    let mut words = text.split_whitespace();
    let number = words.next()?.parse().ok()?;
    let mut arguments = [0; 6];
    for argument in &mut arguments {
        *argument = u64::from_str_radix(words.next()?.strip_prefix("0x")?, 16).ok()?;
    }
    Some(Call { number, arguments })
}

/// A duplicate of descriptor `fd` of process `pid`.
///
/// # Errors
/// If the process or the descriptor is gone, or if this process may not trace that one.
///
/// Source: `pidfd_getfd(2)`.
pub(crate) fn descriptor(pid: i32, fd: RawFd) -> io::Result<OwnedFd> {
    let process = Pid::from_raw(pid).ok_or(Errno::SRCH)?;
    let process = pidfd_open(process, PidfdFlags::empty())?;
    Ok(pidfd_getfd(&process, fd, PidfdGetfdFlags::empty())?)
}

/// How many bytes wait in a pipe until its reader reads them.
///
/// # Errors
/// If `pipe` has no such count.
///
/// Source: FIONREAD in `pipe(7)`.
pub fn unread(pipe: &impl AsFd) -> io::Result<u64> {
    Ok(ioctl_fionread(pipe)?)
}

/// This process.
pub(crate) fn own_pid() -> i32 {
    rustix::process::getpid().as_raw_nonzero().get()
}

pub(crate) fn line_of(file: &str, name: &str) -> Option<String> {
    let status = fs::read(file).ok()?;
    let status = String::from_utf8_lossy(&status);
    let mut values = status.lines().filter_map(|line| line.split_once(':'));
    let (_, value) = values.find(|(listed, _)| *listed == name)?;
    Some(inert(value.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use portlab_testkit::wait_until;
    use std::{
        io::Read,
        process::{Command, Stdio},
        thread,
        time::Duration,
    };

    #[test]
    fn a_process_has_a_status_until_it_is_reaped() {
        assert_eq!(status(own_pid(), "Pid"), Some(own_pid().to_string()));
        assert_eq!(status(own_pid(), "Nonsense"), None);
        let mut child = Command::new("true").spawn().unwrap();
        let pid = child.id().cast_signed();
        child.wait().unwrap();
        assert_eq!(status(pid, "Pid"), None);
        assert!(command_line(pid).is_err());
    }

    #[test]
    fn arguments_stand_in_one_line_without_control_characters() {
        let mut child = Command::new("sh")
            .args(["-c", "echo started; read line", "\x1b[31m"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        // Until `sh` runs, the kernel shows the arguments of this process, and for a moment none.
        let mut started = [0; "started".len()];
        child
            .stdout
            .as_mut()
            .unwrap()
            .read_exact(&mut started)
            .unwrap();
        let line = command_line(child.id().cast_signed()).unwrap();
        assert_eq!(line, "sh -c echo started; read line ?[31m");
        drop(child.stdin.take());
        child.wait().unwrap();
    }

    #[test]
    fn the_length_of_a_list_in_poll_is_seen() {
        let (inside, outside) = std::os::unix::net::UnixStream::pair().unwrap();
        let waiter = thread::spawn(move || {
            let mut set = crate::pollset::PollSet::default();
            set.set(6, &inside, crate::pollset::Interest::Read);
            set.wait(None).unwrap();
        });
        // Threads of other tests may wait with lists of their own.
        wait_until("it is seen", || {
            let lists = calls(own_pid()).filter_map(|(_, call)| call);
            lists.filter_map(|it| it.polled()).any(|length| length == 7)
        });
        drop(outside);
        waiter.join().unwrap();
        let mut other = Command::new("cat").stdin(Stdio::piped()).spawn().unwrap();
        let pid = other.id().cast_signed();
        wait_until("it waits", || reads_stdin(pid));
        assert_eq!(polled(pid), None);
        drop(other.stdin.take());
        other.wait().unwrap();
    }

    #[test]
    fn a_receiver_without_a_time_limit_is_seen_and_one_with_a_limit_is_not() {
        let program = "\
import socket, sys
a, b = socket.socketpair()
a.settimeout(float(sys.argv[1]) or None)
print(flush=True)
a.recv(1)
";
        let started = |limit| {
            let mut child = Command::new("python3")
                .args(["-c", program, limit])
                .stdout(Stdio::piped())
                .spawn()
                .unwrap();
            child.stdout.as_mut().unwrap().read_exact(&mut [0]).unwrap();
            let pid = child.id().cast_signed();
            wait_until("it waits", || crate::threads::state(pid) == Some('S'));
            (child, pid)
        };
        let (mut for_ever, pid) = started("0");
        wait_until("it is seen", || receives_without_limit(pid));
        let (mut limited, limited_pid) = started("600");
        assert!(!receives_without_limit(limited_pid));
        for child in [&mut for_ever, &mut limited] {
            child.kill().unwrap();
            child.wait().unwrap();
        }
        assert!(!receives_without_limit(pid));
    }

    #[test]
    fn a_reader_of_stdin_is_seen() {
        let mut cat = Command::new("cat").stdin(Stdio::piped()).spawn().unwrap();
        let pid = cat.id().cast_signed();
        wait_until("it is seen", || reads_stdin(pid));
        let mut sleeper = Command::new("sleep").arg("600").spawn().unwrap();
        let sleeping = sleeper.id().cast_signed();
        wait_until("it sleeps", || crate::threads::state(sleeping) == Some('S'));
        assert!(!reads_stdin(sleeping));
        drop(cat.stdin.take());
        cat.wait().unwrap();
        sleeper.kill().unwrap();
        sleeper.wait().unwrap();
        assert!(!reads_stdin(pid));
    }

    #[test]
    fn what_waits_in_a_pipe_is_counted_until_it_is_read() {
        let mut cat = Command::new("cat")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let mut pipe = cat.stdin.take().unwrap();
        crate::spawn::signal(&mut cat, crate::spawn::Signal::STOP).unwrap();
        std::io::Write::write_all(&mut pipe, b"three").unwrap();
        assert_eq!(unread(&pipe).unwrap(), 5);
        crate::spawn::signal(&mut cat, crate::spawn::Signal::CONT).unwrap();
        wait_until("it is read", || unread(&pipe).unwrap() == 0);
        drop(pipe);
        cat.wait().unwrap();
    }

    #[test]
    fn sleeping_is_counted() {
        let before = times_slept();
        thread::sleep(Duration::from_millis(1));
        assert!(times_slept() > before);
    }
}
