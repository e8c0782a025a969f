//! Clocks.

use std::{fs, io, path::Path, time::Duration};

use procfs::{FromRead, process::Schedstat};
use rustix::time::{ClockId, Timespec, clock_gettime};

/// Nanoseconds since a moment before this process, the same for all processes of a machine. Never 0.
///
/// Source: `CLOCK_MONOTONIC` in `clock_gettime(2)`.
pub fn monotonic_ns() -> u64 {
    let time = clock_gettime(ClockId::Monotonic);
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

/// Seconds since 1970-01-01 UTC, as the machine's clock has them.
pub fn epoch_s() -> u64 {
    clock_gettime(ClockId::RealtimeCoarse).tv_sec as u64
}

/// A duration in the form of system calls.
///
/// # Panics
/// If the time is longer than 292 billion years.
pub fn timespec(time: Duration) -> Timespec {
    Timespec::try_from(time).expect("waits are far below the range of a timespec")
}

/// The CPU time that the calling thread has used since it began.
pub fn thread_cpu() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// How long the calling thread could have run but waited for a processor. 0 if the kernel doesn't count it.
pub fn thread_waited() -> Duration {
    let times = ran_and_waited(Path::new("/proc/thread-self"));
    Duration::from_nanos(times.map_or(0, |(_, waited)| waited))
}

/// How long, since the machine started, at least one thread waited for a processor. `None` if the kernel doesn't
/// count it. The pressure between two moments is the difference divided by the time between them.
///
/// Source: `Documentation/accounting/psi.rst` of Linux, `some` of `/proc/pressure/cpu`.
pub fn cpu_pressure() -> Option<Duration> {
    // procfs reads a second line too, which kernels before 5.13 don't have.
    pressure_in(&fs::read_to_string("/proc/pressure/cpu").ok()?)
}

fn pressure_in(text: &str) -> Option<Duration> {
    let some = text.lines().find_map(|line| line.strip_prefix("some "))?;
    let total = some.split(' ').find_map(|it| it.strip_prefix("total="))?;
    Some(Duration::from_micros(total.parse().ok()?))
}

/// How many nanoseconds a thread has run, and has waited for a processor; `None` if the kernel doesn't count it. `task`
/// is the thread's folder in `/proc`.
///
/// Source: `Documentation/scheduler/sched-stats.rst` of Linux, `/proc/PID/task/TID/schedstat`.
pub(crate) fn ran_and_waited(task: &Path) -> Option<(u64, u64)> {
    let times = Schedstat::from_file(task.join("schedstat")).ok()?;
    Some((times.sum_exec_runtime, times.run_delay))
}

/// The CPU time, in user and kernel mode, that all threads of process `pid` have used, ended ones
/// included. To the nanosecond, unlike the ticks of `/proc/PID/stat`.
///
/// # Errors
/// When the process doesn't exist.
///
/// Source: `clock_getcpuclockid(3)`.
pub fn process_cpu(pid: i32) -> io::Result<Duration> {
    let clock = nix::time::clock_getcpuclockid(nix::unistd::Pid::from_raw(pid))?;
    Ok(nix::time::clock_gettime(clock)?.into())
}

/// Computes until the calling thread has used `amount` of CPU time: the same amount of work whether
/// it has a core to itself or shares one.
pub fn burn(amount: Duration) {
    let end = thread_cpu() + amount;
    let mut value = 0x9e37_79b9_7f4a_7c15_u64;
    while thread_cpu() < end {
        // About a fifth of a microsecond; reading the clock, a system call, costs as much.
        for _ in 0..100 {
            value = std::hint::black_box(value.rotate_left(5) ^ value.wrapping_mul(31));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn burning_uses_the_cpu_time_that_was_asked_for_and_sleeping_none() {
        let amount = Duration::from_millis(20);
        let before = (
            thread_cpu(),
            process_cpu(std::process::id() as i32).unwrap(),
        );
        burn(amount);
        assert!(thread_cpu() - before.0 >= amount);
        assert!(process_cpu(std::process::id() as i32).unwrap() - before.1 >= amount);
        let before = thread_cpu();
        std::thread::sleep(amount);
        assert!(thread_cpu() - before < amount);
    }

    #[test]
    fn the_monotonic_clock_goes_on_while_a_thread_sleeps() {
        let before = monotonic_ns();
        std::thread::sleep(Duration::from_millis(2));
        assert!(before > 0 && monotonic_ns() - before >= 2_000_000);
    }

    #[test]
    fn the_pressure_is_the_total_of_some_in_microseconds() {
        let text = "some avg10=14.90 avg60=8.48 avg300=5.06 total=69721565\n\
                    full avg10=0.00 avg60=0.00 avg300=0.00 total=7\n";
        assert_eq!(pressure_in(text), Some(Duration::from_micros(69_721_565)));
        assert_eq!(pressure_in("full avg10=0.00 total=7\n"), None);
    }

    #[test]
    fn a_process_that_is_not_there_has_no_clock() {
        // The kernel numbers processes below 2^22 (PID_MAX_LIMIT).
        const PAST_EVERY_PID: i32 = 1 << 22;
        assert!(process_cpu(PAST_EVERY_PID).is_err());
    }
}
