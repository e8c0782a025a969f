//! Whether processes wait for something that only others can cause: then it makes no sense to wait for them.

use std::{fs, os::fd::RawFd};

use libc::c_long;
use rustix::net::sockopt::{Timeout, socket_timeout};

use crate::process::{Call, calls, descriptor, line_of};

/// The threads of some processes at one moment, each of which waits without a time limit. If two looks are equal, no
/// thread has run between them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asleep(Vec<(i32, String)>);

impl Asleep {
    /// Looks at `processes`. `None` if a thread runs, waits for a time to pass, or can't be seen; and without processes.
    /// A thread that waits for another thread, a process, a pipe or a socket has no time limit of its own.
    ///
    /// Source: `/proc/PID/task/TID/syscall` and `status` in `proc(5)`.
    pub fn look(processes: &[i32]) -> Option<Self> {
        let mut threads = Vec::new();
        for &pid in processes {
            for (tid, call) in calls(pid) {
                let status = format!("/proc/{pid}/task/{tid}/status");
                // A thread that has ended is listed until it is reaped.
                if line_of(&status, "State")?.starts_with(['Z', 'X']) {
                    continue;
                }
                if !is_endless(pid, &call?) {
                    return None;
                }
                threads.push((tid, line_of(&status, "voluntary_ctxt_switches")?));
            }
        }
        (!threads.is_empty()).then_some(Self(threads))
    }
}

/// Whether `call` of process `pid` ends only when something comes from outside.
fn is_endless(pid: i32, call: &Call) -> bool {
    let is = |calls: &[c_long]| calls.contains(&call.number);
    let limit = |calls: &[(c_long, usize)]| {
        let mut of_call = calls.iter().filter(|(number, _)| *number == call.number);
        of_call
            .next()
            .map(|(_, argument)| call.arguments[*argument])
    };
    if is(RECEIVING) {
        return waits_for_ever(pid, call.arguments[0] as RawFd);
    }
    // A call without a limit has -1 milliseconds, or a null pointer instead of a time.
    is(&[libc::SYS_wait4, libc::SYS_waitid])
        || limit(WITH_MILLISECONDS).is_some_and(|it| (it as i32) < 0)
        || limit(WITH_TIME).is_some_and(|it| it == 0)
}

/// Whether a call that reads from descriptor `fd` has no time limit: a pipe has none, and a socket has one if the program
/// has set SO_RCVTIMEO.
fn waits_for_ever(pid: i32, fd: RawFd) -> bool {
    let file = fs::read_link(format!("/proc/{pid}/fd/{fd}")).unwrap_or_default();
    let file = file.as_os_str().as_encoded_bytes();
    file.starts_with(b"pipe:")
        || file.starts_with(b"socket:")
            && descriptor(pid, fd)
                .and_then(|it| Ok(socket_timeout(&it, Timeout::Recv)?))
                .is_ok_and(|limit| limit.is_none())
}

/// Calls that read from the descriptor that is their first argument.
pub(crate) const RECEIVING: &[c_long] = &[
    libc::SYS_read,
    libc::SYS_recvfrom,
    libc::SYS_recvmsg,
    libc::SYS_accept,
    libc::SYS_accept4,
];

/// Calls whose first two arguments are a list of descriptors and its length.
pub(crate) const POLLING: &[c_long] = &[
    libc::SYS_ppoll,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_poll,
];

/// Calls with a time limit in milliseconds, and which argument it is.
const WITH_MILLISECONDS: &[(c_long, usize)] = &[
    (libc::SYS_epoll_pwait, 3),
    #[cfg(target_arch = "x86_64")]
    (libc::SYS_epoll_wait, 3),
    #[cfg(target_arch = "x86_64")]
    (libc::SYS_poll, 2),
];

/// Calls with a pointer to their time limit, and which argument it is.
const WITH_TIME: &[(c_long, usize)] = &[
    (libc::SYS_ppoll, 2),
    (libc::SYS_pselect6, 4),
    (libc::SYS_futex, 3),
    #[cfg(target_arch = "x86_64")]
    (libc::SYS_select, 4),
];

#[cfg(test)]
mod tests {
    use super::*;
    use portlab_testkit::wait_until;
    use std::{
        io::Read,
        process::{Child, Command, Stdio},
    };

    /// A program of Python that prints a line and then does `what`.
    fn python(what: &str) -> Child {
        let program = format!(
            "import select, socket, struct, sys, threading, time\na, b = socket.socketpair()\nprint(flush=True)\n{what}"
        );
        let mut command = Command::new("python3");
        let command = command.args(["-c", &program]);
        let command = command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdout.as_mut().unwrap().read_exact(&mut [0]).unwrap();
        child
    }

    #[test]
    fn a_program_that_only_others_can_wake_is_asleep() {
        for what in [
            "a.recv(1)",
            "sys.stdin.readline()",
            "select.select([a], [], [])",
            "threading.Thread(target=a.recv, args=[1]).start()",
            "p = select.epoll()\np.register(a)\np.modify(a, select.EPOLLIN)\np.poll()",
        ] {
            let mut child = python(what);
            let pid = child.id().cast_signed();
            wait_until(what, || Asleep::look(&[pid]).is_some());
            assert_eq!(Asleep::look(&[pid]), Asleep::look(&[pid]));
            child.kill().unwrap();
            child.wait().unwrap();
            assert_eq!(Asleep::look(&[pid]), None);
        }
    }

    #[test]
    fn a_program_that_goes_on_by_itself_is_not() {
        for what in [
            "time.sleep(600)",
            "a.settimeout(600)\na.recv(1)",
            "a.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack('ll', 600, 0))\na.recv(1)",
            "threading.Thread(target=a.recv, args=[1]).start()\ntime.sleep(600)",
            "select.select([a], [], [], 600)",
        ] {
            let mut child = python(what);
            let pid = child.id().cast_signed();
            wait_until("it waits", || crate::threads::state(pid) == Some('S'));
            assert_eq!(Asleep::look(&[pid]), None, "{what}");
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }
}
