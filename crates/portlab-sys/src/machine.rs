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

/// One half of the processors, or the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Half {
    /// The lower numbers.
    First,
    /// The higher numbers; one more, if they are odd.
    Second,
}

/// Keeps the calling thread, and those that it will start, to one half of the processors that it may
/// use: so that two programs which must not disturb each other don't. Does nothing where there is one
/// processor, or the system won't.
pub fn keep_to(half: Half) {
    let Ok(allowed) = sched_getaffinity(None) else {
        return;
    };
    let cpus: Vec<_> = (0..CpuSet::MAX_CPU)
        .filter(|&cpu| allowed.is_set(cpu))
        .collect();
    let (first, second) = cpus.split_at(cpus.len() / 2);
    let kept = match half {
        Half::First => first,
        Half::Second => second,
    };
    if kept.is_empty() || first.is_empty() {
        return;
    }
    let mut set = CpuSet::new();
    kept.iter().for_each(|&cpu| set.set(cpu));
    let _ = sched_setaffinity(None, &set);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_have_no_processor_in_common() {
        let of = |half| {
            let kept = std::thread::spawn(move || {
                keep_to(half);
                sched_getaffinity(None).expect("a thread may ask for its processors")
            });
            let set = kept.join().expect("it doesn't panic");
            (0..CpuSet::MAX_CPU)
                .filter(|&cpu| set.is_set(cpu))
                .collect::<Vec<_>>()
        };
        let all = std::thread::available_parallelism().map_or(1, usize::from);
        let (first, second) = (of(Half::First), of(Half::Second));
        if all == 1 {
            assert_eq!(first, second);
        } else {
            assert_eq!(first.len() + second.len(), all);
            assert!(first.iter().all(|cpu| !second.contains(cpu)));
        }
    }
}
