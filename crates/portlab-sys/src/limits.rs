//! Limits of this machine that a run may meet.

use std::{fs, io, path::Path, str::FromStr};

use rustix::process::{Pid, Resource, Rlimit, geteuid, getrlimit, setrlimit};

use crate::cgroup;

/// Raises the soft limit of open files to the hard one, and returns it.
///
/// The soft limit is 1024 on most machines, because programs that use `select` need that; portlab doesn't use
/// `select`. `u64::MAX` means no limit.
pub fn raise_open_files() -> u64 {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    // If it can't be raised, it stays as it is.
    let _ = setrlimit(Resource::Nofile, raised);
    open_files()
}

/// The soft limit of open files now in force.
pub fn open_files() -> u64 {
    getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX)
}

/// What the soft limit of open files may be raised to.
pub fn most_open_files() -> u64 {
    getrlimit(Resource::Nofile).maximum.unwrap_or(u64::MAX)
}

/// The lowest limit of processes and threads: of this user, of the container or of the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tasks {
    /// How many processes and threads there may be.
    pub most: u64,
    /// The bound, by the name under which it is set: `ulimit -u`, `pids.max`, `kernel.pid_max` or
    /// `kernel.threads-max`.
    pub bound: &'static str,
}

/// The lowest bound on processes and threads; `None` when there is none.
///
/// Source: RLIMIT_NPROC in `getrlimit(2)`, which doesn't limit root; `proc(5)`.
pub fn tasks() -> Option<Tasks> {
    let of_user = getrlimit(Resource::Nproc).current;
    let bounds = [
        ("ulimit -u", of_user.filter(|_| !geteuid().is_root())),
        ("pids.max", cgroup::least("pids.max")),
        ("kernel.pid_max", setting("kernel/pid_max")),
        ("kernel.threads-max", setting("kernel/threads-max")),
    ];
    bounds
        .into_iter()
        .filter_map(|(bound, most)| Some(Tasks { most: most?, bound }))
        .min_by_key(|tasks| tasks.most)
}

/// How many memory maps a process may have.
///
/// Source: `vm.max_map_count` in the kernel's `sysctl/vm`.
pub fn memory_maps() -> Option<u64> {
    setting("vm/max_map_count")
}

/// The number of coroutine stacks that fit into `maps` memory maps. A stack takes two maps, because its guard page has other
/// access rights. 1,024 maps are left for the rest of the process, which could otherwise allocate no memory.
pub fn stacks(maps: u64) -> u64 {
    maps.saturating_sub(MAPS_OF_OTHERS) / 2
}

/// How many memory maps a process needs for so many `stacks`.
pub fn maps_for(stacks: u64) -> u64 {
    stacks.saturating_mul(2).saturating_add(MAPS_OF_OTHERS)
}

const MAPS_OF_OTHERS: u64 = 1024;

/// How many file descriptors process `pid` has open.
///
/// # Errors
/// When the process doesn't exist, or is another user's.
pub fn descriptors(pid: i32) -> io::Result<usize> {
    Ok(fs::read_dir(format!("/proc/{pid}/fd"))?.count())
}

/// How many more file descriptors this process may open.
///
/// # Errors
/// When the open ones can't be counted.
pub fn free_descriptors() -> io::Result<usize> {
    let most = usize::try_from(open_files()).unwrap_or(usize::MAX);
    Ok(most.saturating_sub(descriptors(std::process::id().cast_signed())?))
}

/// Lowers the soft limit of open files of process `pid`, until that process raises it again.
///
/// # Errors
/// When the process doesn't exist, or is another user's.
///
/// Source: `prlimit(2)`.
pub fn limit_open_files(pid: i32, limit: u64) -> io::Result<()> {
    lower(pid, Resource::Nofile, limit)
}

/// Lowers the soft limit of the addresses that process `pid` may map, in bytes.
///
/// # Errors
/// When the process doesn't exist, or is another user's.
///
/// Source: `RLIMIT_AS` in `prlimit(2)`.
pub fn limit_addresses(pid: i32, bytes: u64) -> io::Result<()> {
    lower(pid, Resource::As, bytes)
}

fn lower(pid: i32, resource: Resource, limit: u64) -> io::Result<()> {
    let process = Pid::from_raw(pid);
    let now = rustix::process::prlimit(process, resource, getrlimit(resource))?;
    let lowered = Rlimit {
        current: Some(limit),
        maximum: now.maximum,
    };
    rustix::process::prlimit(process, resource, lowered)?;
    Ok(())
}

/// Whether a local port in TIME_WAIT is handed out again after a second: on loopback, and
/// elsewhere.
///
/// Source: `tcp_tw_reuse` in the kernel's `ip-sysctl`: 0 never, 1 everywhere, 2 on loopback.
pub fn reuses_time_wait() -> (bool, bool) {
    match setting("net/ipv4/tcp_tw_reuse") {
        Some(1) => (true, true),
        Some(2) => (true, false),
        _ => (false, false),
    }
}

/// How many connections the kernel's firewall tracks now, and can track; `None` if it tracks none.
pub fn conntrack() -> Option<(u64, u64)> {
    let now = setting("net/netfilter/nf_conntrack_count")?;
    Some((now, setting("net/netfilter/nf_conntrack_max")?))
}

/// A number among the settings of the kernel; `None` if it can't be read.
///
/// Source: `/proc/sys` in `proc(5)`.
pub(crate) fn setting<T: FromStr>(name: &str) -> Option<T> {
    let text = fs::read_to_string(Path::new("/proc/sys").join(name)).ok()?;
    text.trim().parse().ok()
}
