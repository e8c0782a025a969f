//! Whether this process may use io_uring.

use rustix::io_uring::{io_uring_params, io_uring_setup};

/// What the kernel says when it is asked for a ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Uring {
    /// It gives one.
    Ready,
    /// It could, and doesn't: the administrator or a container has switched it off.
    Off,
    /// It knows of none: it is older than 5.1, or was built without.
    Missing,
    /// It gives none for another reason, such as too little lockable memory.
    Refused,
}

/// Asks the kernel for the smallest ring, and gives it back at once.
///
/// Source: `io_uring_setup(2)`, and `io_uring_disabled` in the kernel's `admin-guide/sysctl/kernel`.
#[must_use]
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
    fn where_it_is_disabled_for_all_there_is_no_ring() {
        let setting = std::fs::read_to_string("/proc/sys/kernel/io_uring_disabled");
        match setting.as_deref().map(str::trim) {
            Ok("2") => assert_eq!(uring(), Uring::Off),
            // Elsewhere a container may forbid it, and old kernels have none.
            _ => assert_eq!(uring(), uring()),
        }
    }
}
