//! Socket options that no safe library has.

use std::{io, os::fd::AsRawFd};

/// Puts off the choice of a local port from `bind` to `connect`, where the destination is known:
/// the same port then serves several destinations. For a socket that is bound to an address and
/// port 0.
///
/// # Errors
/// When the system refuses.
///
/// Source: `IP_BIND_ADDRESS_NO_PORT` in `ip(7)`; it holds for IPv6 too.
pub fn choose_port_at_connect(socket: &impl AsRawFd) -> io::Result<()> {
    let yes: libc::c_int = 1;
    // SAFETY: the option is an int, `yes` is one and outlives the call, and its size is passed.
    let result = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::IPPROTO_IP,
            libc::IP_BIND_ADDRESS_NO_PORT,
            (&raw const yes).cast(),
            size_of::<libc::c_int>() as libc::socklen_t,
        )
    };
    if result == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}
