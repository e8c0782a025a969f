//! Processes with a mark in their environment. Children inherit the mark, so all descendants of a program can be
//! found, also when the process that started it has ended.

use std::{
    fs, io, thread,
    time::{Duration, Instant},
};

use portlab_words::tr;
use procfs::process::{Process, StatFlags, all_processes};
use rustix::process::Signal;

use crate::spawn::signal_pid;

/// The other processes with `name=value` in their environment. Only the processes of this user can be examined.
///
/// # Errors
/// When `/proc` can't be read.
///
/// Source: `proc(5)`, `/proc/PID/environ`.
pub fn marked(name: &str, value: &str) -> io::Result<Vec<i32>> {
    let mark = format!("{name}={value}");
    let own = std::process::id() as i32;
    let processes = all_processes().map_err(io::Error::other)?;
    Ok(processes
        .flatten()
        .filter(|process| process.pid != own && has_mark(process, mark.as_bytes()))
        .map(|process| process.pid)
        .collect())
}

fn has_mark(process: &Process, mark: &[u8]) -> bool {
    let since = Instant::now();
    loop {
        let environment = fs::read(format!("/proc/{}/environ", process.pid));
        if let Some(is_there) = is_in(environment, mark) {
            return is_there;
        }
        if !in_exec(process) || since.elapsed() > TIMEOUT {
            return false;
        }
        thread::yield_now();
    }
}

/// Whether `mark` is in an environment; false if the environment can't be read, because it is another user's. `None` if
/// it is empty, which may last for a moment only.
fn is_in(environment: io::Result<Vec<u8>>, mark: &[u8]) -> Option<bool> {
    let Ok(environment) = environment else {
        return Some(false);
    };
    let mut settings = environment.split(|&byte| byte == 0);
    (!environment.is_empty()).then(|| settings.any(|it| it == mark))
}

/// Whether a process is inside `execve`: its parent runs on already, but arguments and environment are still empty.
///
/// Source: Linux's `fs/exec.c`, `begin_new_exec` (lets the parent go on), and `fs/binfmt_elf.c`,
/// `create_elf_tables` (puts them in place).
fn in_exec(process: &Process) -> bool {
    let is_program = process.stat().is_ok_and(|stat| {
        let of_kernel = StatFlags::from_bits_truncate(stat.flags).contains(StatFlags::PF_KTHREAD);
        !of_kernel && !matches!(stat.state, 'Z' | 'X')
    });
    is_program && process.cmdline().is_ok_and(|words| words.is_empty())
}

/// How long a killed process may take to end, and any process to finish its `execve`.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Kills every process that has the mark, waits until none is left, and returns how many were killed.
///
/// # Errors
/// When `/proc` can't be read, or a process doesn't end.
pub fn kill_marked(name: &str, value: &str) -> io::Result<usize> {
    let since = Instant::now();
    let mut killed = Vec::new();
    loop {
        let left = marked(name, value)?;
        if left.is_empty() {
            return Ok(killed.len());
        }
        if since.elapsed() > TIMEOUT {
            let pid = left[0];
            let text = tr!(
                "process {pid} was killed and has not ended",
                "进程 {pid} 收到了 SIGKILL，但还没有结束"
            );
            return Err(io::Error::new(io::ErrorKind::TimedOut, text));
        }
        for pid in left {
            if !killed.contains(&pid) {
                // Fails only if the process has ended by itself.
                let _ = signal_pid(pid, Signal::KILL);
                killed.push(pid);
            }
        }
        thread::sleep(Duration::from_millis(1));
    }
}

/// When process `pid` started, in ticks since the machine did; `None` if there is no such process. Numbers are
/// reused; number and start together identify a process.
pub fn started(pid: i32) -> Option<u64> {
    let stat = Process::new(pid).and_then(|process| process.stat()).ok()?;
    (stat.state != 'Z').then_some(stat.starttime)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spawn::tie_to_this_thread;
    use std::process::Command;

    #[test]
    fn a_marked_process_is_found_with_its_children_and_killed() {
        let value = format!("{}-{}", std::process::id(), line!());
        let mut parent = Command::new("sh")
            .args(["-c", "sleep 60 & sleep 60; true"])
            .env("PORTLAB_TEST_MARK", &value)
            .spawn()
            .unwrap();
        let found = || marked("PORTLAB_TEST_MARK", &value).unwrap();
        while found().len() < 3 {
            std::thread::yield_now();
        }
        assert!(started(parent.id() as i32).is_some());
        assert!(marked("PORTLAB_TEST_MARK", "another").unwrap().is_empty());
        assert!(kill_marked("PORTLAB_TEST_MARK", &value).unwrap() >= 3);
        parent.wait().unwrap();
        assert!(found().is_empty());
        assert_eq!(started(parent.id() as i32), None);
    }

    #[test]
    fn only_an_empty_environment_is_read_again() {
        let refused = io::Error::from(io::ErrorKind::PermissionDenied);
        assert_eq!(is_in(Err(refused), b"A=1"), Some(false));
        assert_eq!(is_in(Ok(Vec::new()), b"A=1"), None);
        assert_eq!(is_in(Ok(b"A=1\0B=2\0".to_vec()), b"B=2"), Some(true));
        assert_eq!(is_in(Ok(b"A=10\0".to_vec()), b"A=1"), Some(false));
    }

    #[test]
    fn a_child_is_found_as_soon_as_it_is_started() {
        let value = format!("{}-{}", std::process::id(), line!());
        for _ in 0..50 {
            // By fork, as servers are started. After a vfork, the parent goes on a moment before the child has
            // left the parent's memory, and until then the child shows the parent's environment.
            let mut command = Command::new("sleep");
            command.arg("60").env("PORTLAB_TEST_MARK", &value);
            let mut child = tie_to_this_thread(&mut command).spawn().unwrap();
            assert_eq!(kill_marked("PORTLAB_TEST_MARK", &value).unwrap(), 1);
            child.wait().unwrap();
        }
    }
}
