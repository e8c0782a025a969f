//! Socket options and calls that the standard library lacks.

use std::{
    io,
    ops::RangeInclusive,
    os::fd::{AsFd, AsRawFd},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use nix::{
    errno::Errno,
    sys::socket::{ControlMessageOwned, MsgFlags, recvmsg, setsockopt, sockopt},
};

/// Makes `call` again as long as a signal interrupts it.
///
/// A read from a socket with a timeout fails with EINTR not only when a handler of a signal has run, but also when the process
/// was stopped and goes on (Ctrl-Z and `fg`). The timeout of the next read begins anew.
///
/// # Errors
/// Those of `call`, but for [`io::ErrorKind::Interrupted`].
///
/// Source: `signal(7)`, "Interruption of system calls and library functions by stop signals".
pub fn uninterrupted<T>(mut call: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    loop {
        match call() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            done => return done,
        }
    }
}

/// Makes the kernel choose the local port at `connect` instead of `bind`. The destination is known then, so the
/// same port can serve several destinations. For a socket that is bound to an address and
/// port 0.
///
/// # Errors
/// When the system refuses.
///
/// Source: `IP_BIND_ADDRESS_NO_PORT` in `ip(7)`; it holds for IPv6 too.
pub fn choose_port_at_connect(socket: &impl AsFd) -> io::Result<()> {
    Ok(setsockopt(socket, sockopt::IpBindAddressNoPort, &true)?)
}

/// Makes the kernel choose the local port of `socket` in `ports`, as far as these are ports that it gives to clients.
///
/// # Errors
/// When the system refuses: before Linux 6.3.
///
/// Source: `IP_LOCAL_PORT_RANGE` in `ip(7)`; it holds for IPv6 too.
pub(crate) fn choose_port_in(socket: &impl AsRawFd, ports: RangeInclusive<u16>) -> io::Result<()> {
    // From `linux/in.h`.
    const IP_LOCAL_PORT_RANGE: libc::c_int = 51;
    let range = u32::from(*ports.end()) << 16 | u32::from(*ports.start());
    // SAFETY: the value is an integer of the length that is given.
    Errno::result(unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::IPPROTO_IP,
            IP_LOCAL_PORT_RANGE,
            (&raw const range).cast(),
            size_of_val(&range) as libc::socklen_t,
        )
    })?;
    Ok(())
}

/// How many connections wait to be accepted at `listener`.
///
/// # Errors
/// When it isn't a TCP socket.
///
/// Source: `TCP_INFO` in `tcp(7)`; of a socket that listens, `tcpi_unacked` is the length of its accept
/// queue (`tcp_get_info` in the kernel's `net/ipv4/tcp.c`).
pub fn accept_queue(listener: &impl AsRawFd) -> io::Result<u32> {
    Ok(tcp_info(listener)?.tcpi_unacked)
}

/// How many datagrams the kernel has dropped because the receive buffer of `socket` was full.
///
/// # Errors
/// When the kernel doesn't say: before Linux 4.12.
///
/// Source: `SO_MEMINFO` in the kernel's `net/core/sock.c`, and `SK_MEMINFO_DROPS` in `linux/sock_diag.h`.
pub fn dropped_datagrams(socket: &impl AsRawFd) -> io::Result<u32> {
    const DROPS: usize = 8;
    let mut info = [0_u32; DROPS + 1];
    let mut length = size_of_val(&info) as libc::socklen_t;
    // SAFETY: `info` is a valid place of `length` bytes for the answer.
    Errno::result(unsafe {
        libc::getsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_MEMINFO,
            (&raw mut info).cast(),
            &raw mut length,
        )
    })?;
    Ok(info[DROPS])
}

/// The kernel's facts about a TCP socket (`TCP_INFO` in `tcp(7)`).
pub(crate) fn tcp_info(socket: &impl AsRawFd) -> io::Result<libc::tcp_info> {
    // SAFETY: tcp_info consists of integers, for which zeros are valid.
    let mut info: libc::tcp_info = unsafe { std::mem::zeroed() };
    let mut length = size_of::<libc::tcp_info>() as libc::socklen_t;
    // SAFETY: `info` is a valid place of `length` bytes for the answer.
    Errno::result(unsafe {
        libc::getsockopt(
            socket.as_raw_fd(),
            libc::IPPROTO_TCP,
            libc::TCP_INFO,
            (&raw mut info).cast(),
            &raw mut length,
        )
    })?;
    Ok(info)
}

/// Makes the kernel record when packets arrive at `socket`, for [`read_with_age`]. If no other socket of this machine
/// has this option, the recording begins a moment later, and the first packets have no time.
///
/// # Errors
/// When the system refuses.
///
/// Source: `SO_TIMESTAMPNS` in the kernel's `networking/timestamping`.
pub fn note_arrivals(socket: &impl AsFd) -> io::Result<()> {
    Ok(setsockopt(socket, sockopt::ReceiveTimestampns, &true)?)
}

/// Reads the input that has arrived, and returns its length and for how long its last packet has waited: zero if
/// the kernel didn't record it.
///
/// # Errors
/// Those of `recvmsg(2)`.
pub fn read_with_age(socket: &impl AsFd, buffer: &mut [u8]) -> io::Result<(usize, Duration)> {
    let fd = socket.as_fd().as_raw_fd();
    let mut slices = [io::IoSliceMut::new(buffer)];
    let mut space = nix::cmsg_space!(nix::sys::time::TimeSpec);
    let message = recvmsg::<()>(fd, &mut slices, Some(&mut space), MsgFlags::empty())?;
    let arrival = message.cmsgs()?.find_map(|cmsg| match cmsg {
        ControlMessageOwned::ScmTimestampns(time) => Some(Duration::from(time)),
        _ => None,
    });
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let age = now
        .ok()
        .zip(arrival)
        .map(|(now, arrival)| now.saturating_sub(arrival));
    Ok((message.bytes, age.unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use std::{
        io::Write,
        net::{TcpListener, TcpStream},
        thread,
    };

    use super::*;

    #[test]
    fn the_accept_queue_holds_connections_that_were_not_accepted() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let clients = [(); 3].map(|()| TcpStream::connect(listener.local_addr().unwrap()));
        // The last step of a handshake may come a moment later.
        while accept_queue(&listener).unwrap() < 3 {
            thread::yield_now();
        }
        listener.accept().unwrap();
        assert_eq!(accept_queue(&listener).unwrap(), 2);
        drop(clients);
    }

    #[test]
    fn the_age_of_waiting_input_is_measured() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (server, _) = listener.accept().unwrap();
        note_arrivals(&server).unwrap();
        let waited = Duration::from_millis(30);
        let mut read = || {
            let mut buffer = [0; 16];
            client.write_all(b"hello").unwrap();
            thread::sleep(waited);
            let (length, age) = read_with_age(&server, &mut buffer).unwrap();
            assert_eq!(&buffer[..length], b"hello");
            age
        };
        // The kernel may need a moment to begin.
        let ages = std::iter::repeat_with(&mut read).take(100);
        let age = ages.into_iter().find(|age| !age.is_zero()).unwrap();
        // The wall clock may be corrected by a little during the wait.
        assert!(age >= waited / 2, "{age:?}");
    }
}
