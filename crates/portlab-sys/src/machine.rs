//! What machine this is, for the record of a measurement.

use procfs::{CpuInfo, Current};

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
