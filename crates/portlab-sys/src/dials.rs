//! The addresses that a program dials: its calls of `connect(2)`, seen before the kernel carries them out.
//!
//! A seccomp filter makes the kernel report each `connect` of the program and of its descendants to this process, and wait
//! for an answer. No privilege is needed: a program that may gain no privileges (`no_new_privs`) may be filtered by
//! its starter. This process can connect the program's socket elsewhere: `pidfd_getfd` gives it a duplicate of the
//! socket, so a program in which the address of another machine is written can be tried without a change.
//!
//! The filter protects nothing: the program could change the address after it was read. It only has to be right
//! for programs that don't hide.
//!
//! Source: `seccomp_unotify(2)`, `pidfd_getfd(2)`.

use std::{
    io::{self, IoSliceMut},
    mem,
    net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6},
    os::{
        fd::{AsRawFd, FromRawFd, OwnedFd, RawFd},
        unix::process::CommandExt,
    },
    process::Command,
};

use nix::sys::uio::{RemoteIoVec, process_vm_readv};
use rustix::{
    event::{PollFd, PollFlags, poll},
    io::{Errno, retry_on_intr},
    net::{SendFlags, SocketType, connect, send, sockopt::socket_type},
};

use crate::{process::descriptor, seccomp, seqpacket::Seqpacket};

/// The calls of a program that is about to be started.
#[derive(Debug)]
pub struct Watch(Seqpacket);

/// The calls of a program that has been started.
#[derive(Debug)]
pub struct Dials(OwnedFd);

/// Makes the program of `command`, and all of its descendants, report the addresses that they dial. Call it before
/// [`keep`](crate::keeper::keep). If the kernel refuses, the program starts all the same, and [`Watch::dials`] fails.
///
/// # Errors
/// If all descriptors are in use.
pub fn watch(command: &mut Command) -> io::Result<Watch> {
    let (near, far) = Seqpacket::pair()?;
    let hook = move || {
        let (error, listener) = match install() {
            Ok(listener) => (0, Some(listener)),
            Err(error) => (error.raw_os_error(), None),
        };
        send(&far, &error.to_ne_bytes(), SendFlags::NOSIGNAL)?;
        listener.map_or(Ok(()), |it| far.try_send_fd(&it))
    };
    // SAFETY: between fork and exec, the hook makes system calls only, and allocates nothing.
    unsafe { command.pre_exec(hook) };
    Ok(Watch(near))
}

impl Watch {
    /// The calls of the program. Its `Command` has returned from `spawn`.
    ///
    /// # Errors
    /// If the kernel, or the container in which this process runs, doesn't allow that calls are reported.
    pub fn dials(self) -> io::Result<Dials> {
        let mut errno = [0; 4];
        self.0.try_recv(&mut errno)?;
        match i32::from_ne_bytes(errno) {
            0 => {
                let passed = self.0.try_recv_fd()?;
                passed
                    .map(|it| Dials(it.into()))
                    .ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
            }
            errno => Err(io::Error::from_raw_os_error(errno)),
        }
    }
}

