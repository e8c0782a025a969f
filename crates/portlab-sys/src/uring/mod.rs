//! io_uring: whether this process may use it, and a [`Ring`] for sockets.

mod buffers;
mod requests;
mod ring;
mod setup;

use rustix::io_uring::{io_uring_params, io_uring_setup};

pub use self::{
    buffers::{Buffer, Buffers},
    requests::Key,
    ring::{Completion, Options, Ring},
};

/// The kernel's answer to a request for a ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Uring {
    /// The kernel has created a ring.
    Ready,
    /// The administrator or a container has switched io_uring off.
    Off,
    /// The kernel has no io_uring: it is older than 5.1, or was built without.
    Missing,
    /// The kernel refuses for another reason, such as too little lockable memory.
    Refused,
}

/// Asks the kernel for the smallest ring, and closes it at once.
///
/// Source: `io_uring_setup(2)`, and `io_uring_disabled` in the kernel's `admin-guide/sysctl/kernel`.
pub fn uring() -> Uring {
    let mut params = io_uring_params::default();
    // SAFETY: no flag is set, so that no descriptor is named and nothing but `params` is written;
    // the ring that comes back is owned, and never mapped.
    match unsafe { io_uring_setup(1, &mut params) } {
        Ok(_) => Uring::Ready,
        Err(rustix::io::Errno::PERM) => Uring::Off,
        Err(rustix::io::Errno::NOSYS) => Uring::Missing,
        Err(_) => Uring::Refused,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_s_answer_agrees_with_its_setting_and_its_age() {
        let read = |path| std::fs::read_to_string(path).unwrap_or_default();
        let release = read("/proc/sys/kernel/osrelease");
        let mut numbers = release.split(['.', '-']).map_while(|it| it.parse().ok());
        let age: (u32, u32) = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
        // Kernels that have it and are older than 6.6 have no setting, and 1 depends on the user.
        let setting = read("/proc/sys/kernel/io_uring_disabled");
        let expected: &[Uring] = match setting.trim() {
            _ if ((1, 0)..(5, 1)).contains(&age) => &[Uring::Missing],
            "2" => &[Uring::Off],
            "0" => &[Uring::Ready, Uring::Refused],
            _ => return,
        };
        let found = uring();
        // A container's filter may give any answer but Ready.
        let is_filtered = !read("/proc/self/status").contains("Seccomp:\t0\n");
        let is_as_expected = expected.contains(&found) || (is_filtered && found != Uring::Ready);
        assert!(is_as_expected, "{found:?}, not {expected:?}: {release}");
    }
}
