//! io_uring: whether this process may use it, and a [`Ring`] for sockets.

mod buffers;
mod requests;
mod ring;
mod setup;

use std::{io, os::unix::process::CommandExt, process::Command};

use portlab_words::Text;
use rustix::io::Errno;

use crate::seccomp;

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
    /// The kernel has no io_uring: it is older than 5.1, or was built without. A container may also pretend that.
    Missing,
    /// The kernel is older than 6.0, and its io_uring can't do all that a [`Ring`] needs.
    Old,
    /// The kernel refuses for another reason, such as too little lockable memory.
    Refused,
}

/// Asks the kernel for the smallest ring, and closes it at once.
///
/// Source: `io_uring_setup(2)`, and `io_uring_disabled` in the kernel's `admin-guide/sysctl/kernel`.
pub fn uring() -> Uring {
    match setup::build(1).map_err(|error| Errno::from_io_error(&error)) {
        Ok(_) => Uring::Ready,
        Err(Some(Errno::PERM | Errno::ACCESS)) => Uring::Off,
        Err(Some(Errno::NOSYS)) => Uring::Missing,
        Err(Some(Errno::INVAL)) => Uring::Old,
        Err(_) => Uring::Refused,
    }
}

impl Uring {
    /// What is so, as a sentence without its end.
    pub fn finding(self) -> Text {
        match self {
            Self::Ready => Text::new("io_uring may be used", "可以使用 io_uring"),
            Self::Off => Text::new("io_uring is forbidden here", "这里禁用了 io_uring"),
            Self::Missing => Text::new(
                "this kernel has no io_uring, or a container hides it",
                "这个内核没有 io_uring，或者被容器屏蔽了",
            ),
            Self::Old => Text::new(
                "the io_uring of this kernel is too old",
                "这个内核的 io_uring 太旧",
            ),
            Self::Refused => Text::new(
                "the kernel refused to create an io_uring",
                "内核拒绝创建 io_uring",
            ),
        }
    }

    /// What can be done about it; `None` if nothing need be.
    pub fn remedy(self) -> Option<Text> {
        Some(match self {
            Self::Ready => return None,
            Self::Off => Text::new(
                "on a machine of your own: sudo sysctl -w kernel.io_uring_disabled=0; in a container, start it with \
                 --security-opt seccomp=unconfined",
                "如果是自己的机器：sudo sysctl -w kernel.io_uring_disabled=0；如果在容器里，启动容器时加上 \
                 --security-opt seccomp=unconfined",
            ),
            Self::Missing => Text::new(
                "Linux has had it since 5.1; start a container with --security-opt seccomp=unconfined",
                "Linux 5.1 起才有；如果在容器里，启动容器时加上 --security-opt seccomp=unconfined",
            ),
            Self::Old => Text::new(
                "Linux 6.0 or newer is needed",
                "需要 Linux 6.0 或更新的内核",
            ),
            Self::Refused => Text::new(
                "allow this shell to lock more memory: sudo prlimit --pid $$ --memlock=unlimited",
                "允许这个终端锁定更多内存：sudo prlimit --pid $$ --memlock=unlimited",
            ),
        })
    }
}

/// Makes the program of `command` find io_uring forbidden, with this error, as containers do: for tests.
pub fn forbid(command: &mut Command, errno: Errno) {
    let action = libc::SECCOMP_RET_ERRNO | errno.raw_os_error().cast_unsigned();
    let calls = [
        libc::SYS_io_uring_setup,
        libc::SYS_io_uring_enter,
        libc::SYS_io_uring_register,
    ];
    let hook = move || {
        seccomp::install(&calls, action, 0).map_err(io::Error::from)?;
        Ok(())
    };
    // SAFETY: between fork and exec, the hook makes system calls only, and allocates nothing.
    unsafe { command.pre_exec(hook) };
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
            "0" if age < (6, 0) => &[Uring::Old, Uring::Refused],
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