impl Dials {
    /// Calls `elsewhere` with each address that the program dials over TCP, and connects the program's socket to the IPv4
    /// address that is returned; if none is, the program's call goes on unchanged. Other sockets don't matter.
    /// Returns when no process of the program is left.
    ///
    /// # Errors
    /// If this process isn't allowed to read the memory of the program, or to connect its sockets. From then on, the program
    /// can't connect: its calls fail with ENOSYS.
    pub fn redirect(
        self,
        mut elsewhere: impl FnMut(SocketAddr) -> Option<SocketAddr>,
    ) -> io::Result<()> {
        loop {
            let mut fds = [PollFd::new(&self.0, PollFlags::IN)];
            retry_on_intr(|| poll(&mut fds, None))?;
            if !fds[0].revents().contains(PollFlags::IN) {
                return Ok(());
            }
            let call = match self.next() {
                Err(Errno::NOENT | Errno::INTR) => continue,
                call => call?,
            };
            let answer = match self.carry_out(&call, &mut elsewhere) {
                // The calling thread was killed meanwhile, or a signal has interrupted its call.
                Err(_) if !self.is_waiting(&call) => continue,
                answer => answer?,
            };
            match self.answer(&call, answer) {
                Ok(()) | Err(Errno::NOENT) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn carry_out(
        &self,
        call: &libc::seccomp_notif,
        elsewhere: &mut impl FnMut(SocketAddr) -> Option<SocketAddr>,
    ) -> io::Result<Answer> {
        let Some(dialled) = dialled(call)? else {
            return Ok(Answer::GoOn);
        };
        let socket = socket_of(call)?;
        if !self.is_waiting(call) {
            return Err(Errno::SRCH.into());
        }
        if socket_type(&socket)? != SocketType::STREAM {
            return Ok(Answer::GoOn);
        }
        let Some(to) = elsewhere(dialled) else {
            return Ok(Answer::GoOn);
        };
        let to = match (dialled, to) {
            (SocketAddr::V6(_), SocketAddr::V4(to)) => {
                let mapped = to.ip().to_ipv6_mapped();
                SocketAddrV6::new(mapped, to.port(), 0, 0).into()
            }
            _ => to,
        };
        Ok(match connect(&socket, &to) {
            Ok(()) => Answer::Connected,
            Err(error) => Answer::Failed(error),
        })
    }

    /// Takes the next call. There is one, as `poll` has said, unless its thread was killed since.
    fn next(&self) -> rustix::io::Result<libc::seccomp_notif> {
        // SAFETY: a structure of numbers, which the kernel wants to be zero.
        let mut call: libc::seccomp_notif = unsafe { mem::zeroed() };
        self.control(libc::SECCOMP_IOCTL_NOTIF_RECV, &mut call)?;
        Ok(call)
    }

    /// Whether the calling thread still waits for the answer: if not, its number may be another thread's.
    fn is_waiting(&self, call: &libc::seccomp_notif) -> bool {
        let mut id = call.id;
        self.control(libc::SECCOMP_IOCTL_NOTIF_ID_VALID, &mut id)
            .is_ok()
    }

    fn answer(&self, call: &libc::seccomp_notif, answer: Answer) -> rustix::io::Result<()> {
        let (error, flags) = match answer {
            Answer::GoOn => (0, libc::SECCOMP_USER_NOTIF_FLAG_CONTINUE as u32),
            Answer::Connected => (0, 0),
            Answer::Failed(error) => (-error.raw_os_error(), 0),
        };
        let mut answer = libc::seccomp_notif_resp {
            id: call.id,
            val: 0,
            error,
            flags,
        };
        self.control(libc::SECCOMP_IOCTL_NOTIF_SEND, &mut answer)
    }

    fn control<T>(&self, request: libc::Ioctl, value: &mut T) -> rustix::io::Result<()> {
        // SAFETY: each request of this file goes with the structure that its number names, and the kernel
        // writes no more than that.
        match unsafe { libc::ioctl(self.0.as_raw_fd(), request, value) } {
            0 => Ok(()),
            _ => Err(last_error()),
        }
    }
}

/// What the program's call returns.
#[derive(Clone, Copy, Debug)]
enum Answer {
    /// What the kernel returns.
    GoOn,
    Connected,
    Failed(Errno),
}

/// The IP address of a call; `None` if the address is of another kind, or can't be read: then the kernel returns the
/// error.
fn dialled(call: &libc::seccomp_notif) -> io::Result<Option<SocketAddr>> {
    let [_, base, length, ..] = call.data.args;
    let (base, length) = (base as usize, length as usize);
    let mut bytes = [0; mem::size_of::<libc::sockaddr_in6>()];
    let length = length.min(bytes.len());
    if length < mem::size_of::<libc::sockaddr_in>() {
        return Ok(None);
    }
    let thread = nix::unistd::Pid::from_raw(call.pid.cast_signed());
    let mut local = [IoSliceMut::new(&mut bytes[..length])];
    match process_vm_readv(thread, &mut local, &[RemoteIoVec { base, len: length }]) {
        Ok(read) if read == length => Ok(address(&bytes[..length])),
        Ok(_) | Err(nix::errno::Errno::EFAULT) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Reads a `sockaddr_in` or a `sockaddr_in6`.
fn address(bytes: &[u8]) -> Option<SocketAddr> {
    let (family, rest) = bytes.split_first_chunk()?;
    let (port, rest) = rest.split_first_chunk()?;
    let port = u16::from_be_bytes(*port);
    match i32::from(u16::from_ne_bytes(*family)) {
        libc::AF_INET => {
            let ip: [u8; 4] = *rest.first_chunk()?;
            Some((Ipv4Addr::from(ip), port).into())
        }
        libc::AF_INET6 => {
            // After the flow's number.
            let ip: [u8; 16] = *rest.get(4..)?.first_chunk()?;
            Some((Ipv6Addr::from(ip), port).into())
        }
        _ => None,
    }
}

/// A duplicate of the socket that the call connects.
fn socket_of(call: &libc::seccomp_notif) -> io::Result<OwnedFd> {
    // A call is a thread's, and `pidfd_open` wants a process.
    let status = procfs::process::Process::new(call.pid.cast_signed())
        .and_then(|it| it.status())
        .map_err(io::Error::other)?;
    descriptor(status.tgid, call.data.args[0] as RawFd)
}

/// Installs the filter in this process, for good, and returns the descriptor at which calls are reported.
fn install() -> rustix::io::Result<OwnedFd> {
    let listener = seccomp::install(
        &[libc::SYS_connect],
        libc::SECCOMP_RET_USER_NOTIF,
        libc::SECCOMP_FILTER_FLAG_NEW_LISTENER,
    )?;
    // SAFETY: the kernel has just made this descriptor for this process. It is closed at exec.
    Ok(unsafe { OwnedFd::from_raw_fd(listener) })
}

fn last_error() -> Errno {
    Errno::from_io_error(&io::Error::last_os_error()).unwrap_or(Errno::IO)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keeper::keep;
    use std::{
        io::{Read, Write},
        net::TcpListener,
        process::Stdio,
        thread,
    };

    /// Runs a program whose sockets are connected to a listener of this process, which sends `hello`. Returns what
    /// the program has dialled and printed.
    fn dialled_by(words: &[&str]) -> (Vec<SocketAddr>, String) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let to = listener.local_addr().unwrap();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                stream.write_all(b"hello\n").unwrap();
                // Until the program closes.
                let _ = stream.read_to_end(&mut Vec::new());
            }
        });
        let mut command = Command::new(words[0]);
        command.args(&words[1..]);
        let watch = watch(&mut command).unwrap();
        let mut child = keep(&mut command, None)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let dials = watch.dials().unwrap();
        let redirected = thread::spawn(move || {
            let mut seen = Vec::new();
            dials
                .redirect(|addr| {
                    seen.push(addr);
                    Some(to)
                })
                .map(|()| seen)
        });
        let printed = io::read_to_string(child.stdout.take().unwrap()).unwrap();
        child.wait().unwrap();
        (redirected.join().unwrap().unwrap(), printed)
    }

    fn addr(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_python_client_of_another_machine_is_connected_here() {
        let program = "\
import socket, threading
def run(family, address, timeout):
    s = socket.socket(family)
    s.settimeout(timeout)
    s.connect(address)
    print(s.recv(6).decode().strip())
    s.close()
run(socket.AF_INET, ('192.168.131.62', 8080), None)
t = threading.Thread(target=run, args=(socket.AF_INET6, ('2001:db8::1', 8081), 60))
t.start()
t.join()
";
        let (seen, printed) = dialled_by(&["python3", "-c", program]);
        let expected = [addr("192.168.131.62:8080"), addr("[2001:db8::1]:8081")];
        assert_eq!(seen, expected);
        assert_eq!(printed, "hello\nhello\n");
    }

    #[test]
    fn the_child_of_a_shell_is_seen_too() {
        let script = "(read -r line < /dev/tcp/10.255.0.1/9; echo \"$line\")";
        let (seen, printed) = dialled_by(&["bash", "-c", script]);
        assert_eq!(seen, [addr("10.255.0.1:9")]);
        assert_eq!(printed, "hello\n");
    }

    #[test]
    fn sockets_of_other_kinds_are_left_alone() {
        let program = "\
import socket
u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
u.connect(('127.0.0.1', 9))
a, b = socket.socket(socket.AF_UNIX), socket.socket(socket.AF_UNIX)
a.bind('\\0portlab-dials-' + str(__import__('os').getpid()))
a.listen()
b.connect(a.getsockname())
print(u.getpeername()[1], b.getpeername() == a.getsockname())
";
        let (seen, printed) = dialled_by(&["python3", "-c", program]);
        assert_eq!(seen, []);
        assert_eq!(printed, "9 True\n");
    }

    #[test]
    fn a_call_goes_on_if_it_is_not_redirected() {
        let program = "\
import socket
s = socket.socket()
print(s.connect_ex(('127.0.0.1', 1)))
";
        let mut command = Command::new("python3");
        let watch = watch(command.args(["-c", program])).unwrap();
        let child = command.stdout(Stdio::piped()).spawn().unwrap();
        let dials = watch.dials().unwrap();
        drop(command);
        let redirected = thread::spawn(move || dials.redirect(|_| None));
        let printed = child.wait_with_output().unwrap().stdout;
        let refused = format!("{}\n", libc::ECONNREFUSED);
        assert_eq!(String::from_utf8(printed).unwrap(), refused);
        redirected.join().unwrap().unwrap();
    }

    #[test]
    fn a_program_that_is_killed_while_it_waits_for_the_answer_ends_the_watch() {
        let mut command = Command::new("bash");
        let watch = watch(command.args(["-c", "exec 3<>/dev/tcp/10.255.0.1/9"])).unwrap();
        let mut child = command.spawn().unwrap();
        let dials = watch.dials().unwrap();
        drop(command);
        let redirected = dials.redirect(|_| {
            child.kill().unwrap();
            child.wait().unwrap();
            Some(addr("127.0.0.1:1"))
        });
        assert!(redirected.is_ok(), "{redirected:?}");
    }

    #[test]
    fn addresses_that_are_cut_or_of_another_family_are_none() {
        assert_eq!(address(&[2]), None);
        let unix = [1, 0, b'/', b't', b'm', b'p', 0, 0];
        assert_eq!(address(&unix), None);
        let mut cut = [0; 16];
        cut[0] = libc::AF_INET6 as u8;
        assert_eq!(address(&cut), None);
    }
}
