//! Filters of system calls, which a process installs for itself and its descendants.
//!
//! Source: `seccomp(2)`.

use std::{ffi::c_long, io, mem, os::fd::RawFd};

use rustix::io::Errno;

/// Installs a filter in this process, for good: `action` for the system calls with these numbers, of this architecture,
/// and everything else is allowed. Returns what the kernel returns: with `SECCOMP_FILTER_FLAG_NEW_LISTENER` a descriptor. It
/// allocates nothing, so it may be called between fork and exec.
///
/// # Errors
/// When the kernel or a container doesn't allow filters.
pub(crate) fn install(
    numbers: &[c_long],
    action: u32,
    flags: libc::c_ulong,
) -> rustix::io::Result<RawFd> {
    let architecture = ARCHITECTURE.ok_or(Errno::NOSYS)?;
    let mut filter = [answer(libc::SECCOMP_RET_ALLOW); MOST];
    filter[0] = load(mem::offset_of!(libc::seccomp_data, arch));
    // After the numbers, the first answer is to allow, and the second is the action.
    let count = numbers.len() as u8;
    filter[1] = jump(architecture, 0, count + 1);
    filter[2] = load(mem::offset_of!(libc::seccomp_data, nr));
    for (at, number) in (0..count).zip(numbers) {
        filter[3 + usize::from(at)] = jump(*number as u32, count - at, 0);
    }
    filter[4 + numbers.len()] = answer(action);
    let program = libc::sock_fprog {
        len: 5 + u16::from(count),
        filter: filter.as_mut_ptr(),
    };
    rustix::thread::set_no_new_privs(true)?;
    // SAFETY: `filter` is longer than `program` says, and the kernel only reads both.
    let installed = unsafe {
        libc::syscall(
            libc::SYS_seccomp,
            libc::SECCOMP_SET_MODE_FILTER,
            flags,
            &raw const program,
        )
    };
    match installed {
        0.. => Ok(installed as RawFd),
        _ => Err(Errno::from_io_error(&io::Error::last_os_error()).unwrap_or(Errno::IO)),
    }
}

fn step(code: u32, then: u8, otherwise: u8, value: u32) -> libc::sock_filter {
    libc::sock_filter {
        code: code as u16,
        jt: then,
        jf: otherwise,
        k: value,
    }
}

fn load(offset: usize) -> libc::sock_filter {
    let code = libc::BPF_LD | libc::BPF_W | libc::BPF_ABS;
    step(code, 0, 0, offset as u32)
}

/// Skips so many steps if the loaded value is `value`, or `otherwise` that many.
fn jump(value: u32, then: u8, otherwise: u8) -> libc::sock_filter {
    let code = libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K;
    step(code, then, otherwise, value)
}

fn answer(action: u32) -> libc::sock_filter {
    step(libc::BPF_RET | libc::BPF_K, 0, 0, action)
}

/// The most steps of a filter here.
const MOST: usize = 16;

/// `AUDIT_ARCH_*` in `linux/audit.h`; `None` on an architecture on which this was not tried.
const ARCHITECTURE: Option<u32> = if cfg!(target_arch = "x86_64") {
    Some(0xC000_003E)
} else if cfg!(target_arch = "aarch64") {
    Some(0xC000_00B7)
} else {
    None
};
