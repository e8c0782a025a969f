//! The machine's hardware and kernel, for the record of a measurement; and CPU affinity.

use std::ops::RangeInclusive;

use procfs::{CpuInfo, Current, Meminfo};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

use crate::{cgroup, limits::setting, ports};

/// The facts of a machine that figures depend on.
#[derive(Clone, Debug)]
pub struct Machine {
    /// The kernel's release, such as `6.1.0-18-amd64`.
    pub kernel: String,
    /// The processor's name, or `unknown`.
    pub cpu: String,
    /// Processors that this process may use.
    pub cores: usize,
    /// The longest accept queue the kernel allows (`net.core.somaxconn`); `None` if it can't be read.
    pub somaxconn: Option<u32>,
    /// The first and the last port that the system assigns to outgoing connections.
    pub port_range: (u16, u16),
}

/// Reads the facts. A fact that can't be read is `unknown`, `None` or zero.
pub fn machine() -> Machine {
    let cpu = CpuInfo::current().ok().and_then(|info| {
        let name = info.model_name(0).or_else(|| info.get_field(0, "CPU part"));
        name.map(str::to_owned)
    });
    Machine {
        kernel: setting("kernel/osrelease").unwrap_or_default(),
        cpu: cpu.unwrap_or_else(|| "unknown".to_owned()),
        cores: std::thread::available_parallelism().map_or(1, usize::from),
        somaxconn: setting("net/core/somaxconn"),
        port_range: ports::handed_out().map_or((0, 0), RangeInclusive::into_inner),
    }
}

/// The processors of this machine, and how many of them this process may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Processors {
    /// The processors of the machine.
    pub online: usize,
    /// The processors that this process may run on, as `taskset(1)` sets it.
    pub allowed: usize,
    /// How many processors this process may use at the same time: fewer than `allowed` if its control group has a quota.
    pub usable: usize,
}

/// Counts the processors. If the system doesn't report which are allowed, all usable ones count as allowed.
pub fn processors() -> Processors {
    let usable = std::thread::available_parallelism().map_or(1, usize::from);
    let allowed = sched_getaffinity(None).map_or(usable, |set| set.count() as usize);
    Processors {
        online: CpuInfo::current().map_or(allowed, |info| info.num_cores()),
        allowed,
        usable,
    }
}

/// The memory of this machine, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Memory {
    /// All memory; in a container, at most its limit.
    pub total_bytes: u64,
    /// The memory that can be allocated without swapping; in a container, at most what its limit has left.
    pub available_bytes: u64,
}

/// Reads the memory; `None` if it can't be read.
///
/// Source: `/proc/meminfo` in `proc(5)`.
pub fn memory() -> Option<Memory> {
    let info = Meminfo::current().ok()?;
    let limit = cgroup::least("memory.max").unwrap_or(u64::MAX);
    let left = cgroup::memory_left_bytes().unwrap_or(u64::MAX);
    Some(Memory {
        total_bytes: info.mem_total.min(limit),
        available_bytes: info.mem_available.unwrap_or(info.mem_free).min(left),
    })
}

/// The processors that this process may use, divided into halves for two programs that must not disturb each
/// other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Halves {
    /// The cores with the lower numbers.
    pub first: Vec<usize>,
    /// The others. If the number of cores is odd, this half has one more.
    pub second: Vec<usize>,
}

/// Divides the processors by cores: two hardware threads of one core share its pipelines, so they belong to the
/// same half. `None` if this process may use only one core.
///
/// # Errors
/// When the allowed processors can't be read.
pub fn halves() -> std::io::Result<Option<Halves>> {
    let allowed = sched_getaffinity(None)?;
    let cpus = (0..CpuSet::MAX_CPU).filter(|&cpu| allowed.is_set(cpu));
    let mut cores: Vec<(String, Vec<usize>)> = Vec::new();
    for cpu in cpus {
        let file = format!("/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list");
        // If the system doesn't list cores, each processor counts as a core.
        let core = std::fs::read_to_string(file).unwrap_or_else(|_| cpu.to_string());
        match cores.iter_mut().find(|(known, _)| *known == core) {
            Some((_, threads)) => threads.push(cpu),
            None => cores.push((core, vec![cpu])),
        }
    }
    if cores.len() < 2 {
        return Ok(None);
    }
    let second = cores.split_off(cores.len() / 2);
    let cpus = |cores: Vec<(String, Vec<usize>)>| {
        let mut cpus: Vec<usize> = cores.into_iter().flat_map(|(_, cpus)| cpus).collect();
        cpus.sort_unstable();
        cpus
    };
    Ok(Some(Halves {
        first: cpus(cores),
        second: cpus(second),
    }))
}

/// Restricts the calling thread, and those that it will start, to `cpus`. It allocates nothing, so it may be
/// called between fork and exec.
///
/// # Errors
/// When the system refuses, or there is no such processor.
pub fn keep_to(cpus: &[usize]) -> std::io::Result<()> {
    let mut set = CpuSet::new();
    let known = cpus.iter().filter(|&&cpu| cpu < CpuSet::MAX_CPU);
    known.for_each(|&cpu| set.set(cpu));
    Ok(sched_setaffinity(None, &set)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_have_no_processor_in_common_and_threads_keep_to_them() {
        let allowed = sched_getaffinity(None).expect("a thread may ask for its processors");
        let all = (0..CpuSet::MAX_CPU)
            .filter(|&cpu| allowed.is_set(cpu))
            .count();
        let Ok(Some(halves)) = halves() else {
            return;
        };
        assert_eq!(halves.first.len() + halves.second.len(), all);
        assert!(halves.first.iter().all(|cpu| !halves.second.contains(cpu)));
        for half in [halves.first, halves.second] {
            let wanted = half.clone();
            let kept = std::thread::spawn(move || {
                keep_to(&half).expect("the system lets a thread choose among its processors");
                sched_getaffinity(None).expect("a thread may ask for its processors")
            });
            let set = kept.join().expect("it doesn't panic");
            let kept: Vec<_> = (0..CpuSet::MAX_CPU)
                .filter(|&cpu| set.is_set(cpu))
                .collect();
            assert_eq!(kept, wanted);
        }
    }

    #[test]
    fn no_more_is_usable_than_there_is() {
        let Processors {
            online,
            allowed,
            usable,
        } = processors();
        assert!(1 <= usable && usable <= allowed && allowed <= online);
        let memory = memory().unwrap();
        assert!(0 < memory.available_bytes && memory.available_bytes <= memory.total_bytes);
    }

    #[test]
    fn a_processor_that_is_not_there_is_refused() {
        assert!(keep_to(&[]).is_err());
        assert!(keep_to(&[CpuSet::MAX_CPU + 1]).is_err());
    }
}
