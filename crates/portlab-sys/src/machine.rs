//! What machine this is, for the record of a measurement; and keeping to a part of it.

use procfs::{CpuInfo, Current};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// The facts of a machine that figures depend on.
#[derive(Clone, Debug)]
pub struct Machine {
    /// The kernel's release, such as `6.1.0-18-amd64`.
    pub kernel: String,
    /// The processor's name, or `unknown`.
    pub cpu: String,
    /// Processors that this process may use.
    pub cores: usize,
    /// The longest accept queue the kernel allows (`net.core.somaxconn`).
    pub somaxconn: u32,
    /// The ports that outgoing connections are given, first and last.
    pub port_range: (u16, u16),
}

/// Looks at the machine. What can't be found out is said to be unknown or zero.
#[must_use]
pub fn machine() -> Machine {
    let read = |path| std::fs::read_to_string(path).unwrap_or_default();
    let cpu = CpuInfo::current().ok().and_then(|info| {
        let name = info.model_name(0).or_else(|| info.get_field(0, "CPU part"));
        name.map(str::to_owned)
    });
    let range = read("/proc/sys/net/ipv4/ip_local_port_range");
    let mut ports = range.split_whitespace().flat_map(str::parse);
    Machine {
        kernel: read("/proc/sys/kernel/osrelease").trim().to_owned(),
        cpu: cpu.unwrap_or_else(|| "unknown".to_owned()),
        cores: std::thread::available_parallelism().map_or(1, usize::from),
        somaxconn: read("/proc/sys/net/core/somaxconn")
            .trim()
            .parse()
            .unwrap_or(0),
        port_range: (ports.next().unwrap_or(0), ports.next().unwrap_or(0)),
    }
}

/// The processors that this process may use, divided in two, so that two programs which must not
/// disturb each other don't.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Halves {
    /// The cores with the lower numbers.
    pub first: Vec<usize>,
    /// The others; one core more, if they are odd.
    pub second: Vec<usize>,
}

/// Divides the processors by cores: two threads of one core share its pipelines, and are never put
/// on different sides.
///
/// # Errors
/// In words, why they can't be divided: there is one core only, or the system doesn't tell.
pub fn halves() -> Result<Halves, String> {
    let allowed = sched_getaffinity(None)
        .map_err(|error| format!("the system doesn't tell which processors there are: {error}"))?;
    let cpus = (0..CpuSet::MAX_CPU).filter(|&cpu| allowed.is_set(cpu));
    let mut cores: Vec<(String, Vec<usize>)> = Vec::new();
    for cpu in cpus {
        let file = format!("/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list");
        // Where the system tells nothing of cores, each processor is taken to be one.
        let core = std::fs::read_to_string(file).unwrap_or_else(|_| cpu.to_string());
        match cores.iter_mut().find(|(known, _)| *known == core) {
            Some((_, threads)) => threads.push(cpu),
            None => cores.push((core, vec![cpu])),
        }
    }
    if cores.len() < 2 {
        return Err("there is one core only that may be used".to_owned());
    }
    let second = cores.split_off(cores.len() / 2);
    let cpus = |cores: Vec<(String, Vec<usize>)>| {
        let mut cpus: Vec<usize> = cores.into_iter().flat_map(|(_, cpus)| cpus).collect();
        cpus.sort_unstable();
        cpus
    };
    Ok(Halves {
        first: cpus(cores),
        second: cpus(second),
    })
}

/// Keeps the calling thread, and those that it will start, to `cpus`. Allocates nothing, so that it
/// may be called between fork and exec.
///
/// # Errors
/// When the system won't, or there is no such processor.
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
        let Ok(halves) = halves() else {
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
    fn a_processor_that_is_not_there_is_refused() {
        assert!(keep_to(&[]).is_err());
        assert!(keep_to(&[CpuSet::MAX_CPU + 1]).is_err());
    }
}
